use super::{
    Memory, MemoryLoader, MemoryScope,
    input::into,
    load::{AliasesOf, EntityOf, MemoriesNaming},
};
use crate::{
    graphql_kit::{
        ApiError, Connection, ContextExt, UserError, connection, each_once, page_request, payload,
    },
    memory::{MemoryService, extraction::named, model},
    shared::{Page, id::WorkspaceId},
};
use async_graphql::{Context, Enum, InputObject, Object, SimpleObject};

/// What sort of thing memories name, as far as their words tell.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
#[graphql(remote = "named::EntityKind")]
pub enum EntityKind {
    /// Somebody.
    Person,
    /// What people work on.
    Project,
    /// Anything else with a name: a place, a product, a company.
    Thing,
}

/// A name that a memory mentions, or what all its memories tell of it.
#[derive(Clone, Debug)]
pub struct Entity(model::Entity);

impl From<model::Entity> for Entity {
    fn from(entity: model::Entity) -> Self {
        Self(entity)
    }
}

/// A person, a project or a thing that memories name. Found by rules for English; told apart by its name, without case and
/// accents, in its workspace. It is there as long as a memory in use names it.
#[Object]
impl Entity {
    /// As it is written most often in what the caller may see, or as it was merged.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// What sort of thing it is: of what its memories tell, the most frequent.
    async fn kind(&self) -> EntityKind {
        self.0.kind.into()
    }

    /// Its other names, by `mergeEntities`, in the order of their letters.
    async fn aliases(&self, ctx: &Context<'_>) -> Result<Vec<String>, ApiError> {
        let aliases = ctx.load::<_, MemoryLoader>(AliasesOf(self.0.workspace)).await?.unwrap_or_default();
        Ok(aliases.of(&self.0.key).to_vec())
    }

    /// How many memories in use name it, of the caller's own and the workspace's.
    async fn memory_count(&self, ctx: &Context<'_>) -> Result<i32, ApiError> {
        let mut count = self.0.memories;
        if count.is_none() {
            let of = EntityOf { workspace: self.0.workspace, key: self.0.key.clone() };
            count = ctx.load::<_, MemoryLoader>(of).await?.and_then(|entity| entity.memories);
        }
        Ok(count.and_then(|count| i32::try_from(count).ok()).unwrap_or_default())
    }

    /// The memories in use that name it, of the caller's own and the workspace's, newest first.
    async fn memories(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, at most 100; 25 if nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Only those after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Memory>, ApiError> {
        let workspace = self.0.workspace;
        let request = page_request(ctx, workspace, first, after, last, before)?;
        let count = request.count.then_some(0);
        let asked = MemoriesNaming { workspace, key: self.0.key.clone(), request };
        let page = ctx.load::<_, MemoryLoader>(asked).await?.unwrap_or_else(|| Page::empty(count));
        Ok(connection(workspace, page, Memory))
    }
}

/// Which entities to list; what is left out does not limit.
#[derive(InputObject, Debug)]
pub struct EntityFilter {
    /// How its name, or one of its aliases, begins; without case and accents. At most 64 characters.
    name: Option<String>,
    /// Only of these kinds.
    kinds: Option<Vec<EntityKind>>,
}

impl From<EntityFilter> for model::EntityFilter {
    fn from(filter: EntityFilter) -> Self {
        Self { name: filter.name, kinds: filter.kinds.map(each_once) }
    }
}

/// Which names stand for one.
#[derive(InputObject, Debug)]
pub struct MergeEntitiesInput {
    /// The workspace whose memories name it.
    workspace_id: WorkspaceId,
    /// The name that stands for all, at most 64 characters. A name that stood for another one stands for itself from now on.
    into: String,
    /// The names that stand for it from now on, 1 to 50, each with whatever stood for it.
    names: Vec<String>,
    /// For whom: USER for the caller alone, or WORKSPACE. What holds for the caller goes before what holds for all.
    #[graphql(default_with = "MemoryScope::User")]
    scope: MemoryScope,
}

/// Which names stand for themselves again.
#[derive(InputObject, Debug)]
pub struct SeparateEntitiesInput {
    /// The workspace whose memories name it.
    workspace_id: WorkspaceId,
    /// The names, 1 to 50. One that stands for itself stays so.
    names: Vec<String>,
    /// For whom they stood for another one: USER for the caller alone, or WORKSPACE.
    #[graphql(default_with = "MemoryScope::User")]
    scope: MemoryScope,
}

/// What came of `mergeEntities`.
#[derive(SimpleObject, Debug)]
pub struct MergeEntitiesPayload {
    /// What all these names are; null where `userErrors` says why not.
    entity: Option<Entity>,
    /// What a person can mend.
    user_errors: Vec<UserError>,
}

/// What came of `separateEntities`.
#[derive(SimpleObject, Debug)]
pub struct SeparateEntitiesPayload {
    /// What each name is, in the order of the names; empty where `userErrors` says why not.
    entities: Vec<Entity>,
    /// What a person can mend.
    user_errors: Vec<UserError>,
}

#[derive(Default, Debug)]
pub struct EntityMutation;

#[Object]
impl EntityMutation {
    /// Makes several names stand for one person, project or thing. No memory changes.
    async fn merge_entities(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which names.")] input: MergeEntitiesInput,
    ) -> Result<MergeEntitiesPayload, ApiError> {
        let MergeEntitiesInput { workspace_id: workspace, into, names, scope } = input;
        let merge = model::Merge { workspace, scope: scope.into(), into, names };
        let merged = ctx.service::<MemoryService>()?.merge_entities(ctx.actor()?, merge).await;
        let (entity, user_errors) = payload(merged)?;
        Ok(MergeEntitiesPayload { entity: entity.map(Entity), user_errors })
    }

    /// Makes names that were merged stand for themselves again. No memory changes.
    async fn separate_entities(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which names.")] input: SeparateEntitiesInput,
    ) -> Result<SeparateEntitiesPayload, ApiError> {
        let SeparateEntitiesInput { workspace_id: workspace, names, scope } = input;
        let separation = model::Separation { workspace, scope: scope.into(), names };
        let separated = ctx.service::<MemoryService>()?.separate_entities(ctx.actor()?, separation).await;
        let (entities, user_errors) = payload(separated)?;
        Ok(SeparateEntitiesPayload { entities: into(entities.unwrap_or_default()), user_errors })
    }
}
