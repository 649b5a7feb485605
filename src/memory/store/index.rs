//! The postings, and the statistics that go with them.
use super::{content_filter, theirs};
use crate::{
    db::Source,
    memory::{
        model::{MemoryScope, RecallRequest},
        partition::Partition,
        rank::{Corpus, Posting},
        terms::Terms,
    },
    shared::{
        Error, Result,
        actor::{AtLeast, Grant, Read},
        id::MemoryId,
    },
};
use entity::{memory, memory_partition, memory_posting};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, IntoActiveModel, JoinType, QueryFilter, QuerySelect,
    sea_query::{CaseStatement, Expr, ExprTrait, OnConflict},
};
use std::collections::BTreeSet;

/// Rows of one statement: at six values a row far below the bind limits of both databases.
const ROWS: usize = 512;

/// Terms of a query whose postings one statement reads: a row takes several times what is kept of it.
const TERMS: usize = 16;

pub(in crate::memory) async fn insert_postings(
    tx: &impl Source,
    partition: &Partition,
    of: &[(MemoryId, &Terms)],
) -> Result<()> {
    let mut rows = Vec::new();
    for (memory, terms) in of {
        let length = i32::try_from(terms.length).map_err(Error::internal)?;
        for (term, frequency) in &terms.counts {
            rows.push(memory_posting::Model {
                workspace_id: partition.workspace().uuid(),
                owner_id: partition.owner(),
                term: term.clone(),
                memory_id: memory.uuid(),
                frequency: i32::try_from(*frequency).map_err(Error::internal)?,
                length,
            });
        }
    }
    // In the order of the key's tree: neighbours go into the same page.
    rows.sort_unstable_by(|a, b| (&a.term, a.memory_id).cmp(&(&b.term, b.memory_id)));
    use memory_posting::Column::{MemoryId, OwnerId, Term, WorkspaceId};
    let key = OnConflict::columns([WorkspaceId, OwnerId, Term, MemoryId]).do_nothing().to_owned();
    for chunk in rows.chunks(ROWS) {
        // Filled up with the last row, which changes nothing, to a power of two: so there are ten statements to
        // prepare and to keep, not five hundred.
        let filled = chunk
            .iter()
            .chain(std::iter::repeat(&chunk[chunk.len() - 1]))
            .take(chunk.len().next_power_of_two());
        memory_posting::Entity::insert_many(filled.map(|row| row.clone().into_active_model()))
            .on_conflict(key.clone())
            .exec_without_returning(tx.connection())
            .await?;
    }
    Ok(())
}

/// Deletes the postings that memories with these terms have, found by the key. Gives how many there were.
pub(in crate::memory) async fn delete_postings(
    tx: &impl Source,
    partition: &Partition,
    of: &[(MemoryId, &Terms)],
) -> Result<u64> {
    let mut deleted = 0;
    for chunk in of.chunks(50) {
        let terms: BTreeSet<&str> =
            chunk.iter().flat_map(|(_, terms)| terms.counts.keys().map(String::as_str)).collect();
        // A memory has 5,000 terms at most, but 50 memories may have more than one statement can bind.
        for terms in terms.into_iter().collect::<Vec<_>>().chunks(10_000) {
            let done = memory_posting::Entity::delete_many()
                .filter(within(partition))
                .filter(memory_posting::Column::Term.is_in(terms.iter().copied()))
                .filter(memory_posting::Column::MemoryId.is_in(chunk.iter().map(|(memory, _)| memory.uuid())))
                .exec(tx.connection())
                .await?;
            deleted += done.rows_affected;
        }
    }
    Ok(deleted)
}

/// Deletes all postings of memories, whatever their terms, by reading the whole partition.
pub(in crate::memory) async fn sweep_postings(
    tx: &impl Source,
    partition: &Partition,
    memories: impl IntoIterator<Item = MemoryId>,
) -> Result<u64> {
    let done = memory_posting::Entity::delete_many()
        .filter(within(partition))
        .filter(memory_posting::Column::MemoryId.is_in(memories.into_iter().map(|memory| memory.uuid())))
        .exec(tx.connection())
        .await?;
    Ok(done.rows_affected)
}

