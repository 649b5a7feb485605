//! The form that an operation's answer must have. async-graphql puts fields in as they complete, and leaves out those
//! that fail; here they get the order of the document, and null, as the specification demands. What is written already
//! (`graphql_kit/written.rs`) had nothing that failed, and has its order.
use apollo_compiler::ast::Type;
use async_graphql::{Name, PathSegment, Response, ServerError, Value, indexmap::IndexMap};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

/// Of an object's fields.
#[derive(Debug)]
pub struct Shape {
    fields: Fields,
    /// Whether the document's translation asks for the object's type under [`HIDDEN`].
    hidden: bool,
    /// Whether an answer without errors is as it must be, whatever comes first.
    settled: bool,
}

#[derive(Debug)]
pub(super) enum Fields {
    Same(Vec<Arc<Entry>>),
    /// By the object's type. What is the same for all of them is shared.
    ByType(HashMap<String, Vec<Arc<Entry>>>),
}

#[derive(Debug)]
pub(super) struct Entry {
    pub key: Name,
    pub ty: Type,
    /// Of the objects in it.
    pub below: Option<Shape>,
    pub counts: Counts,
}

/// What a field adds to what an operation costs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Counts {
    /// One for each object.
    Objects,
    /// That, and the objects below it.
    Weight(u64),
    /// Nothing, with all that is in it: it is no data.
    Nothing,
}

/// A response key that no document can have.
pub(super) const HIDDEN: &str = "";

type Object = IndexMap<Name, Value>;

/// An `Err` is a null that its type does not allow, by the error that caused it: what is around becomes null.
type Completed = Result<(), usize>;

/// Errors within what became null because of another one.
type Superfluous = HashSet<usize>;

impl Shape {
    pub(super) fn new(fields: Fields, hidden: bool) -> Self {
        let settled = match &fields {
            Fields::Same(entries) => {
                let below = |entry: &Arc<Entry>| entry.below.as_ref().is_none_or(|below| below.settled);
                !hidden && entries.len() <= 1 && entries.iter().all(below)
            }
            Fields::ByType(_) => false,
        };
        Self { fields, hidden, settled }
    }

    /// Objects that an answer holds, weighed as the cost before execution. To be asked before [`Self::complete`], which
    /// takes away what tells their types.
    pub fn count(&self, response: &Response) -> u64 {
        if let Value::Object(object) = &response.data { self.count_in(object) } else { 0 }
    }

    fn count_in(&self, object: &Object) -> u64 {
        let entries = self.entries(object.get(HIDDEN)).unwrap_or_default();
        let counted = entries.iter().filter_map(|entry| Some(entry.count(object.get(&entry.key)?)));
        counted.fold(0, u64::saturating_add)
    }

    /// By the object's type, where that makes a difference.
    fn entries(&self, ty: Option<&Value>) -> Option<&[Arc<Entry>]> {
        match (&self.fields, ty) {
            (Fields::Same(entries), _) => Some(entries),
            (Fields::ByType(types), Some(Value::String(ty))) => types.get(ty).map(Vec::as_slice),
            (Fields::ByType(_), _) => None,
        }
    }

    /// Brings an answer into this form. Linear in its size.
    pub fn complete(&self, response: &mut Response) {
        let failed = Failed::of(&response.errors);
        let mut superfluous = Superfluous::new();
        let data = match &mut response.data {
            Value::Object(object) => self.object(object, failed.as_ref(), &mut superfluous),
            Value::Null => self.rebuilt(&mut response.data, failed.as_ref(), &mut superfluous),
            _ => Ok(()),
        };
        if let (Err(cause), Some(failed)) = (data, &failed) {
            response.data = Value::Null;
            failed.all_but(cause, &mut superfluous);
        }
        if !superfluous.is_empty() {
            let mut indices = 0..;
            response.errors.retain(|_| indices.next().is_some_and(|index| !superfluous.contains(&index)));
        }
    }

    /// async-graphql takes an object whose fields have all failed for null.
    fn rebuilt(
        &self,
        value: &mut Value,
        failed: Option<&Failed<'_>>,
        superfluous: &mut Superfluous,
    ) -> Completed {
        let Some(failed) = failed.filter(|failed| !failed.below.is_empty()) else { return Ok(()) };
        let mut object = Object::new();
        self.object(&mut object, Some(failed), superfluous)?;
        *value = Value::Object(object);
        Ok(())
    }

