//! Vectors of a provider's model: rows beside those of the index.
use crate::{
    db::Source,
    gateway::{Egress, EmbedText},
    memory::{
        index::{ItemId, ItemKind},
        partition::Partition,
    },
    shared::{Result, id::WorkspaceId},
};
use entity::{
    document, document_chunk, memory, memory_embedding, memory_embedding_progress, memory_index,
    memory_partition,
};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, Condition, EntityTrait, JoinType, QueryFilter, QueryOrder, QuerySelect, RelationDef,
    sea_query::{DynIden, Expr, ExprTrait, OnConflict},
};
use std::collections::HashMap;
use uuid::Uuid;

/// Rows of one statement.
const ROWS: usize = 250;

/// A vector as a copy takes it.
#[derive(Debug)]
pub struct VectorRow {
    pub revision: i64,
    pub item: Uuid,
    pub vector: Vec<i8>,
}

/// Something in the index that may lack a vector.
#[derive(Clone, Copy, Debug)]
pub struct Indexed {
    /// Of its row.
    pub revision: i64,
    pub item: ItemId,
    /// It has one of the model that was asked for.
    pub is_embedded: bool,
}

/// The vectors of these, of all models: their texts are others now.
pub(in crate::memory) async fn delete(tx: &impl Source, partition: &Partition, items: &[Uuid]) -> Result<()> {
    for items in items.chunks(1000) {
        memory_embedding::Entity::delete_many()
            .filter(by_item(partition, items))
            .exec(tx.connection())
            .await?;
    }
    Ok(())
}

/// The vectors of these hold for the rows that the index has of them now.
pub(in crate::memory) async fn confirm(
    tx: &impl Source,
    partition: &Partition,
    items: &[Uuid],
    revision: i64,
) -> Result<()> {
    for items in items.chunks(1000) {
        memory_embedding::Entity::update_many()
            .col_expr(memory_embedding::Column::Revision, Expr::value(revision))
            .filter(by_item(partition, items))
            .exec(tx.connection())
            .await?;
    }
    Ok(())
}

/// Writes vectors of items that are in the index. The partition is locked.
pub(in crate::memory) async fn insert(
    tx: &impl Source,
    partition: &Partition,
    model: &str,
    vectors: &[(Uuid, Vec<i8>)],
    revision: i64,
) -> Result<()> {
    use memory_embedding::Column::{Dimensions, ItemId, Model, Revision, Vector};
    for vectors in vectors.chunks(ROWS) {
        let rows = vectors.iter().map(|(item, vector)| memory_embedding::ActiveModel {
            workspace_id: Set(partition.workspace().uuid()),
            owner_id: Set(partition.owner()),
            item_id: Set(*item),
            model: Set(model.to_owned()),
            dimensions: Set(vector.len() as i64),
            revision: Set(revision),
            vector: Set(vector.iter().map(|number| number.cast_unsigned()).collect()),
        });
        let replaced =
            OnConflict::columns([ItemId, Model]).update_columns([Dimensions, Revision, Vector]).to_owned();
        memory_embedding::Entity::insert_many(rows)
            .on_conflict(replaced)
            .exec_without_returning(tx.connection())
            .await?;
    }
    memory_partition::Entity::update_many()
        .col_expr(memory_partition::Column::HasEmbeddings, Expr::value(true))
        .filter(memory_partition::Column::WorkspaceId.eq(partition.workspace().uuid()))
        .filter(memory_partition::Column::OwnerId.eq(partition.owner()))
        .exec(tx.connection())
        .await?;
    Ok(())
}

