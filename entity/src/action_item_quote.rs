//! Words of a memory or a document that stand in an action item.
use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "action_item_quote")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub action_item_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub place: i64,
    /// Or a document's.
    pub memory_id: Uuid,
    /// As they stand in the item.
    #[sea_orm(column_type = "Text")]
    pub quote: String,
}

impl ActiveModelBehavior for ActiveModel {}
crate::row::in_order!(action_item_id, place, memory_id, quote);
