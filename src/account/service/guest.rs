//! Letting others in: invitations for people, accounts for programs.
use super::{AccountService, member::too_many_memberships, regain};
use crate::{
    account::{
        model::{
            self, AuditAction, INVITATION_LIFE, Invitation, InvitationStatus, MAX_MEMBERSHIPS, MAX_NAME,
            Membership, NewInvitation, NewServiceAccount, ServiceAccount,
        },
        policy,
        store::{self, Closed, role_name},
        token::{self, Presented},
    },
    db::idempotency::{self, Claimed},
    shared::{
        Error, Page, PageRequest, Problems, Result,
        actor::{Actor, Administer, Read, Role},
        id::{self, AnyId, InvitationId, ServiceAccountId, WorkspaceId},
        text,
    },
};
use secrecy::SecretString;
use serde_json::json;
use std::collections::HashMap;

/// An invitation and, the first time, what opens it.
#[derive(Debug)]
pub struct MintedInvitation {
    pub invitation: Invitation,
    /// `None` where the call repeats an earlier one: a secret is shown once.
    pub token: Option<SecretString>,
}

impl AccountService {
    /// Offers a role to whoever gets the token, for a week. Sending it is the caller's: this server sends no mail.
    pub async fn invite_member(
        &self,
        actor: &Actor,
        new: NewInvitation,
        key: Option<idempotency::Key>,
    ) -> Result<MintedInvitation> {
        actor.may::<policy::InviteMember>(new.workspace)?;
        let mut problems = Problems::default();
        let email = model::email(&mut problems, &new.email);
        problems.finish()?;
        let now = self.ambient.now();
        let mut tx = self.log.begin().await?;
        let actor = &self.current(&tx, actor).await?;
        let grant = actor.may::<policy::InviteMember>(new.workspace)?;
        policy::give_role(actor, new.workspace, new.role)?;
        let claim =
            match idempotency::claim::<InvitationId>(&tx, &self.ambient, actor.principal(), key.as_ref())
                .await?
            {
                Claimed::Replay(id) => {
                    let found = store::find_invitation(&tx, &actor.scope(), id).await?;
                    let (invitation, _) = found.ok_or(Error::NotFound("invitation"))?;
                    return Ok(MintedInvitation { invitation, token: None });
                }
                Claimed::New(claim) => claim,
            };
        let invitation = Invitation {
            id: self.ambient.ids.next(),
            workspace: new.workspace,
            email,
            role: new.role,
            created_at: now,
            expires_at: now + INVITATION_LIFE,
            accepted_at: None,
            revoked_at: None,
        };
        let minted = token::mint(invitation.id, &self.ambient.random);
        store::insert_invitation(&tx, &grant, &invitation, minted.hash).await?;
        let data = json!({ "email": invitation.email, "role": role_name(invitation.role) });
        let subject = AnyId::Invitation(invitation.id);
        self.audit(
            &mut tx,
            Some(actor.principal()),
            Some(new.workspace),
            AuditAction::MemberInvited,
            subject,
            data,
        )
        .await?;
        claim.keep(&tx, &invitation.id).await?;
        self.commit(tx).await?;
        Ok(MintedInvitation { invitation, token: Some(minted.text) })
    }

    /// Makes the actor a member, as was offered. The token is enough: whoever was sent it may come under another
    /// address. It works once; a second call by who came in by it gives the same membership.
    pub async fn accept_invitation(&self, actor: &Actor, token: &str) -> Result<Membership> {
        actor.key_allows::<Administer>()?;
        let user = actor.user()?;
        actor.may_enter_others()?;
        let unusable =
            |what: &str| Error::invalid("token", format!("this invitation {what}: ask for a new one"));
        let presented = Presented::<id::Invitation>::parse(token).ok_or_else(|| {
            Error::invalid("token", "not an invitation's token: copy it whole, from aifinv_ on")
        })?;
        let mut tx = self.log.begin().await?;
        let found = store::find_invitation_to_accept(&tx, presented.id).await?;
        let Some((invitation, _)) = found.filter(|(_, hash)| presented.opens(hash)) else {
            return Err(unusable("does not exist"));
        };
        let now = self.ambient.now();
        let current = self.current(&tx, actor).await?;
        match invitation.status(now) {
            InvitationStatus::Pending => {}
            InvitationStatus::Accepted => {
                let grant = current
                    .may::<Read>(invitation.workspace)
                    .map_err(|_| unusable("was accepted already"))?;
                let own = store::find_membership_of(&tx, &grant, user).await?;
                regain(actor, &current, invitation.workspace);
                return own.ok_or_else(|| unusable("was accepted already"));
            }
            InvitationStatus::Revoked => return Err(unusable("was withdrawn")),
            InvitationStatus::Expired => return Err(unusable("has expired")),
        }
        if current.workspaces().len() >= MAX_MEMBERSHIPS {
            return Err(too_many_memberships("token"));
        }
        // The condition is in the statement: of two at once one comes second.
        if !store::close_invitation(&tx, invitation.id, Closed::Accepted, now).await? {
            return Err(unusable("was accepted already"));
        }
        let member = self.join(&mut tx, &current, invitation.workspace, user, invitation.role).await?;
        let data = json!({ "membership": member.id, "role": role_name(member.role) });
        let (action, subject) = (AuditAction::InvitationAccepted, AnyId::Invitation(invitation.id));
        self.audit(&mut tx, Some(actor.principal()), Some(member.workspace), action, subject, data).await?;
        self.commit(tx).await?;
        actor.gain(member.workspace, member.role);
        Ok(member)
    }

