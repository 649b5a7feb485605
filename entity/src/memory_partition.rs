//! Memories that are indexed together.
use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "memory_partition")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub workspace_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub owner_id: Uuid,
    #[sea_orm(column_type = "Text")]
    pub scope: String,
    /// Who alone reads it; null where everybody in the workspace does.
    pub user_id: Option<Uuid>,
    /// Random; keys the hashes of forgotten external ids.
    pub salt: Vec<u8>,
    /// Raised by each entry of the index that is written or removed.
    pub revision: i64,
    /// Removals up to this revision are not told any more.
    pub pruned: i64,
    /// The rules and the model that all entries come from; null where they are to be made anew.
    #[sea_orm(column_type = "Text", nullable)]
    pub made_by: Option<String>,
    /// Whether there are, or were, vectors of a provider's model.
    pub has_embeddings: bool,
}

impl ActiveModelBehavior for ActiveModel {}
crate::row::in_order!(
    workspace_id,
    owner_id,
    scope,
    user_id,
    salt,
    revision,
    pruned,
    made_by,
    has_embeddings
);
