use super::{
    ErasureReceipt, Memory,
    forgetting::{ForgetAboutInput, ForgetAboutPayload},
    input::{ForgetMemoryInput, ImportMemoriesInput, RememberInput},
};
use crate::{
    graphql_kit::{ApiError, ContextExt, UserError, payload},
    memory::{MemoryService, model},
};
use async_graphql::{Context, Object, SimpleObject};

#[derive(Default, Debug)]
pub struct WriteMutation;

#[Object]
impl WriteMutation {
    /// Writes one memory. The same `externalId` again, in the same scope, is the same memory: changed where its
    /// content differs.
    async fn remember(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to remember.")] input: RememberInput,
    ) -> Result<RememberPayload, ApiError> {
        let (memories, actor) = (ctx.service::<MemoryService>()?, ctx.actor()?);
        let key = input.idempotency_key.clone();
        let (memory, user_errors) = payload(memories.remember(actor, input.into(), key).await)?;
        Ok(RememberPayload { memory: memory.map(Memory), user_errors })
    }

    /// Writes up to 1,000 memories, listed or in a file, all or none. The same `externalId` again, in the same scope, is the same memory:
    /// changed where its content differs.
    async fn import_memories(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to import.")] input: ImportMemoriesInput,
    ) -> Result<ImportMemoriesPayload, ApiError> {
        let (memories, actor) = (ctx.service::<MemoryService>()?, ctx.actor()?);
        let key = input.idempotency_key.clone();
        let (imported, user_errors) = payload(memories.import(actor, input.into(), key).await)?;
        let count = |outcome| {
            let imported = imported.as_ref()?;
            i32::try_from(imported.count(outcome)).ok()
        };
        Ok(ImportMemoriesPayload {
            created: count(model::Outcome::Created),
            updated: count(model::Outcome::Updated),
            unchanged: count(model::Outcome::Unchanged),
            memories: imported
                .into_iter()
                .flat_map(|it| it.memories)
                .map(|(memory, _)| Memory(memory))
                .collect(),
            user_errors,
        })
    }

    /// Erases a memory for good: its text, its entries in the search index, its words where replies quote them, and the
    /// outputs of runs that read it, and the memories that those wrote, whoever's they are. The `externalId` stays taken, so
    /// that no import brings it back.
    async fn forget_memory(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to forget.")] input: ForgetMemoryInput,
    ) -> Result<ForgetMemoryPayload, ApiError> {
        let (memories, actor) = (ctx.service::<MemoryService>()?, ctx.actor()?);
        let (receipt, user_errors) = payload(memories.forget(actor, input.memory_id).await)?;
        Ok(ForgetMemoryPayload { receipt: receipt.map(ErasureReceipt), user_errors })
    }

    /// Erases all that is about a person or a topic, as `forgetMemory` and `forgetDocument` do; or shows what that would
    /// be, which it does unless told otherwise.
    async fn forget_about(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who or what to forget.")] input: ForgetAboutInput,
    ) -> Result<ForgetAboutPayload, ApiError> {
        let (memories, actor) = (ctx.service::<MemoryService>()?, ctx.actor()?);
        let (dry_run, about) = (input.dry_run, input.into());
        if !dry_run {
            let (done, user_errors) = payload(memories.forget_about(actor, &about).await)?;
            let (receipt, next) = done.unwrap_or_default();
            let (receipt, more) = (receipt.map(ErasureReceipt), next.is_some());
            return Ok(ForgetAboutPayload { receipt, more, next, user_errors, ..Default::default() });
        }
        let (found, user_errors) = payload(memories.about(actor, &about).await)?;
        let found = found.unwrap_or_default();
        let ids: Vec<_> = found.memories.into_iter().collect();
        let mut of_memories: Vec<_> = memories.find_many(actor, &ids).await?.into_iter().collect();
        of_memories.sort_unstable_by_key(|(id, _)| *id);
        let ids: Vec<_> = found.documents.into_iter().collect();
        let mut of_documents: Vec<_> = memories.find_documents(actor, &ids).await?.into_iter().collect();
        of_documents.sort_unstable_by_key(|(id, _)| *id);
        Ok(ForgetAboutPayload {
            memories: of_memories.into_iter().map(|(_, memory)| Memory(memory)).collect(),
            documents: of_documents.into_iter().map(|(_, document)| document.into()).collect(),
            more: found.next.is_some(),
            next: found.next,
            receipt: None,
            user_errors,
        })
    }
}

/// What came of `remember`.
#[derive(SimpleObject, Debug)]
pub struct RememberPayload {
    /// The memory; null where `userErrors` says why not.
    memory: Option<Memory>,
    /// What a person can mend.
    user_errors: Vec<UserError>,
}

/// What came of `importMemories`: all of it, or none and the problems.
#[derive(SimpleObject, Debug)]
pub struct ImportMemoriesPayload {
    /// How many are new; null where `userErrors` says why nothing was imported.
    created: Option<i32>,
    /// How many were there with another content.
    updated: Option<i32>,
    /// How many were there just so.
    unchanged: Option<i32>,
    /// The memory of each item, in the order of the items.
    memories: Vec<Memory>,
    /// What a person can mend, each with the path of its item, `items.17.text`, or of its line, `file.18.text`.
    user_errors: Vec<UserError>,
}

/// What came of `forgetMemory`.
#[derive(SimpleObject, Debug)]
pub struct ForgetMemoryPayload {
    /// What was erased; null where `userErrors` says why not.
    receipt: Option<ErasureReceipt>,
    /// What a person can mend.
    user_errors: Vec<UserError>,
}