    /// Withdraws an invitation that is still open; one that is closed stays as it is.
    pub async fn revoke_invitation(&self, actor: &Actor, id: InvitationId) -> Result<Invitation> {
        let mut tx = self.log.begin().await?;
        let found = store::find_invitation(&tx, &actor.scope::<policy::RevokeInvitation>(), id).await?;
        let (invitation, grant) = found.ok_or(Error::NotFound("invitation"))?;
        let workspace = grant?.workspace();
        let now = self.ambient.now();
        if !store::close_invitation(&tx, id, Closed::Revoked, now).await? {
            return match invitation.status(now) {
                InvitationStatus::Revoked => Ok(invitation),
                _ => {
                    Err(Error::conflict("invitationId", "it was accepted already: remove the member instead"))
                }
            };
        }
        let (action, subject) = (AuditAction::InvitationRevoked, AnyId::Invitation(id));
        self.audit(&mut tx, Some(actor.principal()), Some(workspace), action, subject, json!({})).await?;
        self.commit(tx).await?;
        Ok(Invitation { revoked_at: Some(now), ..invitation })
    }

    /// Newest first, closed ones included.
    pub async fn list_invitations(
        &self,
        actor: &Actor,
        workspace: WorkspaceId,
        request: &PageRequest,
    ) -> Result<Page<Invitation>> {
        store::list_invitations(&self.db, &actor.may::<Administer>(workspace)?, request).await
    }

    /// For those who administer its workspace; to others it does not exist.
    pub async fn find_invitations(
        &self,
        actor: &Actor,
        ids: &[InvitationId],
    ) -> Result<HashMap<InvitationId, Invitation>> {
        store::find_invitations(&self.db, &actor.scope::<Administer>(), ids).await
    }

    /// A principal for a program. It owns no workspace: an owner answers for it, and that is a person.
    pub async fn create_service_account(
        &self,
        actor: &Actor,
        new: NewServiceAccount,
        key: Option<idempotency::Key>,
    ) -> Result<ServiceAccount> {
        actor.may::<policy::CreateServiceAccount>(new.workspace)?;
        let mut problems = Problems::default();
        let name = text::name(&mut problems, "name", &new.name, MAX_NAME);
        if new.role == Role::Owner {
            problems.invalid("role", "a service account cannot own a workspace: ADMIN is the most");
        }
        problems.finish()?;
        let mut tx = self.log.begin().await?;
        let actor = &self.current(&tx, actor).await?;
        let grant = actor.may::<policy::CreateServiceAccount>(new.workspace)?;
        let claim =
            match idempotency::claim::<ServiceAccountId>(&tx, &self.ambient, actor.principal(), key.as_ref())
                .await?
            {
                Claimed::Replay(id) => {
                    let found = store::find_service_account(&tx, &actor.scope::<Read>(), id).await?;
                    return found.map(|(found, _)| found).ok_or(Error::NotFound("service account"));
                }
                Claimed::New(claim) => claim,
            };
        let account = ServiceAccount {
            id: self.ambient.ids.next(),
            workspace: new.workspace,
            name,
            role: new.role,
            created_at: self.ambient.now(),
        };
        store::insert_service_account(&tx, &grant, &account).await?;
        let data = json!({ "name": account.name, "role": role_name(account.role) });
        let (action, subject) = (AuditAction::ServiceAccountCreated, AnyId::ServiceAccount(account.id));
        self.audit(&mut tx, Some(actor.principal()), Some(new.workspace), action, subject, data).await?;
        claim.keep(&tx, &account.id).await?;
        self.commit(tx).await?;
        Ok(account)
    }

    /// Ends a service account and its keys; what it did stays.
    pub async fn delete_service_account(
        &self,
        actor: &Actor,
        id: ServiceAccountId,
    ) -> Result<ServiceAccountId> {
        let mut tx = self.log.begin().await?;
        let scope = actor.scope::<policy::DeleteServiceAccount>();
        let found = store::find_service_account(&tx, &scope, id).await?;
        let (_, grant) = found.ok_or(Error::NotFound("service account"))?;
        let grant = grant?;
        let now = self.ambient.now();
        store::delete_service_account(&tx, &grant, id, now).await?;
        store::revoke_keys(&tx, store::KeysOf::Service(id), now).await?;
        // Those that were revoked before show the account no more, either.
        let keys = store::keys_of_service(&tx, &grant, id).await?;
        let (action, subject) = (AuditAction::ServiceAccountDeleted, AnyId::ServiceAccount(id));
        let (by, workspace) = (Some(actor.principal()), Some(grant.workspace()));
        self.audit_keys(&mut tx, by, workspace, action, subject, json!({}), &keys).await?;
        self.commit(tx).await?;
        Ok(id)
    }

    /// In the order in which they were made.
    pub async fn list_service_accounts(
        &self,
        actor: &Actor,
        workspace: WorkspaceId,
        request: &PageRequest,
    ) -> Result<Page<ServiceAccount>> {
        store::list_service_accounts(&self.db, &actor.may::<Read>(workspace)?, request).await
    }

    pub async fn find_service_accounts(
        &self,
        actor: &Actor,
        ids: &[ServiceAccountId],
    ) -> Result<HashMap<ServiceAccountId, ServiceAccount>> {
        store::find_service_accounts(&self.db, &actor.scope::<Read>(), ids).await
    }
}
