//! An object in a list. Most of an answer is such objects, and most of their fields are at hand: async-graphql makes a
//! future in memory of its own for each field, and a set of futures for each object. Here what is ready at once costs
//! none of it.
use super::written;
use crate::shared::explain;
use async_graphql::{
    Context, ContextSelectionSet, ObjectType, OutputType, Positioned, ServerResult, Value,
    indexmap::IndexMap,
    parser::types::{Field, Selection},
    registry::Registry,
};
use futures_util::{
    FutureExt,
    future::{join, join_all},
};
use std::{borrow::Cow, future::poll_fn, ops::Range, pin::pin, task::Poll};

/// Shown as what is in it. The document has no fragments on it any more, and no field twice: the pipeline has
/// dissolved and merged them.
#[derive(Clone, Debug)]
pub struct Listed<T>(pub T);

impl<T: ObjectType> OutputType for Listed<T> {
    fn type_name() -> Cow<'static, str> {
        T::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        T::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        // In memory of its own: the library's lists move about what they wait for.
        self.in_place(ctx, field).boxed().await
    }
}

impl<T: ObjectType> Listed<T> {
    async fn in_place(
        &self,
        ctx: &ContextSelectionSet<'_>,
        field: &Positioned<Field>,
    ) -> ServerResult<Value> {
        let Some(fields) = plain_fields(ctx) else { return self.0.resolve(ctx, field).boxed().await };
        let values = all(0..fields.len(), &|place| value(&self.0, &fields[place])).await;
        Ok(object(ctx, &fields, values))
    }
}

/// Of one of an object's fields. Many clients ask each object for its type.
pub(super) async fn value<T: ObjectType>(of: &T, field: &Context<'_>) -> ServerResult<Option<Value>> {
    if field.item.node.name.node == TYPE {
        return Ok(Some(Value::String(of.introspection_type_name().into_owned())));
    }
    of.resolve_field(field).await
}

const TYPE: &str = "__typename";

/// Such objects, as a list that an object has beside other fields.
#[derive(Clone, Debug)]
pub struct List<T>(Vec<Listed<T>>);

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(vec![])
    }
}

impl<T> FromIterator<T> for List<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Self(items.into_iter().map(Listed).collect())
    }
}

impl<T: ObjectType> OutputType for List<T> {
    fn type_name() -> Cow<'static, str> {
        <Vec<T> as OutputType>::type_name()
    }

    fn qualified_type_name() -> String {
        <Vec<T> as OutputType>::qualified_type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        <Vec<T> as OutputType>::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        list(ctx, field, self.0.iter()).await
    }
}

/// The list of such objects that a field has.
pub(super) async fn list<'a, T: ObjectType + 'a>(
    ctx: &ContextSelectionSet<'_>,
    field: &Positioned<Field>,
    items: impl Iterator<Item = &'a Listed<T>>,
) -> ServerResult<Value> {
    let items: Vec<_> = items.enumerate().map(|(place, item)| (ctx.with_index(place), item)).collect();
    let of = |place: usize| {
        let (ctx, item) = &items[place];
        item.in_place(ctx, field)
    };
    // In memory of its own: objects have lists of objects that have lists.
    let values = all(0..items.len(), &of).boxed().await;
    let values =
        items.iter().zip(values).map(|((ctx, _), value)| value.map_err(|error| ctx.set_error_path(error)));
    let values = values.collect::<ServerResult<Vec<_>>>()?;
    Ok(written::list(ctx, &values).unwrap_or(Value::List(values)))
}

/// The fields of a selection that has nothing else: no fragment, no directive. `None` where an extension is
/// told of each field, too: only the library's own way does that.
pub(super) fn plain_fields<'a>(ctx: &'a ContextSelectionSet<'a>) -> Option<Vec<Context<'a>>> {
    if explain::record().is_some() {
        return None;
    }
    let plain = |selection: &'a Positioned<Selection>| match &selection.node {
        Selection::Field(field) if field.node.directives.is_empty() => Some(ctx.with_field(field)),
        _ => None,
    };
    ctx.item.node.items.iter().map(plain).collect()
}

/// An object of the values that its fields came to.
pub(super) fn object(
    ctx: &ContextSelectionSet<'_>,
    fields: &[Context<'_>],
    values: Vec<ServerResult<Option<Value>>>,
) -> Value {
    if let Some(written) = written::object(ctx, fields, &values) {
        return written;
    }
    let mut object = IndexMap::with_capacity(fields.len());
    for (field, value) in fields.iter().zip(values) {
        match value {
            Ok(value) => {
                let key = field.item.node.response_key().node.clone();
                object.insert(key, value.unwrap_or_default());
            }
            Err(error) => ctx.add_error(error),
        }
    }
    if object.is_empty() { Value::Null } else { Value::Object(object) }
}

/// What they all come to, in their order. They are asked one after the other, in the same place; from the first one on that
/// has to wait, side by side.
pub(super) async fn all<F: Future>(places: Range<usize>, of: &impl Fn(usize) -> F) -> Vec<F::Output> {
    let mut done = Vec::with_capacity(places.len());
    for place in places.clone() {
        let mut next = pin!(of(place));
        match poll_fn(|task| Poll::Ready(next.as_mut().poll(task))).await {
            Poll::Ready(value) => done.push(value),
            Poll::Pending => {
                let rest = join_all((place + 1..places.end).map(of));
                let (value, rest) = join(next, rest).await;
                done.push(value);
                done.extend(rest);
                break;
            }
        }
    }
    done
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::future::{BoxFuture, FutureExt, ready};
    use std::sync::Mutex;
    use tokio::sync::oneshot;

    #[tokio::test]
    async fn values_come_in_their_order_whoever_is_ready_first() {
        let ((first, one), (last, three)) = (oneshot::channel(), oneshot::channel());
        let waiting = Mutex::new(vec![Some(three), Some(one)]);
        let of = |place: usize| -> BoxFuture<'static, u8> {
            match place {
                0 => ready(0).boxed(),
                2 => ready(2).boxed(),
                _ => {
                    let waits = waiting.lock().unwrap().pop().flatten().unwrap();
                    async { waits.await.unwrap() }.boxed()
                }
            }
        };
        // The last is ready before the first: each is asked, not one after the other.
        let ends = async {
            last.send(3).unwrap();
            tokio::task::yield_now().await;
            first.send(1).unwrap();
        };
        assert_eq!(join(all(0..4, &of), ends).await.0, [0, 1, 2, 3]);
        assert_eq!(all(0..0, &of).await, [0; 0]);
    }
}
