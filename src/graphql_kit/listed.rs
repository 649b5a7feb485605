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
use std::{
    borrow::Cow,
    future::poll_fn,
    pin::Pin,
    task::{self, Poll},
};

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
        let Some(fields) = fields else { return self.0.resolve(ctx, field).await };
        let fields: Vec<Context<'_>> = fields.into_iter().map(|field| ctx.with_field(field)).collect();
        let values = all(fields.iter().map(|field| self.0.resolve_field(field))).await;
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

/// What all come to, in their order. What is ready when it is first asked leaves its place to the next one.
async fn all<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut done = Vec::with_capacity(futures.size_hint().0);
    let mut waiting: Vec<(usize, Pin<Box<Option<F>>>)> = vec![];
    let mut next = Box::pin(None);
    for (place, future) in futures.enumerate() {
        next.set(Some(future));
        let first = poll_fn(|task| Poll::Ready(poll(next.as_mut(), task))).await;
        if first.is_pending() {
            waiting.push((place, std::mem::replace(&mut next, Box::pin(None))));
        }
        done.push(match first {
            Poll::Ready(value) => value,
            Poll::Pending => None,
        });
    }
    poll_fn(|task| {
        waiting.retain_mut(|(place, future)| match poll(future.as_mut(), task) {
            Poll::Ready(value) => {
                if let Some(done) = done.get_mut(*place) {
                    *done = value;
                }
                false
            }
            Poll::Pending => true,
        });
        if waiting.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    done.into_iter().flatten().collect()
}

fn poll<F: Future>(future: Pin<&mut Option<F>>, task: &mut task::Context<'_>) -> Poll<Option<F::Output>> {
    match future.as_pin_mut() {
        Some(future) => future.poll(task).map(Some),
        None => Poll::Ready(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::future::{Either, join, ready};
    use tokio::sync::oneshot;

    #[tokio::test]
    async fn values_come_in_their_order_whoever_is_ready_first() {
        let ((first, one), (last, three)) = (oneshot::channel(), oneshot::channel());
        let waits = |of: oneshot::Receiver<u8>| Either::Right(async { of.await.unwrap() });
        let futures = [Either::Left(ready(0)), waits(one), Either::Left(ready(2)), waits(three)];
        // The last is ready before the first: each is asked, not one after the other.
        let ends = async {
            last.send(3).unwrap();
            tokio::task::yield_now().await;
            first.send(1).unwrap();
        };
        assert_eq!(join(all(futures.into_iter()), ends).await.0, [0, 1, 2, 3]);
        assert_eq!(all(std::iter::empty::<std::future::Ready<u8>>()).await, [0; 0]);
    }
}