    fn object(
        &self,
        object: &mut Object,
        failed: Option<&Failed<'_>>,
        superfluous: &mut Superfluous,
    ) -> Completed {
        if self.settled && failed.is_none() {
            return Ok(());
        }
        let ty = if self.hidden { object.swap_remove(HIDDEN) } else { None };
        let Some(entries) = self.entries(ty.as_ref()) else { return Ok(()) };
        for (index, entry) in entries.iter().enumerate() {
            let failed = failed.and_then(|failed| failed.below.get(entry.key.as_str()));
            let value = place(object, index, &entry.key);
            complete(value, &entry.ty, entry.below.as_ref(), failed, superfluous)?;
        }
        Ok(())
    }
}

impl Entry {
    fn count(&self, value: &Value) -> u64 {
        match (self.counts, value) {
            (Counts::Nothing, _) | (_, Value::Null) => 0,
            (Counts::Weight(weight), value) => weight.saturating_add(self.count_below(value)),
            (Counts::Objects, Value::List(items)) => {
                items.iter().fold(0, |sum, item| sum.saturating_add(self.count(item)))
            }
            (Counts::Objects, Value::Object(_)) => self.count_below(value).saturating_add(1),
            (Counts::Objects, _) => 0,
        }
    }

    fn count_below(&self, value: &Value) -> u64 {
        match value {
            Value::List(items) => {
                items.iter().fold(0, |sum, item| sum.saturating_add(self.count_below(item)))
            }
            Value::Object(object) => self.below.as_ref().map_or(0, |below| below.count_in(object)),
            _ => 0,
        }
    }
}

/// The value of `key`, moved to `index`; null if there is none, for then the field has failed.
fn place<'a>(object: &'a mut Object, index: usize, key: &Name) -> &'a mut Value {
    let there = object.get_index(index).is_some_and(|(name, _)| name == key);
    if !there {
        let found = match object.get_index_of(key) {
            Some(found) => found,
            None => object.insert_full(key.clone(), Value::Null).0,
        };
        object.swap_indices(index, found);
    }
    &mut object[index]
}

fn complete(
    value: &mut Value,
    ty: &Type,
    below: Option<&Shape>,
    failed: Option<&Failed<'_>>,
    superfluous: &mut Superfluous,
) -> Completed {
    if failed.is_none() && below.is_none_or(|below| below.settled) {
        return Ok(());
    }
    let within = match (&mut *value, below) {
        (Value::List(items), _) if ty.is_list() => {
            let ty = ty.item_type();
            items.iter_mut().enumerate().try_for_each(|(index, item)| {
                let failed = failed.and_then(|failed| failed.items.get(&index));
                complete(item, ty, below, failed, superfluous)
            })
        }
        (Value::Object(object), Some(below)) => below.object(object, failed, superfluous),
        (Value::Null, Some(below)) if !ty.is_list() => below.rebuilt(value, failed, superfluous),
        _ => Ok(()),
    };
    let cause = match (within, failed) {
        (Err(cause), _) => cause,
        (Ok(()), Some(failed)) if *value == Value::Null => failed.first,
        (Ok(()), _) => return Ok(()),
    };
    *value = Value::Null;
    if ty.is_non_null() {
        return Err(cause);
    }
    if let Some(failed) = failed {
        failed.all_but(cause, superfluous);
    }
    Ok(())
}

/// The errors of an answer by their paths.
struct Failed<'a> {
    first: usize,
    errors: Vec<usize>,
    below: HashMap<&'a str, Self>,
    items: HashMap<usize, Self>,
}

impl<'a> Failed<'a> {
    fn of(errors: &'a [ServerError]) -> Option<Self> {
        let mut root: Option<Self> = None;
        for (index, error) in errors.iter().enumerate().filter(|(_, error)| !error.path.is_empty()) {
            let mut at = root.get_or_insert_with(|| Self::new(index));
            for segment in &error.path {
                at.errors.push(index);
                at = match segment {
                    PathSegment::Field(name) => at.below.entry(name).or_insert_with(|| Self::new(index)),
                    PathSegment::Index(item) => at.items.entry(*item).or_insert_with(|| Self::new(index)),
                };
            }
            at.errors.push(index);
        }
        root
    }

    fn new(first: usize) -> Self {
        Self { first, errors: vec![], below: HashMap::new(), items: HashMap::new() }
    }

    fn all_but(&self, cause: usize, superfluous: &mut Superfluous) {
        superfluous.extend(self.errors.iter().filter(|error| **error != cause));
    }
}
