//! The fields that a selection set comes to, by the specification's CollectFields: fragments dissolved, what is
//! asked twice merged, what is skipped left out. So each field is executed once, whatever the document repeats.
use apollo_compiler::{
    ExecutableDocument, Name, Node, Schema,
    ast::DirectiveList,
    executable::{Field, Selection, SelectionSet},
    response::{JsonMap, JsonValue},
};
use async_graphql::indexmap::IndexMap;
use std::{collections::HashSet, ptr};

/// What `@skip` and `@include` decide by.
#[derive(Clone, Copy)]
pub(super) enum Conditions<'a> {
    /// Nothing is left out: for what has to hold whatever the variables are.
    Ignored,
    /// Coerced variables.
    By(&'a JsonMap),
}

/// All selections of one response key.
pub(super) struct Group<'a> {
    pub field: &'a Node<Field>,
    pub sets: Vec<&'a SelectionSet>,
}

pub(super) type Groups<'a> = IndexMap<&'a str, Group<'a>>;

impl Group<'_> {
    /// Whether both are the same selections of the document.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let same = |(one, other): (&&SelectionSet, &&SelectionSet)| ptr::eq(*one, *other);
        self.field.ptr_eq(other.field)
            && self.sets.len() == other.sets.len()
            && self.sets.iter().zip(&other.sets).all(same)
    }
}

pub(super) struct Collector<'a> {
    pub schema: &'a Schema,
    pub document: &'a ExecutableDocument,
    pub conditions: Conditions<'a>,
    /// Whether a condition was met.
    pub conditional: bool,
}

impl<'a> Collector<'a> {
    /// By their response keys, in the order of their first appearance. `ty` is an object, or what no fragment in `sets`
    /// narrows.
    pub(super) fn groups(&mut self, ty: &str, sets: &[&'a SelectionSet]) -> Groups<'a> {
        let mut groups = Groups::new();
        let mut spread = HashSet::new();
        for set in sets {
            self.collect(ty, set, &mut groups, &mut spread);
        }
        groups
    }

    fn collect(
        &mut self,
        ty: &str,
        set: &'a SelectionSet,
        groups: &mut Groups<'a>,
        spread: &mut HashSet<&'a str>,
    ) {
        for selection in &set.selections {
            if !self.counts(selection.directives()) {
                continue;
            }
            if let Selection::Field(field) = selection {
                let group = groups
                    .entry(field.response_key().as_str())
                    .or_insert_with(|| Group { field, sets: Vec::new() });
                if !field.selection_set.is_empty() {
                    group.sets.push(&field.selection_set);
                }
            } else if let Some((condition, below)) = self.fragment(selection, spread)
                && condition.is_none_or(|condition| self.holds(condition, ty))
            {
                self.collect(ty, below, groups, spread);
            }
        }
    }

    /// Whether some fragment in `sets` is for some of the objects of `ty` only.
    pub(super) fn narrows(&mut self, ty: &str, sets: &[&'a SelectionSet]) -> bool {
        let mut spread = HashSet::new();
        sets.iter().any(|set| self.set_narrows(ty, set, &mut spread))
    }

    fn set_narrows(&mut self, ty: &str, set: &'a SelectionSet, spread: &mut HashSet<&'a str>) -> bool {
        set.selections.iter().any(|selection| {
            if matches!(selection, Selection::Field(_)) || !self.counts(selection.directives()) {
                return false;
            }
            let Some((condition, below)) = self.fragment(selection, spread) else { return false };
            condition.is_some_and(|condition| !self.holds(condition, ty))
                || self.set_narrows(ty, below, spread)
        })
    }

    /// A fragment's condition and selections; none if it was spread here before.
    fn fragment(
        &self,
        selection: &'a Selection,
        spread: &mut HashSet<&'a str>,
    ) -> Option<(Option<&'a Name>, &'a SelectionSet)> {
        match selection {
            Selection::Field(_) => None,
            Selection::InlineFragment(inline) => {
                Some((inline.type_condition.as_ref(), &inline.selection_set))
            }
            Selection::FragmentSpread(named) => {
                if !spread.insert(named.fragment_name.as_str()) {
                    return None;
                }
                let fragment = self.document.fragments.get(&named.fragment_name)?;
                Some((Some(fragment.type_condition()), &fragment.selection_set))
            }
        }
    }

    /// Whether every object of `ty` meets the condition.
    fn holds(&self, condition: &str, ty: &str) -> bool {
        condition == ty || self.schema.is_subtype(condition, ty)
    }

    fn counts(&mut self, directives: &'a DirectiveList) -> bool {
        if directives.is_empty() {
            return true;
        }
        let met = |name, wanted| {
            let directive = directives.get(name)?;
            let value = &directive.specified_argument_by_name("if")?;
            let given = match value.as_variable() {
                None => value.to_bool(),
                Some(variable) => match self.conditions {
                    Conditions::Ignored => None,
                    Conditions::By(variables) => {
                        variables.get(variable.as_str()).and_then(JsonValue::as_bool)
                    }
                },
            };
            Some(given.unwrap_or(false) == wanted)
        };
        let (skip, include) = (met("skip", false), met("include", true));
        self.conditional |= skip.is_some() || include.is_some();
        matches!(self.conditions, Conditions::Ignored) || (skip.unwrap_or(true) && include.unwrap_or(true))
    }
}
