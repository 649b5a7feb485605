//! Forgetting a person or a topic, and taking along what one owns.
use super::{Document, ErasureReceipt, Memory};
use crate::{
    graphql_kit::UserError,
    memory::{About, Export},
    shared::id::{MemoryId, WorkspaceId},
};
use async_graphql::{InputObject, SimpleObject};

/// Who or what is to be forgotten.
#[derive(InputObject, Debug)]
pub struct ForgetAboutInput {
    /// The workspace.
    workspace_id: WorkspaceId,
    /// A person or a topic, at most 200 characters. A memory is about it that holds all of its words, in any form and
    /// order, in its text, its speaker or its collection. Words without content (the, of …) alone name nobody. Names that
    /// hold all of them and were merged with others stand for themselves again.
    about: String,
    /// Documents, too, of which one part holds all of them, with its heading and the title; each goes as a whole.
    #[graphql(default = false)]
    documents: bool,
    /// In parts: `next` of the call before, of the same words, or empty for the first. Each part reads some 20,000 texts, and goes on behind
    /// those of the one before. Without it a call reads to the end, which among a million texts takes minutes.
    after: Option<String>,
    /// Shows what would be erased, and erases nothing. Look first: nothing comes back.
    #[graphql(default = true)]
    pub(super) dry_run: bool,
}

impl From<ForgetAboutInput> for About {
    fn from(input: ForgetAboutInput) -> Self {
        Self {
            workspace: input.workspace_id,
            about: input.about,
            documents: input.documents,
            after: input.after,
        }
    }
}

/// What came of `forgetAbout`.
#[derive(SimpleObject, Debug, Default)]
pub struct ForgetAboutPayload {
    /// What a dry run would have erased: memories of whatever status. Empty where they are gone.
    pub(super) memories: Vec<Memory>,
    /// What a dry run would have erased.
    pub(super) documents: Vec<Document>,
    /// Whether not everything was read: at most 500 memories and documents go in one call. Call again until it is false.
    pub(super) more: bool,
    /// For `after` of the next part; null where `more` is false. What is written meanwhile may lie behind: to be sure, begin
    /// again until a whole round finds nothing. A long document may be shown in two parts.
    pub(super) next: Option<String>,
    /// What was erased, with what was made of it; null in a dry run, where nothing was found, and where `userErrors` says
    /// why not.
    pub(super) receipt: Option<ErasureReceipt>,
    /// What a person can mend.
    pub(super) user_errors: Vec<UserError>,
}

/// A part of what one owns.
#[derive(SimpleObject, Debug)]
pub struct MemoryExport {
    /// JSON Lines, a memory a line, as `importMemories` takes them as a file: at most 1,000 lines, about 1 MB. The same
    /// memories give the same bytes. A memory without an `externalId` has its id in its place, and is taken back as
    /// itself.
    lines: String,
    /// How many lines.
    count: i32,
    /// For `after` of the next part; null where this is the last.
    next: Option<MemoryId>,
}

impl From<Export> for MemoryExport {
    fn from(export: Export) -> Self {
        let count = i32::try_from(export.count).unwrap_or(i32::MAX);
        Self { lines: export.lines, count, next: export.next }
    }
}
