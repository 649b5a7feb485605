//! How large an answer a document asks for, before anything is executed. Each fragment is measured once and sums
//! saturate, so that the work is linear in the text, however often a fragment doubles.
use super::{JsonMap, RequestError};
use crate::{config::Limits, graphql_kit::ErrorCode};
use apollo_compiler::{
    ExecutableDocument,
    ast::{Type, Value},
    executable::{Field, Operation, Selection, SelectionSet},
    introspection::check_max_depth,
    response::JsonValue,
    validation::Valid,
};
use std::collections::{BTreeMap, HashMap};

#[derive(Clone, Copy, Default)]
struct Size {
    selections: u64,
    aliases: u64,
    directives: u64,
    /// Fields below each other.
    depth: u64,
}

pub(super) struct Measure<'a> {
    document: &'a Valid<ExecutableDocument>,
    limits: &'a Limits,
    fragments: HashMap<&'a str, Size>,
    visited: u64,
}

impl<'a> Measure<'a> {
    pub(super) fn new(document: &'a Valid<ExecutableDocument>, limits: &'a Limits) -> Self {
        Self { document, limits, fragments: HashMap::new(), visited: 0 }
    }

    /// Selections so far.
    pub(super) fn visited(&self) -> u64 {
        self.visited
    }

    pub(super) fn check(&mut self, operation: &'a Operation) -> Result<(), RequestError> {
        let limits = self.limits;
        let size = self.set(&operation.selection_set, 1)?;
        // A fragment may be spread twice at the root: only after the check of `selections` is the list short.
        within("fields and fragments", size.selections, limits.selections)?;
        let root_fields = operation.root_fields(self.document).count() as u64;
        within("root fields", root_fields, limits.root_fields)?;
        within("aliases", size.aliases, limits.aliases)?;
        let directives = size.directives.saturating_add(operation.directives.len() as u64);
        within("directives", directives, limits.directives)?;
        within("fields below each other", size.depth, limits.depth)?;
        check_max_depth(self.document, operation).map_err(|_| {
            RequestError::new(
                ErrorCode::QueryTooComplex,
                "the introspection goes in circles: ask for the types once, and follow their names",
            )
        })
    }

    fn set(&mut self, set: &'a SelectionSet, nesting: u64) -> Result<Size, RequestError> {
        within("selection sets below each other", nesting, self.limits.nesting)?;
        let mut sum = Size::default();
        for selection in &set.selections {
            self.visited += 1;
            let inner = match selection {
                Selection::Field(field) => {
                    let mut size = self.set_or_leaf(&field.selection_set, nesting)?;
                    size.depth += 1;
                    size.aliases = size.aliases.saturating_add(field.alias.is_some().into());
                    size
                }
                Selection::InlineFragment(fragment) => self.set(&fragment.selection_set, nesting + 1)?,
                Selection::FragmentSpread(spread) => self.fragment(&spread.fragment_name, nesting)?,
            };
            sum.selections = sum.selections.saturating_add(inner.selections).saturating_add(1);
            sum.aliases = sum.aliases.saturating_add(inner.aliases);
            sum.directives = sum
                .directives
                .saturating_add(inner.directives)
                .saturating_add(selection.directives().len() as u64);
            sum.depth = sum.depth.max(inner.depth);
        }
        Ok(sum)
    }

    fn set_or_leaf(&mut self, set: &'a SelectionSet, nesting: u64) -> Result<Size, RequestError> {
        if set.is_empty() { Ok(Size::default()) } else { self.set(set, nesting + 1) }
    }

    fn fragment(&mut self, name: &'a str, nesting: u64) -> Result<Size, RequestError> {
        if let Some(size) = self.fragments.get(name) {
            return Ok(*size);
        }
        let Some(fragment) = self.document.fragments.get(name) else { return Ok(Size::default()) };
        let mut size = self.set(&fragment.selection_set, nesting + 1)?;
        size.directives = size.directives.saturating_add(fragment.directives.len() as u64);
        self.fragments.insert(name, size);
        Ok(size)
    }
}

fn within(what: &str, have: u64, limit: u64) -> Result<(), RequestError> {
    if have > limit { Err(RequestError::too_complex(what, have, limit)) } else { Ok(()) }
}

