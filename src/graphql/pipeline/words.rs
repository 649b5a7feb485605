//! What decides in which words a subscription's events are told: the document, and the variables that it uses below the
//! subscription's field or that may decide what is left out. The field's own arguments decide which events come, and
//! not how one of them is told.
use async_graphql::{Name, Value as Given, Variables, parser::types as ag};
use async_graphql_value::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;

/// Equal for two subscriptions only if they tell the same event to the same reader in the same words.
pub(super) fn fingerprint(
    text: &str,
    operation_name: Option<&str>,
    document: &ag::ExecutableDocument,
    variables: &Variables,
) -> Option<[u8; 32]> {
    // What `@skip` and `@include` decide by is not in the document any more.
    let conditions = variables.iter().filter(|(_, value)| matches!(value, Given::Boolean(_)));
    let mut used: BTreeSet<&Name> = conditions.map(|(name, _)| name).collect();
    for (_, operation) in document.operations.iter() {
        for root in &operation.node.selection_set.node.items {
            below(&root.node, &mut used);
        }
    }
    let used: Vec<_> = used.into_iter().map(|name| (name, variables.get(name))).collect();
    // As JSON, whose strings have an end: no two different ones are written alike.
    let parts = serde_json::to_vec(&(text, operation_name, used)).ok()?;
    Some(Sha256::digest(parts).into())
}

fn below<'a>(selection: &'a ag::Selection, used: &mut BTreeSet<&'a Name>) {
    let set = match selection {
        ag::Selection::Field(field) => &field.node.selection_set,
        ag::Selection::InlineFragment(fragment) => &fragment.node.selection_set,
        // The translation has dissolved them.
        ag::Selection::FragmentSpread(_) => return,
    };
    for selection in &set.node.items {
        if let ag::Selection::Field(field) = &selection.node {
            field.node.arguments.iter().for_each(|(_, value)| within(&value.node, used));
        }
        below(&selection.node, used);
    }
}

fn within<'a>(value: &'a Value, used: &mut BTreeSet<&'a Name>) {
    match value {
        Value::Variable(name) => {
            used.insert(name);
        }
        Value::List(items) => items.iter().for_each(|item| within(item, used)),
        Value::Object(fields) => fields.values().for_each(|field| within(field, used)),
        _ => {}
    }
}
