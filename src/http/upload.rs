//! GraphQL multipart requests: an operation, and the files that some of its variables stand for, in one POST. For small
//! files: the whole body is bounded like any other, and read before anything is done. What a part says of itself beside
//! its name counts for nothing.
use super::{
    call::Call,
    guard::has_preflight,
    request::{Refusal, bad, object, parsed},
};
use crate::graphql::pipeline::{JsonMap, JsonValue};
use axum::{
    body::Bytes,
    http::{HeaderMap, StatusCode, header},
};
use futures_util::stream;
use multer::Multipart;
use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, Visitor},
};
use std::{collections::HashMap, convert::Infallible, fmt, future::ready};

/// Of one request.
const MAX_FILES: usize = 10;
/// RFC 2046 §5.1.1.
const MAX_BOUNDARY: usize = 70;

fn malformed(message: &str) -> Refusal {
    bad(StatusCode::BAD_REQUEST, message)
}

/// What parts the parts; `None` where the request is of another type. A form of another site could send this type
/// without asking first: so it has to bring a header that it cannot send so.
pub(super) fn boundary(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let content_type =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("multipart/form-data") {
        return Ok(None);
    }
    if !has_preflight(headers) {
        return Err(malformed("a multipart request needs the header `graphql-require-preflight: 1`"));
    }
    if headers.contains_key(header::CONTENT_ENCODING) {
        return Err(bad(StatusCode::UNSUPPORTED_MEDIA_TYPE, "send the multipart request uncompressed"));
    }
    let boundary =
        multer::parse_boundary(content_type).ok().filter(|it| (1..=MAX_BOUNDARY).contains(&it.len()));
    boundary.map(Some).ok_or_else(|| malformed("the content type names no boundary of 1 to 70 characters"))
}

/// The operation with its files.
pub(super) async fn call(body: Bytes, boundary: &str) -> Result<Call, Refusal> {
    let mut parts = Multipart::new(stream::once(ready(Ok::<_, Infallible>(body))), boundary);
    let operations = named(&mut parts, "operations").await?;
    let mut call: Call = object(&operations, "the part `operations`")?;
    let map = named(&mut parts, "map").await?;
    let Mapping(map) = parsed(&map, "the part `map`")?;
    let mut places = places(map, &mut call)?;
    while let Some((name, content)) = next(&mut parts).await? {
        let path = places
            .remove(&name)
            .ok_or_else(|| malformed("a file came twice, or is not named in the part `map`"))?;
        call.files.insert(path, content);
    }
    if places.is_empty() {
        Ok(call)
    } else {
        Err(malformed("a file is named in the part `map`, but did not come"))
    }
}

async fn next(parts: &mut Multipart<'_>) -> Result<Option<(String, Bytes)>, Refusal> {
    let broken = |_| malformed("the parts are not those of multipart/form-data, or the last one is cut");
    let Some(part) = parts.next_field().await.map_err(broken)? else { return Ok(None) };
    let name = part.name().unwrap_or_default().to_owned();
    Ok(Some((name, part.bytes().await.map_err(broken)?)))
}

async fn named(parts: &mut Multipart<'_>, expected: &str) -> Result<Bytes, Refusal> {
    match next(parts).await? {
        Some((name, content)) if name == expected => Ok(content),
        _ => Err(malformed("the first part is `operations`, the second `map`, and then come the files")),
    }
}

/// The path of each file, by its part's name. Where it stands in the variables, which must be null, something comes that
/// is not: so it is no missing value.
fn places(map: Vec<(String, Vec<String>)>, call: &mut Call) -> Result<HashMap<String, String>, Refusal> {
    if map.len() > MAX_FILES {
        return Err(malformed(&format!("{} files: at most {MAX_FILES} are possible", map.len())));
    }
    let mut places = HashMap::new();
    for (name, paths) in map {
        let Ok([path]) = <[String; 1]>::try_from(paths) else {
            return Err(malformed("a file stands for exactly one variable: send it once for each"));
        };
        let place = call.variables.as_mut().and_then(|variables| find(variables, &path));
        match place {
            Some(place) if place.is_null() => *place = JsonValue::String("file".into()),
            _ => {
                return Err(malformed(
                    "the part `map` names a path that is no null of the variables, or is taken",
                ));
            }
        }
        if places.insert(name, path).is_some() {
            return Err(malformed("the part `map` names a file twice"));
        }
    }
    Ok(places)
}

/// `variables.input.files.0`
fn find<'v>(variables: &'v mut JsonMap, path: &str) -> Option<&'v mut JsonValue> {
    let mut steps = path.split('.');
    if steps.next() != Some("variables") {
        return None;
    }
    let mut place = variables.get_mut(steps.next()?)?;
    for step in steps {
        place = match place {
            JsonValue::Object(fields) => fields.get_mut(step)?,
            JsonValue::Array(items) => items.get_mut(step.parse::<usize>().ok()?)?,
            _ => return None,
        };
    }
    Some(place)
}

/// The part `map`, with what it names twice.
struct Mapping(Vec<(String, Vec<String>)>);

impl<'de> Deserialize<'de> for Mapping {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Mapping;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Mapping, A::Error> {
                let mut entries = vec![];
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                    if entries.len() > MAX_FILES {
                        return Err(de::Error::custom(format!("more than {MAX_FILES} files")));
                    }
                }
                Ok(Mapping(entries))
            }
        }
        deserializer.deserialize_map(Entries)
    }
}