/// Objects that the operation may fetch, if that is the same whatever its variables are.
pub(super) fn fixed_cost(
    document: &ExecutableDocument,
    operation: &Operation,
    limits: &Limits,
) -> Result<Option<u64>, RequestError> {
    let mut cost = Cost { document, limits, variables: None, varies: false, fragments: HashMap::new() };
    let sum = cost.set(&operation.selection_set);
    if cost.varies {
        return Ok(None);
    }
    affordable(sum, limits).map(Some)
}

/// Objects that the operation may fetch with these variables.
pub(super) fn cost(
    document: &ExecutableDocument,
    operation: &Operation,
    limits: &Limits,
    variables: &JsonMap,
) -> Result<u64, RequestError> {
    let variables = Some(variables);
    let mut cost = Cost { document, limits, variables, varies: false, fragments: HashMap::new() };
    affordable(cost.set(&operation.selection_set), limits)
}

/// What [`cost`] comes from, by the paths of the fields in the answer.
pub(super) fn costs(
    document: &ExecutableDocument,
    operation: &Operation,
    limits: &Limits,
    variables: &JsonMap,
) -> BTreeMap<String, u64> {
    let mut told = BTreeMap::new();
    let mut cost =
        Cost { document, limits, variables: Some(variables), varies: false, fragments: HashMap::new() };
    cost.tell(&operation.selection_set, "", 1, &mut told);
    told
}

/// Of a field that costs something else than its objects, or of an item of an input's list.
pub(super) fn weight(limits: &Limits, parent: &str, field: &str) -> Option<u64> {
    if limits.weights.is_empty() { None } else { limits.weights.get(&format!("{parent}.{field}")).copied() }
}

fn affordable(cost: u64, limits: &Limits) -> Result<u64, RequestError> {
    if cost <= limits.cost {
        return Ok(cost);
    }
    Err(RequestError::new(
        ErrorCode::QueryTooComplex,
        format!(
            "the operation may fetch {cost} objects; at most {} are allowed: ask for smaller pages or fewer levels",
            limits.cost
        ),
    ))
}

/// Page size where neither `first` nor `last` is given, as the conventions of the schema say.
const DEFAULT_PAGE: u64 = 25;
/// Guess for a list without pages.
const UNPAGED: u64 = 10;

struct Cost<'a> {
    document: &'a ExecutableDocument,
    limits: &'a Limits,
    variables: Option<&'a JsonMap>,
    /// A page size was a variable.
    varies: bool,
    fragments: HashMap<&'a str, u64>,
}

impl<'a> Cost<'a> {
    /// Nesting was checked by [`Measure`].
    fn set(&mut self, set: &'a SelectionSet) -> u64 {
        let mut sum = 0_u64;
        for selection in &set.selections {
            let cost = match selection {
                Selection::Field(field) => self.field(set.ty.as_str(), field),
                Selection::InlineFragment(fragment) => self.set(&fragment.selection_set),
                Selection::FragmentSpread(spread) => self.fragment(&spread.fragment_name),
            };
            sum = sum.saturating_add(cost);
        }
        sum
    }

    fn fragment(&mut self, name: &'a str) -> u64 {
        if let Some(cost) = self.fragments.get(name) {
            return *cost;
        }
        let cost = self.document.fragments.get(name).map_or(0, |fragment| self.set(&fragment.selection_set));
        self.fragments.insert(name, cost);
        cost
    }

    fn field(&mut self, parent: &str, field: &'a Field) -> u64 {
        if field.name.starts_with("__") {
            return 0;
        }
        let own = self.own(parent, field);
        let children = self.set(&field.selection_set);
        if by_ids(field) {
            return self.repetitions(parent, field).saturating_mul(own.saturating_add(children));
        }
        if children == 0 && own <= 1 {
            return own;
        }
        own.saturating_add(children.saturating_mul(self.repetitions(parent, field)))
    }

    fn own(&mut self, parent: &str, field: &'a Field) -> u64 {
        let own = weight(self.limits, parent, &field.name);
        let own = own.unwrap_or(u64::from(!field.selection_set.is_empty()));
        own.saturating_add(self.items(field))
    }

    /// What the items of its inputs' lists cost, where they cost something.
    fn items(&mut self, field: &'a Field) -> u64 {
        let mut sum = 0_u64;
        for argument in &field.arguments {
            let Some(definition) = field.definition.argument_by_name(&argument.name) else { continue };
            let input = definition.ty.inner_named_type();
            for (coordinate, weight) in &self.limits.weights {
                if let Some((ty, list)) = coordinate.split_once('.')
                    && ty == input.as_str()
                {
                    let items = self.items_of(&argument.value, list);
                    sum = sum.saturating_add(items.saturating_mul(*weight));
                }
            }
        }
        sum
    }

