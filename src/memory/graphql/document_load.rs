//! Documents and their parts by batches.
use super::{Document, DocumentChunk};
use crate::{
    graphql_kit::{ApiError, ContextExt, Loaded, Loader, OfRequest, each},
    memory::{MemoryService, model},
    shared::{
        Page, PageRequest,
        actor::Actor,
        id::{DocumentChunkId, DocumentId},
    },
};
use async_graphql::Context;
use std::collections::HashMap;

/// Documents, their texts and their chunks. Made of a request, whose actor it carries.
#[derive(Debug)]
pub struct DocumentLoader {
    memories: MemoryService,
    actor: Actor,
}

impl OfRequest for DocumentLoader {
    fn of(ctx: &Context<'_>) -> Result<Self, ApiError> {
        Ok(Self { actor: ctx.actor()?.clone(), memories: ctx.service::<MemoryService>()?.clone() })
    }
}

/// The text of a document.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct TextOf(pub DocumentId);

/// A page of a document's chunks.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ChunksOf {
    pub document: DocumentId,
    pub request: PageRequest,
}

impl Loader<DocumentId> for DocumentLoader {
    type Value = Document;

    async fn load(&self, ids: &[DocumentId]) -> Loaded<HashMap<DocumentId, Document>> {
        let found = self.memories.find_documents(&self.actor, ids).await?;
        Ok(found.into_iter().map(|(id, document)| (id, Document::from(document))).collect())
    }
}

impl Loader<DocumentChunkId> for DocumentLoader {
    type Value = DocumentChunk;

    async fn load(&self, ids: &[DocumentChunkId]) -> Loaded<HashMap<DocumentChunkId, DocumentChunk>> {
        let found = self.memories.find_chunks(&self.actor, ids).await?;
        Ok(found.into_iter().map(|(id, chunk)| (id, DocumentChunk::from(chunk))).collect())
    }
}

impl Loader<TextOf> for DocumentLoader {
    type Value = String;

    async fn load(&self, keys: &[TextOf]) -> Loaded<HashMap<TextOf, String>> {
        let ids: Vec<_> = keys.iter().map(|key| key.0).collect();
        let found = self.memories.find_texts(&self.actor, &ids).await?;
        Ok(found.into_iter().map(|(id, text)| (TextOf(id), text)).collect())
    }
}

impl Loader<ChunksOf> for DocumentLoader {
    type Value = Loaded<Page<model::DocumentChunk>>;

    async fn load(&self, keys: &[ChunksOf]) -> Loaded<HashMap<ChunksOf, Self::Value>> {
        let mut documents: HashMap<PageRequest, Vec<DocumentId>> = HashMap::new();
        for key in keys {
            documents.entry(key.request).or_default().push(key.document);
        }
        let mut loaded = HashMap::new();
        for (request, documents) in documents {
            let pages = self.memories.list_chunks(&self.actor, &documents, &request).await;
            let key = |document| ChunksOf { document, request };
            let pages = pages.map(|pages| pages.into_iter().map(|(document, page)| (key(document), page)));
            loaded.extend(each(documents.into_iter().map(key), pages));
        }
        Ok(loaded)
    }
}