fn within(partition: &Partition) -> Condition {
    Condition::all()
        .add(memory_posting::Column::WorkspaceId.eq(partition.workspace().uuid()))
        .add(memory_posting::Column::OwnerId.eq(partition.owner()))
}

pub(in crate::memory) async fn add_to_statistics(
    tx: &impl Source,
    partition: &Partition,
    documents: i64,
    length: i64,
) -> Result<()> {
    use memory_partition::Column::{Documents, Length, OwnerId, WorkspaceId};
    memory_partition::Entity::update_many()
        .col_expr(Documents, Expr::col(Documents).add(documents))
        .col_expr(Length, Expr::col(Length).add(length))
        .filter(WorkspaceId.eq(partition.workspace().uuid()))
        .filter(OwnerId.eq(partition.owner()))
        .exec(tx.connection())
        .await?;
    Ok(())
}

/// The partitions that a recall reads, which are the principal's own and the workspace's, and their statistics.
pub(in crate::memory) async fn corpus(
    source: &impl Source,
    grant: &Grant<impl AtLeast<Read>>,
    scopes: &[MemoryScope],
) -> Result<(Vec<Partition>, Corpus)> {
    let rows = memory_partition::Entity::find()
        .filter(memory_partition::Column::WorkspaceId.eq(grant.workspace().uuid()))
        .filter(theirs(memory_partition::Column::UserId, grant.principal().uuid()))
        .filter(memory_partition::Column::Scope.is_in(scopes.iter().map(|scope| scope.name())))
        .filter(memory_partition::Column::Documents.gt(0))
        .all(source.connection())
        .await?;
    let mut corpus = Corpus::default();
    let mut partitions = Vec::with_capacity(rows.len());
    for row in rows {
        corpus.documents += row.documents.unsigned_abs();
        corpus.length += row.length.unsigned_abs();
        let scope = MemoryScope::from_name(&row.scope)?;
        partitions.push(Partition::of_row(grant.workspace(), scope, row.owner_id, row.user_id));
    }
    Ok((partitions, corpus))
}

/// The postings of these terms; those of memories that the request's filters leave out are not `wanted`.
pub(in crate::memory) async fn postings(
    source: &impl Source,
    grant: &Grant<impl AtLeast<Read>>,
    partitions: &[Partition],
    terms: &BTreeSet<String>,
    request: &RecallRequest,
) -> Result<Vec<Posting>> {
    let terms: Vec<&String> = terms.iter().collect();
    let mut postings = vec![];
    for some in terms.chunks(TERMS) {
        let rows = rows_of(source, grant, partitions, some, request).await?;
        postings.extend(rows.into_iter().map(|(term, memory, frequency, length, wanted)| Posting {
            term,
            memory: MemoryId::from_uuid(memory),
            frequency: frequency.unsigned_abs(),
            length: length.unsigned_abs(),
            wanted: wanted != 0,
        }));
    }
    Ok(postings)
}

async fn rows_of(
    source: &impl Source,
    grant: &Grant<impl AtLeast<Read>>,
    partitions: &[Partition],
    terms: &[&String],
    request: &RecallRequest,
) -> Result<Vec<(String, uuid::Uuid, i32, i32, i32)>> {
    use memory_posting::Column;
    let mut select = memory_posting::Entity::find()
        .select_only()
        .columns([Column::Term, Column::MemoryId, Column::Frequency, Column::Length])
        .filter(Column::WorkspaceId.eq(grant.workspace().uuid()))
        .filter(Column::OwnerId.is_in(partitions.iter().map(Partition::owner)))
        .filter(Column::Term.is_in(terms.iter().copied()));
    if request.has_filter() {
        let wanted = content_filter(request.kinds.as_deref(), request.collection_prefix.as_deref());
        let memory =
            memory_posting::Entity::belongs_to(memory::Entity).from(Column::MemoryId).to(memory::Column::Id);
        select = select
            .join(JoinType::InnerJoin, memory.into())
            .expr_as(CaseStatement::new().case(wanted, 1).finally(0), "wanted");
    } else {
        select = select.expr_as(Expr::cust("1"), "wanted");
    }
    Ok(select.into_tuple().all(source.connection()).await?)
}
