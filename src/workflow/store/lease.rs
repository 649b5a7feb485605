//! Who carries a run out. The token counts the workers that had the run: [`lock`] refuses every write under an older
//! one, so a worker that was taken for dead and comes back changes nothing.
use super::{
    super::model::{Run, RunStatus, principal_of},
    run::run_of,
};
use crate::{
    db::Source,
    shared::{
        Result, TraceId,
        actor::Principal,
        id::{ApiKeyId, RunId, WorkflowId, WorkflowVersionId, WorkspaceId},
    },
};
use chrono::{DateTime, Utc};
use entity::run;
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    sea_query::{Expr, LockBehavior, LockType, SimpleExpr},
};
use uuid::Uuid;

/// The right to carry a run out, as long as nobody else has a later token.
#[derive(Clone, Debug)]
pub(in super::super) struct Lease {
    pub(in super::super) run: RunId,
    pub(in super::super) workspace: WorkspaceId,
    pub(in super::super) version: WorkflowVersionId,
    /// As whom the run is carried out.
    pub(in super::super) principal: Principal,
    pub(in super::super) workflow: WorkflowId,
    /// The key that the run was started with.
    pub(in super::super) key: Option<ApiKeyId>,
    /// The trace of the request that started it.
    pub(in super::super) trace: Option<TraceId>,
    /// Workers that were lost with the run since anything of it was last recorded.
    pub(in super::super) takeovers: i64,
    token: i64,
    owner: Uuid,
}

/// When the next run is due that nobody holds; one that is held is due when its lease ends.
pub(in super::super) async fn find_due(
    source: &impl Source,
    except: &[RunId],
) -> Result<Option<DateTime<Utc>>> {
    let found = run::Entity::find()
        .select_only()
        .columns([run::Column::WakeAt, run::Column::LeaseUntil])
        .filter(run::Column::WakeAt.is_not_null())
        .filter(run::Column::Id.is_not_in(except.iter().map(|run| run.uuid())))
        .order_by_asc(Expr::cust(
            "CASE WHEN lease_until IS NOT NULL AND lease_until > wake_at THEN lease_until ELSE wake_at END",
        ))
        .limit(1)
        .into_tuple::<(Option<DateTime<Utc>>, Option<DateTime<Utc>>)>()
        .one(source.connection())
        .await?;
    Ok(found.and_then(|(wake_at, lease_until)| Ord::max(wake_at, lease_until)))
}

/// Takes up to `limit` due runs that nobody holds, the longest due first. Two workers never take the same one.
pub(in super::super) async fn claim(
    tx: &impl Source,
    owner: Uuid,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
    except: &[RunId],
    limit: u64,
) -> Result<Vec<Lease>> {
    let free = Condition::any().add(run::Column::LeaseUntil.is_null()).add(run::Column::LeaseUntil.lte(now));
    let mut due = run::Entity::find()
        .select_only()
        .column(run::Column::Id)
        .filter(run::Column::WakeAt.lte(now))
        .filter(free)
        .filter(run::Column::Id.is_not_in(except.iter().map(|run| run.uuid())))
        .order_by_asc(run::Column::WakeAt)
        .order_by_asc(run::Column::Id)
        .limit(limit);
    if !tx.is_sqlite() {
        // On SQLite the transaction has the only writer.
        due = due.lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
    }
    let rows = run::Entity::update_many()
        .col_expr(run::Column::LeaseToken, Expr::col(run::Column::LeaseToken).add(1))
        .col_expr(run::Column::LeaseOwner, Expr::value(owner))
        .col_expr(run::Column::Takeovers, lost_with())
        .col_expr(run::Column::LeaseUntil, Expr::value(until))
        .filter(run::Column::Id.in_subquery(due.into_query()))
        .exec_with_returning(tx.connection())
        .await?;
    let lease = |row: run::Model| {
        Ok(Lease {
            run: RunId::from_uuid(row.id),
            workspace: WorkspaceId::from_uuid(row.workspace_id),
            version: WorkflowVersionId::from_uuid(row.version_id),
            principal: principal_of(&row.principal_kind, row.principal_id)?,
            workflow: WorkflowId::from_uuid(row.workflow_id),
            key: row.api_key_id.map(ApiKeyId::from_uuid),
            trace: row.trace_id.map(TraceId::from_uuid),
            takeovers: row.takeovers,
            token: row.lease_token,
            owner,
        })
    };
    rows.into_iter().map(lease).collect()
}

/// One more where somebody held the run: who ends in order gives it back first.
fn lost_with() -> SimpleExpr {
    Expr::cust("CASE WHEN lease_until IS NULL THEN takeovers ELSE takeovers + 1 END")
}

/// Frees what earlier starts of this server held. Only where no other server can be: a file that this one locks.
pub(in super::super) async fn forget_owners(tx: &impl Source) -> Result<()> {
    run::Entity::update_many()
        .col_expr(run::Column::Takeovers, lost_with())
        .col_expr(run::Column::LeaseUntil, Expr::value(None::<DateTime<Utc>>))
        .filter(run::Column::LeaseUntil.is_not_null())
        .exec(tx.connection())
        .await?;
    Ok(())
}

