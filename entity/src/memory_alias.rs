//! That a name is another name of a person, a project or a thing.
use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "memory_alias")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub workspace_id: Uuid,
    /// With the workspace: the partition for whose readers it holds.
    #[sea_orm(primary_key, auto_increment = false)]
    pub owner_id: Uuid,
    /// Of the name, by which two ways of writing it are one.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub key: String,
    /// Who alone reads it; null where everybody in the workspace does.
    pub user_id: Option<Uuid>,
    /// As it was given.
    #[sea_orm(column_type = "Text")]
    pub name: String,
    /// The name that stands for all of them, which is no alias itself.
    #[sea_orm(column_type = "Text")]
    pub entity_key: String,
    #[sea_orm(column_type = "Text")]
    pub entity_name: String,
}

impl ActiveModelBehavior for ActiveModel {}
crate::row::in_order!(workspace_id, owner_id, key, user_id, name, entity_key, entity_name);
