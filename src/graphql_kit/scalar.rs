use super::ErrorCode;
use crate::{
    event,
    shared::{amount::Amount, moment},
};
use async_graphql::{InputType, InputValueError, InputValueResult, Scalar, ScalarType, Value};
use bytes::Bytes;
use chrono::{TimeDelta, Utc};

fn refused<T: InputType>(message: impl std::fmt::Display) -> InputValueError<T> {
    InputValueError::custom(message).with_extension("code", ErrorCode::BadUserInput.as_str())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor(pub event::Cursor);

/// A place in a workspace's event log, opaque to clients. Pass it as `after` to get what came later.
#[Scalar(name = "Cursor", specified_by_url = "https://aifirst.example/scalars/cursor")]
impl ScalarType for Cursor {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = &value else {
            return Err(InputValueError::expected_type(value));
        };
        event::Cursor::decode(text).map(Self).map_err(|error| {
            InputValueError::custom(error).with_extension("code", ErrorCode::InvalidCursor.as_str())
        })
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.encode())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DateTime(pub chrono::DateTime<Utc>);

/// A moment in UTC, as RFC 3339 with at most microseconds: `2026-05-08T13:56:00Z`.
#[Scalar(name = "DateTime", specified_by_url = "https://scalars.graphql.org/andimarek/date-time.html")]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = &value else {
            return Err(InputValueError::expected_type(value));
        };
        moment::parse(text).map(Self).map_err(refused)
    }

    fn to_value(&self) -> Value {
        Value::String(moment::format(self.0))
    }
}

impl From<chrono::DateTime<Utc>> for DateTime {
    fn from(moment: chrono::DateTime<Utc>) -> Self {
        Self(moment)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Duration(pub TimeDelta);

/// A length of time by ISO 8601, in weeks, days, hours, minutes and seconds: `P1D`, `PT1M30S`, `PT0.25S`. A day is
/// 24 hours; years and months are refused, for their length varies.
#[Scalar(name = "Duration", specified_by_url = "https://aifirst.example/scalars/duration")]
impl ScalarType for Duration {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = &value else {
            return Err(InputValueError::expected_type(value));
        };
        crate::shared::duration::parse(text)
            .map(Self)
            .ok_or_else(|| refused("not a duration by ISO 8601, such as P1D or PT1M30S"))
    }

    fn to_value(&self) -> Value {
        Value::String(crate::shared::duration::format(self.0))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decimal(pub Amount);

/// A decimal number as a string, exact: `12.50`. At most nine digits after the point, nine billion at most.
#[Scalar(name = "Decimal", specified_by_url = "https://aifirst.example/scalars/decimal")]
impl ScalarType for Decimal {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = &value else {
            return Err(InputValueError::expected_type(value));
        };
        text.parse().map(Self).map_err(refused)
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Json(pub serde_json::Value);

/// Free data: any JSON value.
#[Scalar(name = "JSON", specified_by_url = "https://aifirst.example/scalars/json")]
impl ScalarType for Json {
    fn parse(value: Value) -> InputValueResult<Self> {
        value.into_json().map(Self).map_err(refused)
    }

    fn to_value(&self) -> Value {
        Value::from_json(self.0.clone()).unwrap_or_default()
    }
}

/// The name of [`Upload`] in the schema.
pub const UPLOAD: &str = "Upload";

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload(pub Bytes);

/// A small file, as a variable of a GraphQL multipart request: null in the variables, and in a part of its own. Nothing
/// that stands in JSON or in a document is one. Its name and media type are not looked at.
#[Scalar(name = "Upload", specified_by_url = "https://github.com/jaydenseric/graphql-multipart-request-spec")]
impl ScalarType for Upload {
    fn parse(value: Value) -> InputValueResult<Self> {
        match value {
            Value::Binary(content) => Ok(Self(content)),
            _ => Err(refused("a file is expected here: send it in a multipart request")),
        }
    }

    fn to_value(&self) -> Value {
        Value::Null
    }
}
