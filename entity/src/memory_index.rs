//! What the index of memory is made from: one row an item.
use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "memory_index")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub workspace_id: Uuid,
    /// With the workspace: the partition.
    #[sea_orm(primary_key, auto_increment = false)]
    pub owner_id: Uuid,
    /// The partition's number when the row was written.
    #[sea_orm(primary_key, auto_increment = false)]
    pub revision: i64,
    pub item_id: Uuid,
    /// What it is: MEMORY or CHUNK.
    #[sea_orm(column_type = "Text")]
    pub item: String,
    #[sea_orm(column_type = "Text", nullable)]
    pub collection: Option<String>,
    #[sea_orm(column_type = "Text", nullable)]
    pub speaker: Option<String>,
    /// Of a memory.
    #[sea_orm(column_type = "Text", nullable)]
    pub kind: Option<String>,
    /// When it happened, or was written where that is not known.
    pub at: ChronoDateTimeUtc,
    /// As in `memory`.
    pub importance: Option<f64>,
    /// As in `memory`; what was written before there were these has none.
    pub valid_from: Option<ChronoDateTimeUtc>,
    pub valid_to: Option<ChronoDateTimeUtc>,
    pub expires_at: Option<ChronoDateTimeUtc>,
    pub known_from: Option<ChronoDateTimeUtc>,
    pub superseded_at: Option<ChronoDateTimeUtc>,
    pub superseded_from: Option<ChronoDateTimeUtc>,
    /// Indexed words.
    pub length: i64,
    /// The words with their numbers, packed.
    pub terms: Vec<u8>,
    /// One byte a dimension.
    pub vector: Vec<u8>,
    /// The rules and the model that words and vector come from.
    #[sea_orm(column_type = "Text")]
    pub made_by: String,
}

impl ActiveModelBehavior for ActiveModel {}
crate::row::in_order!(
    workspace_id,
    owner_id,
    revision,
    item_id,
    item,
    collection,
    speaker,
    kind,
    at,
    importance,
    valid_from,
    valid_to,
    expires_at,
    known_from,
    superseded_at,
    superseded_from,
    length,
    terms,
    vector,
    made_by,
);
