//! What the caller may do, told by the policies that the use cases check by. Costs no statement.
use super::{ApiKey, Invitation, Membership, ServiceAccount, Viewer, WorkspaceFields};
use crate::{
    account::policy,
    coaching, gateway, memory,
    shared::actor::{Actor, Principal, RegisterDocuments},
    workflow,
};
use async_graphql::SimpleObject;

/// What the caller may do with their own account: true where the mutation of that name is not refused with FORBIDDEN.
#[derive(SimpleObject, Debug)]
pub struct ViewerViewerCan {
    /// Make a workspace of their own.
    create_workspace: bool,
}

impl ViewerViewerCan {
    pub fn of(actor: &Actor, viewer: &Viewer) -> Self {
        let oneself = actor.principal() == Principal::User(viewer.id);
        Self { create_workspace: oneself && policy::create_workspace(actor).is_ok() }
    }
}

/// What the caller may do in a workspace: true where the mutation of that name is not refused with FORBIDDEN. Rights
/// alone: a limit or a state may still be in the way.
#[derive(SimpleObject, Debug)]
pub struct WorkspaceViewerCan {
    /// Change its name.
    update_workspace: bool,
    /// Offer a role below OWNER; to offer OWNER takes an OWNER.
    invite_member: bool,
    /// Make an account for a program.
    create_service_account: bool,
    /// Register documents of a client application.
    register_trusted_documents: bool,
    /// Retire registered documents.
    retire_trusted_documents: bool,
    /// Set what may be spent on calls of models.
    set_budget: bool,
    /// Set a guardrail policy.
    set_guardrail_policy: bool,
    /// Remove a guardrail policy.
    remove_guardrail_policy: bool,
    /// Have contents of calls of models kept, or not.
    keep_call_contents: bool,
    /// Write a memory.
    remember: bool,
    /// Write many memories.
    import_memories: bool,
    /// Add a document.
    add_document: bool,
    /// Send a file that becomes a document.
    create_upload: bool,
    /// Have memories proposed.
    extract_memories: bool,
    /// Forget what is about a person or a topic.
    forget_about: bool,
    /// Make names stand for one.
    merge_entities: bool,
    /// Make merged names stand for themselves.
    separate_entities: bool,
    /// Set a goal.
    create_goal: bool,
    /// Make an action item.
    create_action_item: bool,
    /// Start a session with the coach.
    start_coaching_session: bool,
    /// Make a workflow.
    create_workflow: bool,
    /// Set where calls of models go.
    set_route: bool,
}

impl WorkspaceViewerCan {
    pub fn of(actor: &Actor, workspace: &WorkspaceFields) -> Self {
        let id = workspace.id;
        Self {
            update_workspace: actor.may::<policy::UpdateWorkspace>(id).is_ok(),
            invite_member: actor.may::<policy::InviteMember>(id).is_ok(),
            create_service_account: actor.may::<policy::CreateServiceAccount>(id).is_ok(),
            register_trusted_documents: actor.may::<RegisterDocuments>(id).is_ok(),
            retire_trusted_documents: actor.may::<RegisterDocuments>(id).is_ok(),
            set_budget: actor.may::<gateway::policy::SetBudget>(id).is_ok(),
            set_guardrail_policy: actor.may::<gateway::policy::SetGuardrailPolicy>(id).is_ok(),
            remove_guardrail_policy: actor.may::<gateway::policy::RemoveGuardrailPolicy>(id).is_ok(),
            keep_call_contents: actor.may::<gateway::policy::KeepCallContents>(id).is_ok(),
            remember: actor.may::<memory::policy::Remember>(id).is_ok(),
            import_memories: actor.may::<memory::policy::ImportMemories>(id).is_ok(),
            add_document: actor.may::<memory::policy::AddDocument>(id).is_ok(),
            create_upload: actor.may::<memory::policy::CreateUpload>(id).is_ok(),
            extract_memories: actor.may::<memory::policy::ExtractMemories>(id).is_ok(),
            forget_about: actor.may::<memory::policy::ForgetAbout>(id).is_ok(),
            merge_entities: actor.may::<memory::policy::MergeEntities>(id).is_ok(),
            separate_entities: actor.may::<memory::policy::SeparateEntities>(id).is_ok(),
            create_goal: coaching::policy::begin(actor, id).is_ok(),
            create_action_item: coaching::policy::begin(actor, id).is_ok(),
            start_coaching_session: coaching::policy::begin(actor, id).is_ok(),
            create_workflow: actor.may::<workflow::policy::CreateWorkflow>(id).is_ok(),
            set_route: actor.may::<gateway::policy::SetRoute>(id).is_ok(),
        }
    }
}

/// What the caller may do with a membership: true where the mutation of that name is not refused with FORBIDDEN. The
/// only owner stays one all the same.
#[derive(SimpleObject, Debug)]
pub struct MembershipViewerCan {
    /// Give the member another role below OWNER; to make an OWNER takes an OWNER.
    change_role: bool,
    /// End the membership.
    remove_member: bool,
}

impl MembershipViewerCan {
    pub fn of(actor: &Actor, membership: &Membership) -> Self {
        Self {
            change_role: policy::change_role(actor, &membership.0).is_ok(),
            remove_member: policy::remove_member(actor, &membership.0).is_ok(),
        }
    }
}

/// What the caller may do with an invitation: true where the mutation of that name is not refused with FORBIDDEN.
#[derive(SimpleObject, Debug)]
pub struct InvitationViewerCan {
    /// Withdraw it.
    revoke_invitation: bool,
}

impl InvitationViewerCan {
    pub fn of(actor: &Actor, invitation: &Invitation) -> Self {
        Self { revoke_invitation: actor.may::<policy::RevokeInvitation>(invitation.0.workspace).is_ok() }
    }
}

/// What the caller may do with a service account: true where the mutation of that name is not refused with FORBIDDEN.
#[derive(SimpleObject, Debug)]
pub struct ServiceAccountViewerCan {
    /// Make a key for it, no greater than the credential that makes it.
    create_api_key: bool,
    /// End it, and its keys.
    delete_service_account: bool,
}

impl ServiceAccountViewerCan {
    pub fn of(actor: &Actor, account: &ServiceAccount) -> Self {
        let id = account.0.workspace;
        Self {
            create_api_key: actor.may::<policy::CreateApiKey>(id).is_ok(),
            delete_service_account: actor.may::<policy::DeleteServiceAccount>(id).is_ok(),
        }
    }
}

/// What the caller may do with an API key: true where the mutation of that name is not refused with FORBIDDEN.
#[derive(SimpleObject, Debug)]
pub struct ApiKeyViewerCan {
    /// Revoke it.
    revoke_api_key: bool,
}

impl ApiKeyViewerCan {
    pub fn of(actor: &Actor, key: &ApiKey) -> Self {
        Self { revoke_api_key: policy::revoke_api_key(actor, &key.0).is_ok() }
    }
}