    fn items_of(&mut self, input: &'a Value, list: &str) -> u64 {
        match input {
            Value::Variable(name) => {
                self.variable(name).and_then(JsonValue::as_object).map_or(0, |input| items(input.get(list)))
            }
            Value::Object(fields) => {
                match fields.iter().find(|(name, _)| name == list).map(|(_, it)| &**it) {
                    Some(Value::Variable(name)) => items(self.variable(name)),
                    Some(Value::List(list)) => list.len() as u64,
                    None | Some(Value::Null) => 0,
                    Some(_) => 1,
                }
            }
            _ => 0,
        }
    }

    /// As [`Self::set`], for `times` objects, into what is told by path. Fragments are not memoised: the document's
    /// expansion was bounded by [`Measure`].
    fn tell(&mut self, set: &'a SelectionSet, above: &str, times: u64, told: &mut BTreeMap<String, u64>) {
        for selection in &set.selections {
            match selection {
                Selection::Field(field) if field.name.starts_with("__") => {}
                Selection::Field(field) => {
                    let key = field.response_key();
                    let path = if above.is_empty() { key.to_string() } else { format!("{above}.{key}") };
                    let repetitions = self.repetitions(&set.ty, field);
                    let each = if by_ids(field) { repetitions } else { 1 };
                    let own = self.own(&set.ty, field).saturating_mul(times).saturating_mul(each);
                    self.tell(&field.selection_set, &path, times.saturating_mul(repetitions), told);
                    let sum = told.entry(path).or_default();
                    *sum = sum.saturating_add(own);
                }
                Selection::InlineFragment(fragment) => self.tell(&fragment.selection_set, above, times, told),
                Selection::FragmentSpread(spread) => {
                    if let Some(fragment) = self.document.fragments.get(&spread.fragment_name) {
                        self.tell(&fragment.selection_set, above, times, told);
                    }
                }
            }
        }
    }

    /// How many objects the field stands for, apart from itself.
    fn repetitions(&mut self, parent: &str, field: &'a Field) -> u64 {
        if field.definition.argument_by_name("first").is_some() {
            let first = self.number(field, "first");
            let last = self.number(field, "last");
            return first.max(last).unwrap_or(DEFAULT_PAGE);
        }
        if by_ids(field) {
            return self.length(field, "ids");
        }
        // The lists of a connection, as those of a page of changes, are the page, which was counted with it.
        let of_page = parent.ends_with("Connection") || parent.ends_with("Page");
        if is_list(field.ty()) && !of_page { UNPAGED } else { 1 }
    }

    /// `None` where the argument is absent or null.
    fn number(&mut self, field: &'a Field, argument: &str) -> Option<u64> {
        match field.specified_argument_by_name(argument).map(|value| &**value) {
            None => field
                .definition
                .argument_by_name(argument)?
                .default_value
                .as_ref()?
                .to_i32()
                .map(|n| positive(n.into())),
            Some(Value::Variable(name)) => self.variable(name)?.as_i64().map(positive),
            Some(value) => value.to_i32().map(|n| positive(n.into())),
        }
    }

    fn length(&mut self, field: &'a Field, argument: &str) -> u64 {
        match field.specified_argument_by_name(argument).map(|value| &**value) {
            Some(Value::Variable(name)) => {
                self.variable(name).and_then(JsonValue::as_array).map_or(1, |list| list.len() as u64)
            }
            Some(Value::List(list)) => list.len() as u64,
            _ => 1,
        }
    }

    fn variable(&mut self, name: &str) -> Option<&'a JsonValue> {
        self.varies = true;
        self.variables?.get(name)
    }
}

/// A page of less than nothing is refused where it is read.
fn positive(size: i64) -> u64 {
    u64::try_from(size).unwrap_or(0)
}

/// Of a variable's list: what is no list was made one of a single item.
fn items(list: Option<&JsonValue>) -> u64 {
    list.and_then(JsonValue::as_array).map_or(0, |list| list.len() as u64)
}

/// Each id is looked up and costs its own.
fn by_ids(field: &Field) -> bool {
    field.definition.argument_by_name("ids").is_some()
}

fn is_list(ty: &Type) -> bool {
    ty.is_list()
}
