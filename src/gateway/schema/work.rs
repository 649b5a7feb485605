//! How much work it is to hold a value against a schema, found out before it is done: each part of the schema that is
//! asked about each value in it, counted once and multiplied. The count itself takes no longer than what it allows.
use super::parts::{Part, Parts, count};
use serde_json::Value;
use std::{collections::HashMap, ptr};

/// Questions that one value may take, about a second's work at most: an answer of the greatest length that is one list
/// of numbers takes half of them.
const MOST: u64 = 200_000;
/// How deep questions lead to each other, through parts and values: a thread's stack of 2 MiB bears it in a build without
/// optimisations, too.
const MAX_DEPTH: usize = 100;

/// It would take more than it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooMuch;

/// What holding a value against the schema takes.
pub(super) fn of(parts: &Parts, value: &Value) -> Result<u64, TooMuch> {
    let mut counting = Counting { parts, known: HashMap::new() };
    counting.question(0, Asked::Value(value), 0).map(|known| known.work)
}

#[derive(Clone, Copy)]
enum Asked<'v> {
    Value(&'v Value),
    /// Of a field.
    Name(&'v str),
}

#[derive(Clone, Copy)]
struct Known {
    work: u64,
    depth: usize,
}

struct Counting<'p> {
    parts: &'p Parts,
    /// By part, and the address of what it is asked about.
    known: HashMap<(usize, usize), Known>,
}

impl Counting<'_> {
    fn question(&mut self, place: usize, asked: Asked<'_>, depth: usize) -> Result<Known, TooMuch> {
        let address = match asked {
            Asked::Value(value) => ptr::from_ref(value).addr(),
            Asked::Name(name) => name.as_ptr().addr(),
        };
        let known = match self.known.get(&(place, address)).copied() {
            Some(known) => known,
            None if depth > MAX_DEPTH || count(self.known.len()) > MOST => return Err(TooMuch),
            None => {
                let known = self.sum(place, asked, depth)?;
                self.known.insert((place, address), known);
                known
            }
        };
        if depth + known.depth > MAX_DEPTH || known.work > MOST { Err(TooMuch) } else { Ok(known) }
    }

    fn sum(&mut self, place: usize, asked: Asked<'_>, depth: usize) -> Result<Known, TooMuch> {
        let nothing = Part::default();
        let part = self.parts.get(place).unwrap_or(&nothing);
        let mut sum = Known { work: 1 + part.own, depth: 1 };
        for next in &part.same {
            self.add(&mut sum, *next, asked, depth)?;
        }
        match asked {
            Asked::Name(name) => sum.pay(of_text(part, name))?,
            Asked::Value(Value::String(text)) => sum.pay(of_text(part, text))?,
            Asked::Value(Value::Object(fields)) => {
                for (name, field) in fields {
                    sum.pay(1 + part.by_name_character.saturating_mul(1 + count(name.len())))?;
                    for next in part.properties.get(name).into_iter().chain(&part.fields) {
                        self.add(&mut sum, *next, Asked::Value(field), depth)?;
                    }
                    for next in &part.names {
                        self.add(&mut sum, *next, Asked::Name(name), depth)?;
                    }
                }
            }
            Asked::Value(Value::Array(items)) => {
                // Up to twenty are compared each with each.
                let pairs = if part.unique { count(items.len().min(20)) } else { 0 };
                for item in items {
                    sum.pay(1)?;
                    if pairs > 0 {
                        sum.pay(pairs.saturating_mul(values_in(item, MOST)))?;
                    }
                    for next in &part.items {
                        self.add(&mut sum, *next, Asked::Value(item), depth)?;
                    }
                }
                for (next, item) in part.first_items.iter().zip(items) {
                    self.add(&mut sum, *next, Asked::Value(item), depth)?;
                }
            }
            Asked::Value(Value::Null | Value::Bool(_) | Value::Number(_)) => {}
        }
        Ok(sum)
    }

    fn add(&mut self, sum: &mut Known, place: usize, asked: Asked<'_>, depth: usize) -> Result<(), TooMuch> {
        let Known { work, depth: below } = self.question(place, asked, depth + 1)?;
        sum.depth = sum.depth.max(below + 1);
        sum.pay(work)
    }
}

impl Known {
    fn pay(&mut self, work: u64) -> Result<(), TooMuch> {
        self.work = self.work.saturating_add(work);
        if self.work > MOST { Err(TooMuch) } else { Ok(()) }
    }
}

/// Lengths are counted, which is quick; patterns are looked for at each character.
fn of_text(part: &Part, text: &str) -> u64 {
    let bytes = count(text.len());
    bytes / 64 + part.by_character.saturating_mul(bytes)
}

/// Texts count by their length; no more than `most` are looked at.
fn values_in(value: &Value, most: u64) -> u64 {
    let below = |values: &mut dyn Iterator<Item = &Value>| {
        let mut sum = 1_u64;
        while sum < most
            && let Some(value) = values.next()
        {
            sum += values_in(value, most - sum);
        }
        sum
    };
    match value {
        Value::String(text) => 1 + count(text.len()) / 64,
        Value::Array(items) => below(&mut items.iter()),
        Value::Object(fields) => below(&mut fields.values()),
        Value::Null | Value::Bool(_) | Value::Number(_) => 1,
    }
}
