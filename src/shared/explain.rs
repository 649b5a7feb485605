//! What one request did, on demand, for those who develop against the server: its SQL statements, and its fields with
//! what they took.
//!
//! It is told to a task-local record, so that it costs others a look at nothing. Only the texts of statements are kept,
//! never the values bound to them.
use futures_util::Stream;
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::Instant;

/// Statements, and fields, that are told each; more are counted.
pub const MAX_TOLD: usize = 1_000;
/// Characters of a statement; a long list of ids is as telling when it is cut.
const SQL_CHARS: usize = 1_000;
/// Fields that are named as the cause of one statement.
const CAUSES_TOLD: usize = 20;

tokio::task_local! {
    static RECORD: Arc<Record>;
    /// The fields on whose behalf something is done.
    static CAUSES: Causes;
}

/// Paths of fields in an answer, without the places in lists: `workspace.members.nodes`.
pub type Causes = BTreeSet<Arc<str>>;

#[derive(Debug, Default)]
pub struct Record(Mutex<Explained>);

/// What was recorded.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explained {
    /// In the order in which they ended. Where a transaction begins and ends is not among them.
    statements: Vec<Statement>,
    more_statements: u64,
    fields: BTreeMap<Arc<str>, Field>,
    more_fields: u64,
}

#[derive(Clone, Debug, Serialize)]
struct Statement {
    sql: String,
    milliseconds: f64,
    failed: bool,
    /// The fields that needed it: several where their loads became one batch, none where the request itself did.
    fields: Vec<Arc<str>>,
}

#[derive(Clone, Debug, Default, Serialize)]
struct Field {
    /// How often it was resolved.
    calls: u64,
    /// All calls together, what is below it and what it waited for included.
    milliseconds: f64,
    /// Those in whose `fields` it stands.
    statements: u64,
    /// Its part of the cost before execution.
    cost: u64,
}

impl Record {
    fn with<T>(&self, change: impl FnOnce(&mut Explained) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What was recorded since the last time.
    pub fn take(&self) -> Explained {
        self.with(std::mem::take)
    }
}

impl Explained {
    /// Adds what the fields were to cost.
    pub fn cost(&mut self, costs: &BTreeMap<String, u64>) {
        for (path, cost) in costs {
            self.field(path, |field| field.cost = *cost);
        }
    }

    fn field(&mut self, path: &str, change: impl FnOnce(&mut Field)) {
        if let Some(field) = self.fields.get_mut(path) {
            change(field);
        } else if self.fields.len() < MAX_TOLD {
            change(self.fields.entry(path.into()).or_default());
        } else {
            self.more_fields += 1;
        }
    }
}

fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

/// Tells of a statement that has ended.
pub fn statement(sql: &str, took: Duration, failed: bool) {
    let _ = RECORD.try_with(|record| {
        let causes = causes();
        record.with(|explained| {
            for cause in &causes {
                explained.field(cause, |field| field.statements += 1);
            }
            if explained.statements.len() == MAX_TOLD {
                explained.more_statements += 1;
                return;
            }
            explained.statements.push(Statement {
                sql: sql.chars().take(SQL_CHARS).collect(),
                milliseconds: milliseconds(took),
                failed,
                fields: causes.into_iter().take(CAUSES_TOLD).collect(),
            });
        });
    });
}

/// Resolves a field and tells of it.
pub async fn field<F: Future>(path: String, resolution: F) -> F::Output {
    let Some(record) = record() else { return resolution.await };
    let path: Arc<str> = path.into();
    let begun = Instant::now();
    let resolved = CAUSES.scope(Causes::from([Arc::clone(&path)]), resolution).await;
    let took = milliseconds(begun.elapsed());
    record.with(|explained| {
        explained.field(&path, |field| {
            field.calls += 1;
            field.milliseconds = ((field.milliseconds + took) * 1e3).round() / 1e3;
        });
    });
    resolved
}

/// On whose behalf this is done; empty where nobody asked.
pub fn causes() -> Causes {
    CAUSES.try_with(Clone::clone).unwrap_or_default()
}

/// Does something on behalf of these fields.
pub async fn caused_by<F: Future>(causes: Causes, what: F) -> F::Output {
    if causes.is_empty() { what.await } else { CAUSES.scope(causes, what).await }
}

/// Whatever is polled within this tells to the record, where there is one.
#[derive(Debug)]
pub struct Recorded<E> {
    record: Option<Arc<Record>>,
    within: E,
}

pub fn recorded<E: Unpin>(record: Option<Arc<Record>>, within: E) -> Recorded<E> {
    Recorded { record, within }
}

/// Where this is told to, if anywhere.
pub fn record() -> Option<Arc<Record>> {
    RECORD.try_with(Arc::clone).ok()
}

impl<E: Unpin> Recorded<E> {
    fn poll_by<T>(&mut self, poll: impl FnOnce(Pin<&mut E>) -> T) -> T {
        let within = Pin::new(&mut self.within);
        match &self.record {
            Some(record) => RECORD.sync_scope(Arc::clone(record), || poll(within)),
            None => poll(within),
        }
    }
}

impl<E: Future + Unpin> Future for Recorded<E> {
    type Output = E::Output;

