//! What an operation is for, by the fields at its root: some may be asked by who may do nothing else.
use apollo_compiler::{
    ExecutableDocument,
    executable::{Operation, Selection, SelectionSet},
};

/// The most telling field at an operation's root. What is less may be asked by whoever may ask the more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Asks {
    /// `__typename` only: whether the server answers.
    Typename,
    /// Also `__schema` or `__type`.
    Schema,
    /// Also to register, list and retire trusted documents.
    Registration,
    Data,
}

pub(super) fn asks(document: &ExecutableDocument, operation: &Operation) -> Asks {
    let fields = operation.root_fields(document).map(|field| match field.name.as_str() {
        "__typename" => Asks::Typename,
        "__schema" | "__type" => Asks::Schema,
        "registerTrustedDocuments" | "retireTrustedDocuments" => Asks::Registration,
        "workspace" if lists_trusted(document, &field.selection_set) => Asks::Registration,
        _ => Asks::Data,
    });
    fields.max().unwrap_or(Asks::Data)
}

/// Trusted documents and nothing else. How much fragments expand to was bounded by [`measure`].
fn lists_trusted(document: &ExecutableDocument, set: &SelectionSet) -> bool {
    set.selections.iter().all(|selection| match selection {
        Selection::Field(field) => field.name == "trustedDocuments",
        Selection::InlineFragment(inline) => lists_trusted(document, &inline.selection_set),
        Selection::FragmentSpread(spread) => {
            let fragment = document.fragments.get(&spread.fragment_name);
            fragment.is_some_and(|fragment| lists_trusted(document, &fragment.selection_set))
        }
    })
}
