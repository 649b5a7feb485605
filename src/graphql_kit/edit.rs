use super::{ApiError, UserError, UserErrorCode, payload};
use crate::shared::{Edited, Error, Patch};
use async_graphql::{Context, MaybeUndefined};

/// What an input says of a field: left out, null, or a value.
pub fn patch<T, U>(given: MaybeUndefined<T>, convert: impl FnOnce(T) -> U) -> Patch<U> {
    match given {
        MaybeUndefined::Undefined => Patch::Keep,
        MaybeUndefined::Null => Patch::Clear,
        MaybeUndefined::Value(value) => Patch::Set(convert(value)),
    }
}

/// Whether a payload is to show the `cursor` of a thing in one of these fields. It has to be read before the change: what
/// is shown is then never older, and a subscription from it has no gap.
pub fn wants_cursor(ctx: &Context<'_>, fields: &[&str]) -> bool {
    let payload = ctx.look_ahead();
    fields.iter().any(|field| payload.field(field).field("cursor").exists())
}

/// What a change's payload shows: the thing as it is now; or, where it was changed meanwhile, what it is now instead.
#[derive(Debug)]
pub struct Shown<T, C = T> {
    pub result: Option<T>,
    pub current: Option<C>,
    pub user_errors: Vec<UserError>,
}

/// As [`payload`], for a change of what has a version.
pub fn edited<T, C>(outcome: Result<Edited<T, C>, Error>) -> Result<Shown<T, C>, ApiError> {
    let (edited, mut user_errors) = payload(outcome)?;
    let (result, current) = match edited {
        None => (None, None),
        Some(Edited::Done(thing)) => (Some(thing), None),
        Some(Edited::Stale { current, version }) => {
            user_errors.push(UserError {
                code: UserErrorCode::Conflict,
                field: "expectedVersion".to_owned(),
                message: format!(
                    "it was changed meanwhile and has version {version}: look at `current`, and decide anew"
                ),
            });
            (None, Some(current))
        }
    };
    Ok(Shown { result, current, user_errors })
}
