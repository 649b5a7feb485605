//! Variables as apollo-compiler coerced them, on their way to async-graphql: checks what coercion leaves out.
use super::{
    RequestError,
    files::{Files, is_upload},
};
use crate::graphql_kit::ErrorCode;
use apollo_compiler::{
    Schema,
    ast::Type,
    response::JsonValue,
    schema::{ExtendedType, InputObjectType},
};
use async_graphql::{Name, Value, indexmap::IndexMap};
use std::fmt;

/// Where a value is, kept on the stack: written out only for an error.
pub(super) struct Path<'a> {
    parent: Option<&'a Path<'a>>,
    step: Step<'a>,
}

enum Step<'a> {
    Key(&'a str),
    Index(usize),
}

impl<'a> Path<'a> {
    pub(super) fn root(name: &'a str) -> Self {
        Self { parent: None, step: Step::Key(name) }
    }

    fn key(&'a self, key: &'a str) -> Self {
        Self { parent: Some(self), step: Step::Key(key) }
    }

    fn index(&'a self, index: usize) -> Self {
        Self { parent: Some(self), step: Step::Index(index) }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.parent {
            Some(parent) => parent.fmt(f)?,
            None => f.write_str("variables")?,
        }
        match self.step {
            Step::Key(key) => write!(f, ".{key}"),
            Step::Index(index) => write!(f, ".{index}"),
        }
    }
}

/// `ty` is absent within a custom scalar.
pub(super) fn value(
    schema: &Schema,
    value: JsonValue,
    ty: Option<&Type>,
    path: &Path<'_>,
    files: &mut Files,
) -> Result<Value, RequestError> {
    if is_upload(ty) && !value.is_null() {
        let file = files.take(&path.to_string());
        return file
            .ok_or_else(|| bad("a file is expected here: send it in a multipart request".to_owned(), path));
    }
    Ok(match value {
        JsonValue::Null => Value::Null,
        JsonValue::Bool(boolean) => Value::Boolean(boolean),
        JsonValue::Number(number) => Value::Number(number),
        JsonValue::String(text) => {
            storable(text.as_str()).map_err(|message| bad(message, path))?;
            Value::String(text.as_str().to_owned())
        }
        JsonValue::Array(items) => {
            let item_type = ty.filter(|ty| ty.is_list()).map(Type::item_type);
            let items = items.into_iter().enumerate();
            Value::List(
                items
                    .map(|(i, item)| self::value(schema, item, item_type, &path.index(i), files))
                    .collect::<Result<_, _>>()?,
            )
        }
        JsonValue::Object(entries) => {
            let input = ty.and_then(|ty| input_object(schema, ty));
            if let Some(input) = input {
                let entries = entries.iter().map(|(key, value)| (key.as_str(), value.is_null()));
                exactly_one_key(input, entries).map_err(|message| bad(message, path))?;
            }
            let mut object = IndexMap::with_capacity(entries.len());
            for (key, entry) in entries {
                storable(key.as_str()).map_err(|message| bad(message, path))?;
                let ty = input.and_then(|input| input.fields.get(key.as_str())).map(|field| &*field.ty);
                let entry = self::value(schema, entry, ty, &path.key(key.as_str()), files)?;
                object.insert(Name::new(key.as_str()), entry);
            }
            Value::Object(object)
        }
    })
}

fn bad(message: String, path: &Path<'_>) -> RequestError {
    let path = path.to_string();
    RequestError::new(ErrorCode::BadUserInput, format!("{path}: {message}")).in_variables(path)
}

pub(super) fn input_object<'a>(schema: &'a Schema, ty: &Type) -> Option<&'a InputObjectType> {
    match schema.types.get(ty.inner_named_type())? {
        ExtendedType::InputObject(input) => Some(input),
        _ => None,
    }
}

/// PostgreSQL stores no NUL in a text: refused for all, so that both databases take the same.
pub(super) fn storable(text: &str) -> Result<(), String> {
    if text.contains('\0') {
        return Err("the character U+0000 cannot be kept in a text: remove it".to_owned());
    }
    Ok(())
}

/// The rule of `@oneOf`; entries are `(key, whether it is null)`.
pub(super) fn exactly_one_key<'a>(
    input: &InputObjectType,
    entries: impl Iterator<Item = (&'a str, bool)>,
) -> Result<(), String> {
    if !input.directives.has("oneOf") {
        return Ok(());
    }
    let given: Vec<_> = entries.collect();
    match &*given {
        [(_, false)] => Ok(()),
        [(key, true)] => Err(format!("{} needs exactly one key, but {key} is null", input.name)),
        [] => Err(format!("{} needs exactly one key, but has none", input.name)),
        [(first, _), (second, _), ..] => Err(format!(
            "{} needs exactly one key, but has {}: keep {first} or {second}",
            input.name,
            given.len()
        )),
    }
}
