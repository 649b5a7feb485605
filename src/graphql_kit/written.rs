//! JSON that is written where it is made. An object of a list, written as soon as its fields are there, needs no map of
//! them, no pass that brings it into the form of the document, and none that writes it: it goes on as its text.
//!
//! That text is a `Value::Binary`, which nothing else in an answer is. What is around it takes it as it is.
use async_graphql::{
    Context, ContextSelectionSet, Name, ServerResult, Value,
    parser::types::{Selection, SelectionSet},
};

/// In the data of a request whose answer is written by [`whole`], and not looked into before. serde would write the text of a
/// list as a list of its bytes.
#[derive(Clone, Copy, Debug)]
pub struct AtOnce;

/// An object with these fields; `None` where it has to be kept apart: where somebody looks into it yet, where something has
/// failed (what null takes with it is seen from the whole), or where the document does not say its form alone.
pub(super) fn object(
    ctx: &ContextSelectionSet<'_>,
    fields: &[Context<'_>],
    values: &[ServerResult<Option<Value>>],
) -> Option<Value> {
    let room =
        values.iter().map(|value| KEY + value.as_ref().map_or(0, |value| value.as_ref().map_or(0, room)));
    let mut json = begun(ctx, room.sum())?;
    json.push(b'{');
    for (place, (field, value)) in fields.iter().zip(values).enumerate() {
        let (field, value) = (&field.item.node, value.as_ref().ok()?);
        key(place, shown(&field.response_key().node)?, &mut json);
        within(value.as_ref().unwrap_or(&Value::Null), &field.selection_set.node, &mut json)?;
    }
    json.push(b'}');
    Some(Value::Binary(json.into()))
}

/// A list of these, each with what the context asks of it; `None` as for an object.
pub(super) fn list(ctx: &ContextSelectionSet<'_>, items: &[Value]) -> Option<Value> {
    let mut json = begun(ctx, items.iter().map(|item| room(item) + 1).sum())?;
    items_within(items, &ctx.item.node, &mut json)?;
    Some(Value::Binary(json.into()))
}

/// Bytes of a field's name, with what stands around it.
const KEY: usize = 24;
/// Bytes of what is neither text nor written yet.
const VALUE: usize = 16;

/// What a value takes, roughly: what is written seldom has to move then.
fn room(value: &Value) -> usize {
    match value {
        Value::Binary(json) => json.len(),
        Value::String(text) => text.len() + 2,
        _ => VALUE,
    }
}

fn begun(ctx: &ContextSelectionSet<'_>, room: usize) -> Option<Vec<u8>> {
    ctx.data_opt::<AtOnce>()?;
    let nothing_failed = ctx.query_env.errors.lock().is_ok_and(|errors| errors.is_empty());
    nothing_failed.then(|| Vec::with_capacity(room + 2))
}

/// In the order of the selection, which is that of the document.
fn within(value: &Value, selection: &SelectionSet, json: &mut Vec<u8>) -> Option<()> {
    match value {
        Value::Object(object) if !selection.items.is_empty() => {
            json.push(b'{');
            for (place, selected) in selection.items.iter().enumerate() {
                let Selection::Field(field) = &selected.node else { return None };
                let name = shown(&field.node.response_key().node)?;
                let value = object.get(name)?;
                key(place, name, json);
                within(value, &field.node.selection_set.node, json)?;
            }
            json.push(b'}');
            Some(())
        }
        Value::List(items) => items_within(items, selection, json),
        value => whole(value, json).ok(),
    }
}

fn items_within(items: &[Value], selection: &SelectionSet, json: &mut Vec<u8>) -> Option<()> {
    json.push(b'[');
    for (place, item) in items.iter().enumerate() {
        comma(place, json);
        within(item, selection, json)?;
    }
    json.push(b']');
    Some(())
}

/// The pipeline's own question has a name that no document can have, and no place in an answer.
fn shown(name: &Name) -> Option<&Name> {
    (!name.is_empty()).then_some(name)
}

/// Before all but the first.
fn comma(place: usize, json: &mut Vec<u8>) {
    if place > 0 {
        json.push(b',');
    }
}

fn key(place: usize, name: &Name, json: &mut Vec<u8>) {
    comma(place, json);
    json.push(b'"');
    json.extend_from_slice(name.as_bytes());
    json.extend_from_slice(b"\":");
}

/// Writes a value, with what was written before.
pub fn whole(value: &Value, json: &mut Vec<u8>) -> serde_json::Result<()> {
    match value {
        Value::Binary(written) => json.extend_from_slice(written),
        Value::String(text) => quoted(text, json)?,
        Value::Enum(name) => quoted(name, json)?,
        Value::Object(object) => {
            json.push(b'{');
            for (place, (name, value)) in object.iter().enumerate() {
                comma(place, json);
                quoted(name, json)?;
                json.push(b':');
                whole(value, json)?;
            }
            json.push(b'}');
        }
        Value::List(items) => {
            json.push(b'[');
            for (place, item) in items.iter().enumerate() {
                comma(place, json);
                whole(item, json)?;
            }
            json.push(b']');
        }
        simple => serde_json::to_writer(json, simple)?,
    }
    Ok(())
}

fn quoted(text: &str, json: &mut Vec<u8>) -> serde_json::Result<()> {
    // Without a way out in its midst, so that many bytes are looked at in one step.
    let escaped = |any, byte: u8| any | (byte < b' ') | (byte == b'"') | (byte == b'\\');
    if text.bytes().fold(false, escaped) {
        return serde_json::to_writer(json, text);
    }
    json.push(b'"');
    json.extend_from_slice(text.as_bytes());
    json.push(b'"');
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_value() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            any::<f64>().prop_map(Into::into),
            any::<String>().prop_map(Into::into),
            "[ -~]{0,20}".prop_map(Into::into),
        ];
        leaf.prop_recursive(4, 60, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(serde_json::Value::from),
                prop::collection::hash_map(any::<String>(), inner, 0..6)
                    .prop_map(|fields| serde_json::Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_what_the_library_would_write(value in any_value()) {
            let value = Value::from_json(value).unwrap();
            let mut json = vec![];
            whole(&value, &mut json).unwrap();
            prop_assert_eq!(String::from_utf8(json).unwrap(), serde_json::to_string(&value).unwrap());
        }
    }
}
