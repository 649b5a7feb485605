//! Variables that were not given. By the specification an argument or an input's field that names one is as if it had
//! been left out; async-graphql would take it for null, which is a value: it removes what is there.
use async_graphql::{Name, Positioned, parser::types as ag};
use async_graphql_value::Value;
use std::collections::HashSet;

pub(super) fn leave_out(document: &mut ag::ExecutableDocument, absent: &HashSet<Name>) {
    match &mut document.operations {
        ag::DocumentOperations::Single(operation) => {
            in_selections(&mut operation.node.selection_set.node, absent);
        }
        ag::DocumentOperations::Multiple(operations) => {
            for operation in operations.values_mut() {
                in_selections(&mut operation.node.selection_set.node, absent);
            }
        }
    }
}

fn in_selections(selections: &mut ag::SelectionSet, absent: &HashSet<Name>) {
    for selection in &mut selections.items {
        match &mut selection.node {
            ag::Selection::Field(Positioned { node: field, .. }) => {
                field.arguments.retain_mut(|(_, value)| is_given(&mut value.node, absent));
                in_selections(&mut field.selection_set.node, absent);
            }
            ag::Selection::InlineFragment(fragment) => {
                in_selections(&mut fragment.node.selection_set.node, absent);
            }
            ag::Selection::FragmentSpread(_) => {}
        }
    }
}

/// False for a variable that is absent; what is absent within is taken out.
fn is_given(value: &mut Value, absent: &HashSet<Name>) -> bool {
    match value {
        Value::Variable(name) => return !absent.contains(name),
        Value::Object(fields) => fields.retain(|_, field| is_given(field, absent)),
        Value::List(items) => {
            for item in items {
                // A list has no gaps.
                if !is_given(item, absent) {
                    *item = Value::Null;
                }
            }
        }
        _ => {}
    }
    true
}
