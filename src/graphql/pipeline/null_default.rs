//! A variable's default that is null: apollo-compiler takes any default for one that makes null impossible, and so
//! allows such a variable where no null may be. Without the default it compares the variable by its type alone, as
//! the rule "All Variable Usages Are Allowed" of the specification wants.
use apollo_compiler::ast::{Definition, Document};

/// The document without defaults of null, if it has any.
pub(super) fn left_out(document: &Document) -> Option<Document> {
    let mut without = document.clone();
    let mut found = false;
    for definition in &mut without.definitions {
        let Definition::OperationDefinition(operation) = definition else { continue };
        let is_null = |place: usize| {
            let default = operation.variables.get(place).and_then(|variable| variable.default_value.as_ref());
            default.is_some_and(|default| default.is_null())
        };
        let nulls: Vec<usize> = (0..operation.variables.len()).filter(|place| is_null(*place)).collect();
        found |= !nulls.is_empty();
        for place in nulls {
            if let Some(variable) = operation.make_mut().variables.get_mut(place) {
                variable.make_mut().default_value = None;
            }
        }
    }
    found.then_some(without)
}