    fn poll(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<E::Output> {
        self.poll_by(|within| within.poll(task))
    }
}

impl<E: Stream + Unpin> Stream for Recorded<E> {
    type Item = E::Item;

    fn poll_next(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<E::Item>> {
        self.poll_by(|within| within.poll_next(task))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::pin;

    fn sql(explained: &Explained) -> Vec<&str> {
        explained.statements.iter().map(|statement| statement.sql.as_str()).collect()
    }

    #[tokio::test]
    async fn statements_are_told_to_the_record_of_their_task_and_to_their_fields() {
        let record = Arc::new(Record::default());
        statement("SELECT 0", Duration::ZERO, false);
        let within = pin!(async {
            statement("SELECT 1", Duration::from_micros(1_500), false);
            field("a".to_owned(), async {
                statement("SELECT 2", Duration::ZERO, true);
                let batch = causes().into_iter().chain(["b".into()]).collect();
                caused_by(batch, async { statement("SELECT 3", Duration::ZERO, false) }).await;
                field("a.c".to_owned(), async { statement("SELECT 4", Duration::ZERO, false) }).await;
            })
            .await;
            field("a".to_owned(), async {}).await;
        });
        recorded(Some(record.clone()), within).await;
        let mut told = record.take();
        told.cost(&BTreeMap::from([("a".to_owned(), 7)]));
        assert_eq!(sql(&told), ["SELECT 1", "SELECT 2", "SELECT 3", "SELECT 4"]);
        assert_eq!((told.statements[0].milliseconds, told.statements[1].failed), (1.5, true));
        let fields: Vec<_> =
            told.fields.iter().map(|(path, it)| (&**path, it.calls, it.statements, it.cost)).collect();
        assert_eq!(fields, [("a", 2, 2, 7), ("a.c", 1, 1, 0), ("b", 0, 1, 0)]);
        assert!(record.take().statements.is_empty(), "it was taken");
    }

    #[tokio::test]
    async fn what_is_told_is_bounded_and_the_rest_counted() {
        let record = Arc::new(Record::default());
        let within = pin!(async {
            for number in 0..1_200 {
                statement(&"x".repeat(10_000), Duration::ZERO, false);
                field(format!("f{number}"), async {}).await;
            }
        });
        recorded(Some(record.clone()), within).await;
        let told = record.take();
        assert_eq!((told.statements.len(), told.more_statements), (MAX_TOLD, 200));
        assert_eq!((told.fields.len(), told.more_fields), (MAX_TOLD, 200));
        assert!(told.statements.iter().all(|statement| statement.sql.len() == SQL_CHARS));
    }
}
