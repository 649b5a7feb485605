use super::{
    ApiError, Listed,
    listed::{all, list, object, plain_fields, value},
};
use crate::shared::{Page, PageRequest, page::Key};
use async_graphql::{
    Context, ContextSelectionSet, Enum, ObjectType, OutputType, Positioned, ServerResult, SimpleObject,
    Value,
    connection::{self, Edge, EmptyFields},
    parser::types::Field,
    registry::{MetaType, Registry},
};
use futures_util::FutureExt;
use std::borrow::Cow;
use uuid::Uuid;

/// A page of a list by Relay's rules.
pub struct Connection<T: ObjectType, F: ObjectType = TotalCount>(Inner<T, F>);

type Inner<T, F> = connection::Connection<Place, Listed<T>, F, EmptyFields>;

/// The size of the whole list.
#[derive(SimpleObject, Debug, Clone, Copy)]
pub struct TotalCount {
    /// How many there are in all pages together.
    total_count: i32,
}

/// Which way a list goes.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum OrderDirection {
    /// The least or the oldest first.
    Asc,
    /// The greatest or the newest first.
    Desc,
}

/// The cursor of an edge.
#[derive(Clone, Copy, Debug)]
pub struct Place(Key);

impl connection::CursorType for Place {
    type Error = crate::shared::Error;

    fn decode_cursor(text: &str) -> Result<Self, Self::Error> {
        Key::decode(text).map(Self)
    }

    fn encode_cursor(&self) -> String {
        self.0.encode()
    }
}

/// The values of a filter, each once: however often a client names one, the statement has it once.
pub fn each_once<T: Into<U>, U: PartialEq>(values: Vec<T>) -> Vec<U> {
    let mut once: Vec<U> = vec![];
    for value in values.into_iter().map(T::into) {
        if !once.contains(&value) {
            once.push(value);
        }
    }
    once
}

/// From the arguments of a field that lists what belongs to `parent`; counts only where `totalCount` is selected.
pub fn page_request(
    ctx: &Context<'_>,
    parent: impl Into<Uuid>,
    first: Option<i32>,
    after: Option<String>,
    last: Option<i32>,
    before: Option<String>,
) -> Result<PageRequest, ApiError> {
    let count = ctx.look_ahead().field("totalCount").exists();
    let request = PageRequest::from_args(first, after.as_deref(), last, before.as_deref(), count)?;
    Ok(request.of_parent(parent.into()))
}

/// Whether the nodes of a connection show this field.
pub fn each_shows(ctx: &Context<'_>, field: &str) -> bool {
    let list = ctx.look_ahead();
    list.field("nodes").field(field).exists() || list.field("edges").field("node").field(field).exists()
}

/// What a connection has beside its page.
pub trait Fields {
    fn of_page<T>(page: &Page<T>) -> Self;
}

impl Fields for TotalCount {
    fn of_page<T>(page: &Page<T>) -> Self {
        Self { total_count: page.total.and_then(|total| i32::try_from(total).ok()).unwrap_or(i32::MAX) }
    }
}

impl Fields for EmptyFields {
    fn of_page<T>(_: &Page<T>) -> Self {
        Self
    }
}

/// Shows a page of what belongs to `parent` as a connection: its cursors are good for this list alone.
pub fn connection<M, T: ObjectType, F: Fields + ObjectType>(
    parent: impl Into<Uuid>,
    page: Page<M>,
    show: impl Fn(M) -> T,
) -> Connection<T, F> {
    let (parent, fields) = (parent.into(), F::of_page(&page));
    let mut shown = Inner::with_additional_fields(page.has_previous, page.has_next, fields);
    let edge = |(key, item): (Key, M)| Edge::new(Place(key.bound_to(parent)), Listed(show(item)));
    shown.edges.extend(page.items.into_iter().map(edge));
    Connection(shown)
}

/// The library's connection, with the description that it leaves out.
impl<T: ObjectType, F: ObjectType> OutputType for Connection<T, F> {
    fn type_name() -> Cow<'static, str> {
        <Inner<T, F> as OutputType>::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        let reference = <Inner<T, F> as OutputType>::create_type_info(registry);
        let description =
            format!("A page of a list of `{}`, with what leads to the next one.", T::type_name());
        if let Some(MetaType::Object { description: place, .. }) =
            registry.types.get_mut(Self::type_name().as_ref())
        {
            place.get_or_insert(description);
        }
        reference
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        let Some(fields) = plain_fields(ctx) else { return self.0.resolve(ctx, field).boxed().await };
        let values = all(0..fields.len(), &|place| self.field(&fields[place])).boxed().await;
        Ok(object(ctx, &fields, values))
    }
}

impl<T: ObjectType, F: ObjectType> Connection<T, F> {
    async fn field(&self, ctx: &Context<'_>) -> ServerResult<Option<Value>> {
        match ctx.item.node.name.node.as_str() {
            "nodes" => {
                let (nodes, field) = (self.0.edges.iter().map(|edge| &edge.node), ctx.item);
                list(&ctx.with_selection_set(&field.node.selection_set), field, nodes).await.map(Some)
            }
            _ => value(&self.0, ctx).await,
        }
    }
}