/// The partition's vectors of a model behind a place, in the order of their revisions, then of their items.
pub(in crate::memory) async fn vectors_after(
    source: &impl Source,
    partition: &Partition,
    model: &str,
    (revision, item): (i64, Uuid),
    limit: u64,
) -> Result<Vec<VectorRow>> {
    use memory_embedding::Column::{ItemId, Model, Revision};
    let behind = Condition::any().add(Revision.gt(revision)).add(ItemId.gt(item));
    let rows = memory_embedding::Entity::rows()
        .filter(of_partition(partition))
        .filter(Model.eq(model))
        .filter(Revision.gte(revision))
        .filter(behind)
        .order_by_asc(Revision)
        .order_by_asc(ItemId)
        .limit(limit)
        .all(source.connection())
        .await?;
    let rows = rows.into_iter().map(|row| VectorRow {
        revision: row.revision,
        item: row.item_id,
        vector: row.vector.iter().map(|byte| byte.cast_signed()).collect(),
    });
    Ok(rows.collect())
}

/// Of these items, by the key: SQLite would go through all vectors of a partition that is named plainly.
fn by_item(partition: &Partition, items: &[Uuid]) -> Condition {
    Condition::all()
        .add(memory_embedding::Column::ItemId.is_in(items.iter().copied()))
        .add(crate::db::among(memory_embedding::Column::WorkspaceId, [partition.workspace().uuid()]))
        .add(crate::db::among(memory_embedding::Column::OwnerId, [partition.owner()]))
}

fn of_partition(partition: &Partition) -> Condition {
    Condition::all()
        .add(memory_embedding::Column::WorkspaceId.eq(partition.workspace().uuid()))
        .add(memory_embedding::Column::OwnerId.eq(partition.owner()))
}

/// Items of the partition beyond a revision, in the order of their revisions.
pub(in crate::memory) async fn indexed_after(
    source: &impl Source,
    partition: &Partition,
    model: &str,
    revision: i64,
    limit: u64,
) -> Result<Vec<Indexed>> {
    use memory_index::Column;
    let vector: RelationDef = memory_index::Entity::belongs_to(memory_embedding::Entity)
        .from(Column::ItemId)
        .to(memory_embedding::Column::ItemId)
        .on_condition(of_model(model))
        .into();
    let rows: Vec<(i64, Uuid, String, Option<Uuid>)> = memory_index::Entity::find()
        .select_only()
        .columns([Column::Revision, Column::ItemId, Column::Item])
        .column_as(memory_embedding::Column::ItemId, "embedded")
        .join(JoinType::LeftJoin, vector)
        .filter(Column::WorkspaceId.eq(partition.workspace().uuid()))
        .filter(Column::OwnerId.eq(partition.owner()))
        .filter(Column::Revision.gt(revision))
        .order_by_asc(Column::Revision)
        .limit(limit)
        .into_tuple()
        .all(source.connection())
        .await?;
    let indexed = rows.into_iter().map(|(revision, id, kind, embedded)| {
        let item = ItemId { id, kind: ItemKind::from_name(&kind)? };
        Ok(Indexed { revision, item, is_embedded: embedded.is_some() })
    });
    indexed.collect()
}

/// A vector that is older than the item's row may be of another text: who wrote the row may not have known of vectors.
fn of_model(model: &str) -> impl Fn(DynIden, DynIden) -> Condition + Send + Sync + 'static {
    use memory_embedding::Column::{Model, Revision};
    let model = model.to_owned();
    move |row, vector| {
        let is_newer =
            Expr::col((vector.clone(), Revision)).gte(Expr::col((row, memory_index::Column::Revision)));
        Condition::all().add(Expr::col((vector, Model)).eq(model.as_str())).add(is_newer)
    }
}

/// Of these items the revisions that their rows of the index have now.
pub(in crate::memory) async fn revisions_of(
    source: &impl Source,
    partition: &Partition,
    items: &[Uuid],
) -> Result<HashMap<Uuid, i64>> {
    use memory_index::Column;
    let rows: Vec<(Uuid, i64)> = memory_index::Entity::find()
        .select_only()
        .columns([Column::ItemId, Column::Revision])
        .filter(Column::ItemId.is_in(items.iter().copied()))
        .filter(crate::db::among(Column::WorkspaceId, [partition.workspace().uuid()]))
        .filter(Column::OwnerId.eq(partition.owner()))
        .into_tuple()
        .all(source.connection())
        .await?;
    Ok(rows.into_iter().collect())
}

