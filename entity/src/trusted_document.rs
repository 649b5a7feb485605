//! A document that a client application of a workspace registered. It never changes.
use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "trusted_document")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub workspace_id: Uuid,
    /// The name of the client application that registered it first.
    #[sea_orm(column_type = "Text")]
    pub application: String,
    /// By which clients ask for it; one text in a workspace.
    #[sea_orm(column_type = "Text")]
    pub document_id: String,
    #[sea_orm(column_type = "Text")]
    pub text: String,
    /// The person or service account, with the prefix of its type.
    #[sea_orm(column_type = "Text")]
    pub registered_by: String,
    pub created_at: ChronoDateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
crate::row::in_order!(id, workspace_id, application, document_id, text, registered_by, created_at);
