//! What a person owns, as JSON Lines that an import takes back: the same memories give the same bytes.
use super::{MemoryScope, MemoryService, lines, partition::Partition, store};
use crate::shared::{
    Error, Result,
    actor::{Actor, Read},
    id::{MemoryId, WorkspaceId},
};

/// Memories of one part, as an import takes.
pub const MAX_LINES: u64 = 1_000;

/// Bytes of one part, save for its first line.
const BYTES: usize = 1 << 20;

/// A part of an export.
#[derive(Clone, Debug, Default)]
pub struct Export {
    /// Each line with its line feed.
    pub lines: String,
    pub count: usize,
    /// To go on after; `None` where this is the last part.
    pub next: Option<MemoryId>,
}

impl MemoryService {
    /// The actor's own memories of scope USER, or the workspace's, in the order in which they were written.
    pub async fn export(
        &self,
        actor: &Actor,
        workspace: WorkspaceId,
        scope: MemoryScope,
        after: Option<MemoryId>,
    ) -> Result<Export> {
        let grant = actor.may::<Read>(workspace)?;
        if scope == MemoryScope::Session {
            return Err(Error::BadInput("USER and WORKSPACE can be exported".to_owned()));
        }
        let partition = Partition::of_scope(&grant, scope, None);
        let memories = store::written_after(&self.db, &partition, after, MAX_LINES + 1).await?;
        let mut export = Export::default();
        let mut last = None;
        for memory in memories {
            let line = lines::write(&memory);
            let is_full = export.count as u64 == MAX_LINES || export.lines.len() + line.len() > BYTES;
            if export.count > 0 && is_full {
                export.next = last;
                break;
            }
            export.lines.push_str(&line);
            export.count += 1;
            last = Some(memory.id);
        }
        Ok(export)
    }
}