/// What would be sent of these items: their texts, as they are now, and where they may go.
pub(in crate::memory) async fn texts(
    source: &impl Source,
    partition: &Partition,
    items: &[ItemId],
) -> Result<HashMap<Uuid, EmbedText>> {
    let of = |kind| items.iter().filter(move |item| item.kind == kind).map(|item| item.id);
    let mut texts = HashMap::new();
    type Said = (Uuid, String, String);
    let memories: Vec<Said> = memory::Entity::find()
        .select_only()
        .columns([memory::Column::Id, memory::Column::Text, memory::Column::Egress])
        .filter(memory::Column::Id.is_in(of(ItemKind::Memory)))
        .filter(crate::db::among(memory::Column::WorkspaceId, [partition.workspace().uuid()]))
        .filter(memory::Column::OwnerId.eq(partition.owner()))
        .into_tuple()
        .all(source.connection())
        .await?;
    for (id, text, egress) in memories {
        texts.insert(id, EmbedText { text, egress: Egress::from_name(&egress)? });
    }
    let document: RelationDef = document_chunk::Entity::belongs_to(document::Entity)
        .from(document_chunk::Column::DocumentId)
        .to(document::Column::Id)
        .into();
    type Written = (Uuid, String, Option<String>, String, String);
    let chunks: Vec<Written> = document_chunk::Entity::find()
        .select_only()
        .columns([document_chunk::Column::Id, document_chunk::Column::Text, document_chunk::Column::Heading])
        .columns([document::Column::Title, document::Column::Egress])
        .join(JoinType::InnerJoin, document)
        .filter(document_chunk::Column::Id.is_in(of(ItemKind::Chunk)))
        .filter(crate::db::among(document::Column::WorkspaceId, [partition.workspace().uuid()]))
        .filter(document::Column::OwnerId.eq(partition.owner()))
        .into_tuple()
        .all(source.connection())
        .await?;
    for (id, text, heading, title, egress) in chunks {
        // A chunk is found by what it stands under, too.
        let text = [Some(title), heading, Some(text)].into_iter().flatten().collect::<Vec<_>>().join("\n");
        texts.insert(id, EmbedText { text, egress: Egress::from_name(&egress)? });
    }
    Ok(texts)
}

/// How many numbers the model's vectors in the workspace have; `None` where there are none.
pub(in crate::memory) async fn dimensions_of(
    source: &impl Source,
    workspace: WorkspaceId,
    model: &str,
) -> Result<Option<i64>> {
    use memory_embedding::Column::{Dimensions, Model, WorkspaceId as Workspace};
    let found = memory_embedding::Entity::find()
        .select_only()
        .column(Dimensions)
        .filter(Workspace.eq(workspace.uuid()))
        .filter(Model.eq(model))
        .limit(1)
        .into_tuple()
        .one(source.connection())
        .await?;
    Ok(found)
}

/// Deletes some of the workspace's vectors of other models than this one, and how far they are; how many went.
pub(in crate::memory) async fn delete_others(
    tx: &impl Source,
    workspace: WorkspaceId,
    kept: &str,
    limit: u64,
) -> Result<u64> {
    use memory_embedding::Column::{ItemId, Model, WorkspaceId as Workspace};
    memory_embedding_progress::Entity::delete_many()
        .filter(memory_embedding_progress::Column::WorkspaceId.eq(workspace.uuid()))
        .filter(memory_embedding_progress::Column::Model.ne(kept))
        .exec(tx.connection())
        .await?;
    let some: Vec<Uuid> = memory_embedding::Entity::find()
        .select_only()
        .column(ItemId)
        .filter(Workspace.eq(workspace.uuid()))
        .filter(Model.ne(kept))
        .limit(limit)
        .into_tuple()
        .all(tx.connection())
        .await?;
    if some.is_empty() {
        return Ok(0);
    }
    let done = memory_embedding::Entity::delete_many()
        .filter(ItemId.is_in(some))
        .filter(Model.ne(kept))
        .exec(tx.connection())
        .await?;
    Ok(done.rows_affected)
}
