//! An object in a list. Most of an answer is such objects, and most of their fields are at hand: async-graphql makes a
//! future in memory of its own for each field, and a set of futures for each object. Here what is ready at once costs
//! none of it.
use crate::shared::explain;
use async_graphql::{
    Context, ContextSelectionSet, ObjectType, OutputType, Positioned, ServerResult, Value,
    indexmap::IndexMap,
    parser::types::{Field, Selection},
    registry::Registry,
};
use futures_util::future::{join, join_all};
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
        // Only the library's own way tells an extension of each field.
        let fields = if explain::record().is_some() { None } else { plain_fields(ctx) };
        let Some(fields) = fields else { return Box::pin(self.0.resolve(ctx, field)).await };
        let fields: Vec<Context<'_>> = fields.into_iter().map(|field| ctx.with_field(field)).collect();
        // In memory of its own: what a list waits for is moved about.
        let of = |place: usize| self.0.resolve_field(&fields[place]);
        let values = Box::pin(all(0..fields.len(), &of)).await;
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
        Ok(if object.is_empty() { Value::Null } else { Value::Object(object) })
    }
}

/// The fields of a selection that has nothing else: no fragment, no directive, no `__typename`.
fn plain_fields<'a>(ctx: &ContextSelectionSet<'a>) -> Option<Vec<&'a Positioned<Field>>> {
    let plain = |selection: &'a Positioned<Selection>| match &selection.node {
        Selection::Field(field) if field.node.directives.is_empty() => {
            (field.node.name.node != "__typename").then_some(field)
        }
        _ => None,
    };
    ctx.item.node.items.iter().map(plain).collect()
}

/// What they all come to, in their order. They are asked one after the other, in the same place; from the first one on that
/// has to wait, side by side.
async fn all<F: Future>(places: Range<usize>, of: &impl Fn(usize) -> F) -> Vec<F::Output> {
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
