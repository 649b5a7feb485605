//! A subscription that goes on where another one ended: some transports tell the place beside the document, as
//! Server-Sent Events do in `Last-Event-ID`.
use async_graphql::{Name, Positioned, parser::types as ag};
use async_graphql_value::Value;

/// Makes `cursor` the argument `after` of the root field, whatever stood there.
pub(super) fn after(document: &mut ag::ExecutableDocument, cursor: &str) {
    match &mut document.operations {
        ag::DocumentOperations::Single(operation) => in_operation(&mut operation.node, cursor),
        ag::DocumentOperations::Multiple(operations) => {
            for operation in operations.values_mut() {
                in_operation(&mut operation.node, cursor);
            }
        }
    }
}

fn in_operation(operation: &mut ag::OperationDefinition, cursor: &str) {
    for selection in &mut operation.selection_set.node.items {
        if let ag::Selection::Field(field) = &mut selection.node {
            let name = Positioned::new(Name::new("after"), field.pos);
            let value = Positioned::new(Value::String(cursor.to_owned()), field.pos);
            field.node.arguments.retain(|(given, _)| given.node != name.node);
            field.node.arguments.push((name, value));
        }
    }
}