fn held(lease: &Lease) -> Condition {
    Condition::all()
        .add(run::Column::Id.eq(lease.run.uuid()))
        .add(run::Column::LeaseToken.eq(lease.token))
        .add(run::Column::LeaseOwner.eq(lease.owner))
        .add(run::Column::Status.is_in(RunStatus::LIVE.map(RunStatus::name)))
}

/// Prolongs the lease and tells the run's revision; `None` where it was lost.
pub(in super::super) async fn renew(
    tx: &impl Source,
    lease: &Lease,
    until: DateTime<Utc>,
) -> Result<Option<i64>> {
    let rows = run::Entity::update_many()
        .col_expr(run::Column::LeaseUntil, Expr::value(until))
        .filter(held(lease))
        .exec_with_returning(tx.connection())
        .await?;
    Ok(rows.first().map(|row| row.revision))
}

/// Gives the run back as it stands, due at once.
pub(in super::super) async fn release(tx: &impl Source, lease: &Lease) -> Result<()> {
    run::Entity::update_many()
        .col_expr(run::Column::LeaseUntil, Expr::value(None::<DateTime<Utc>>))
        .filter(held(lease))
        .exec(tx.connection())
        .await?;
    Ok(())
}

/// The run and its revision as they stand; `None` where the lease was lost.
pub(in super::super) async fn look(source: &impl Source, lease: &Lease) -> Result<Option<(Run, i64)>> {
    let row = run::Entity::rows().filter(held(lease)).one(source.connection()).await?;
    let Some(row) = row else { return Ok(None) };
    let revision = row.revision;
    Ok(Some((run_of(row.into())?, revision)))
}

/// Takes the run's row until the transaction ends; `None` where the lease was lost: then nothing may be written.
pub(in super::super) async fn lock(
    tx: &impl Source,
    lease: &Lease,
    until: DateTime<Utc>,
) -> Result<Option<(Run, i64)>> {
    let rows = run::Entity::update_many()
        .col_expr(run::Column::LeaseUntil, Expr::value(until))
        .filter(held(lease))
        .exec_with_returning(tx.connection())
        .await?;
    let Some(row) = rows.into_iter().next() else { return Ok(None) };
    let revision = row.revision;
    Ok(Some((run_of(row.into())?, revision)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        account::AccountService,
        config::Config,
        db,
        event::{Bus, Log},
        shared::Ambient,
        workflow::{
            WorkflowService,
            model::{NewRun, NewWorkflow},
        },
    };
    use chrono::TimeDelta;
    use proptest::prelude::*;
    use secrecy::ExposeSecret;
    use serde_json::json;

    /// Workers that claim and write in any order: what is written is written by the last one that claimed.
    async fn race(steps: &[(usize, bool)]) {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("test.db").display());
        let db = db::open(&Config::with(&format!("database.url = '{url}'")).unwrap()).await.unwrap();
        let ambient = Ambient::system();
        let log = Log::new(db.clone(), Bus::in_process(), ambient.clone());
        let account = AccountService::new(db.clone(), log.clone(), ambient.clone());
        let secret = account.prepare_development(folder.path()).await.unwrap();
        let actor = account.authenticate(secret.expose_secret()).await.unwrap();
        let workspace = actor.workspaces()[0].0;
        let workflows = WorkflowService::new(db.clone(), log.clone(), ambient.clone());
        let graph = json!({"steps": [{"key": "a", "action": {"transform": {"expression": "1"}}}]});
        let graph = serde_json::from_value(graph).unwrap();
        let (slug, input_schema, client_id) = (None, None, None);
        let new = NewWorkflow { workspace, name: "W".into(), slug, graph, input_schema, client_id };
        let workflow = workflows.create(&actor, new, None).await.unwrap().id;
        workflows.publish(&actor, workflow, None).await.unwrap();
        let new = NewRun { workflow, version: None, input: json!({}) };
        workflows.start(&actor, new, None).await.unwrap();

        let owners: Vec<Uuid> = (0..3).map(|_| ambient.ids.uuid()).collect();
        let mut leases: Vec<Option<Lease>> = vec![None; 3];
        let (mut now, mut holder) = (ambient.now(), None);
        for (worker, claims) in steps {
            // Beyond every lease: each claim finds the run free.
            now += TimeDelta::seconds(10);
            let until = now + TimeDelta::seconds(3);
            let tx = db.begin().await.unwrap();
            if *claims {
                let claimed = claim(&tx, owners[*worker], now, until, &[], 5).await.unwrap();
                leases[*worker] = claimed.into_iter().next();
                assert!(leases[*worker].is_some(), "a run whose lease is over is free");
                holder = Some(*worker);
            } else if let Some(lease) = &leases[*worker] {
                let may = holder == Some(*worker);
                assert_eq!(lock(&tx, lease, until).await.unwrap().is_some(), may);
                assert_eq!(renew(&tx, lease, until).await.unwrap().is_some(), may);
            }
            tx.commit().await.unwrap();
        }
        db.close().await;
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]

        #[test]
        fn a_stale_workers_result_is_refused(steps in prop::collection::vec((0_usize..3, any::<bool>()), 1..20)) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(race(&steps));
        }
    }
}
