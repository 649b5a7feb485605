//! What becomes of transactions and statements that nobody ends, and of a database that is closed meanwhile.
use crate::{on_both, support::Database};
use aifirst::{
    config::Config,
    db::{self, Db, Source, Tx},
};
use sea_orm::{ConnectionTrait, DbErr, Statement, TryGetable};
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::timeout,
};

/// With one connection, so that all use the same.
async fn open(database: &Database) -> Db {
    let mut config = Config::with(&database.settings()).unwrap();
    config.database.connections = 1;
    db::connect::connect(&config).await.unwrap()
}

/// The first value of the first row.
async fn first<T: TryGetable>(source: &impl Source, sql: &str) -> Result<T, DbErr> {
    let connection = source.connection();
    let row = connection.query_one_raw(Statement::from_string(connection.get_database_backend(), sql)).await;
    row?.expect("a row").try_get_by_index(0)
}

async fn count(source: &impl Source) -> i64 {
    first(source, "SELECT COUNT(*) FROM seaql_migrations WHERE version = 'm9999_never'").await.unwrap()
}

async fn write(tx: &Tx) {
    let sql = "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m9999_never', 0)";
    tx.connection().execute_unprepared(sql).await.unwrap();
    assert_eq!(count(tx).await, 1);
}

/// A statement that takes about as long. SQLite cannot sleep, it counts.
fn slow(db: &Db, about: Duration) -> String {
    if db.is_sqlite() {
        let rows = about.as_millis() * 10_000;
        format!(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows}) SELECT COUNT(*) FROM n"
        )
    } else {
        format!("SELECT 1::bigint FROM pg_sleep({})", about.as_secs_f64())
    }
}

/// In its midst.
async fn give_up(source: &impl Source, sql: &str) {
    assert!(timeout(Duration::from_millis(20), first::<i64>(source, sql)).await.is_err());
}

on_both! {
    async fn what_is_dropped_never_happened_and_the_next_one_finds_a_clean_connection(database: Database) {
        db::open(&Config::with(&database.settings()).unwrap()).await.unwrap().close().await;
        let db = open(&database).await;
        for round in 0..5 {
            let tx = db.begin().await.unwrap();
            write(&tx).await;
            if round % 2 == 1 {
                give_up(&tx, &slow(&db, Duration::from_millis(200))).await;
            }
            drop(tx);
            let next = db.begin().await.unwrap();
            assert_eq!(count(&next).await, 0);
            next.commit().await.unwrap();
            assert_eq!(count(&db).await, 0);
        }
        let tx = db.begin().await.unwrap();
        assert!(tx.connection().execute_unprepared("SELECT * FROM nowhere").await.is_err());
        drop(tx);
        let tx = db.begin().await.unwrap();
        write(&tx).await;
        tx.commit().await.unwrap();
        assert_eq!(count(&db).await, 1);
        db.close().await;
    }
}

on_both! {
    async fn who_comes_after_a_statement_that_was_given_up_has_the_first_connection_that_is_free(database: Database) {
        db::open(&Config::with(&database.settings()).unwrap()).await.unwrap().close().await;
        let mut config = Config::with(&database.settings()).unwrap();
        (config.database.connections, config.database.readers) = (2, 2);
        let db = db::connect::connect(&config).await.unwrap();
        let (brief, long) = (slow(&db, Duration::from_millis(200)), slow(&db, Duration::from_secs(30)));
        let other = tokio::spawn({
            let db = db.clone();
            async move { first::<i64>(&db, &brief).await }
        });
        give_up(&db, &long).await;
        // The database goes on with it for longer than anybody waits for a connection.
        assert_eq!(first::<i64>(&db, "SELECT COUNT(*) FROM (SELECT 1) one").await.unwrap(), 1);
        other.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_connection_to_postgres_is_opened_once_however_many_wait() {
    let database = Database::postgres().await;
    let mut config = Config::with(&database.settings()).unwrap();
    let (server, name) = config.database.url.rsplit_once('/').unwrap();
    let (scheme, server) = server.rsplit_once('@').unwrap();
    let (counting, opened) = counting(server).await;
    config.database.url = format!("{scheme}@{counting}/{name}");
    let db = db::connect::connect(&config).await.unwrap();
    let mut asking = JoinSet::new();
    for _ in 0..32 {
        let db = db.clone();
        asking.spawn(async move {
            for _ in 0..50 {
                assert_eq!(first::<i32>(&db, "SELECT 1").await.unwrap(), 1);
            }
        });
    }
    asking.join_all().await;
    let opened = opened.load(Ordering::SeqCst);
    assert!((1..=config.database.connections).contains(&opened), "{opened}");
}

/// Where to reach the server, and how many connections have been opened there.
async fn counting(server: &str) -> (SocketAddr, Arc<AtomicU32>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let opened = Arc::new(AtomicU32::new(0));
    let (server, count) = (server.to_owned(), opened.clone());
    tokio::spawn(async move {
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            count.fetch_add(1, Ordering::SeqCst);
            let server = server.clone();
            tokio::spawn(async move {
                let mut server = TcpStream::connect(server).await.unwrap();
                let _ = copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    (address, opened)
}

on_both! {
    async fn a_database_is_closed_once_its_last_transaction_is_over(database: Database) {
        db::open(&Config::with(&database.settings()).unwrap()).await.unwrap().close().await;
        for commits in [true, false] {
            let db = open(&database).await;
            let tx = db.begin().await.unwrap();
            let closing = db.clone().close();
            tokio::pin!(closing);
            assert!(timeout(Duration::from_millis(20), &mut closing).await.is_err());
            if commits { tx.commit().await.unwrap() } else { drop(tx) }
            timeout(Duration::from_secs(20), closing).await.expect("it closes");
        }
    }
}

on_both! {
    async fn whose_connection_the_database_ends_hears_that_it_is_unavailable_and_the_next_one_is_served(database: Database) {
        db::open(&Config::with(&database.settings()).unwrap()).await.unwrap().close().await;
        let db = open(&database).await;
        if db.is_sqlite() {
            return;
        }
        let operator = open(&database).await;
        for within in [true, false] {
            let tx = db.begin().await.unwrap();
            let pid: i32 = first(&tx, "SELECT pg_backend_pid()").await.unwrap();
            let tx = if within { Some(tx) } else { tx.commit().await.unwrap(); None };
            // Returns once it is gone.
            let ends = format!("SELECT pg_terminate_backend({pid}, 20000)::int");
            assert_eq!(first::<i32>(&operator, &ends).await.unwrap(), 1);
            let told = match &tx {
                Some(tx) => first::<i32>(tx, "SELECT 1").await,
                None => first::<i32>(&db, "SELECT 1").await,
            };
            let told = told.map_err(aifirst::shared::Error::from);
            assert!(matches!(told, Err(aifirst::shared::Error::Unavailable(_))), "{told:?}");
            drop(tx);
            assert_eq!(first::<i32>(&db, "SELECT 1").await.unwrap(), 1);
        }
    }
}

#[tokio::test]
async fn while_another_process_writes_to_sqlite_it_is_busy_and_its_writer_is_kept() {
    let database = Database::sqlite();
    let mut config = Config::with(&database.settings()).unwrap();
    config.database.acquire_timeout_seconds = 1;
    let db = db::open(&config).await.unwrap();
    let tx = db.begin().await.unwrap();
    tx.connection().execute_unprepared("CREATE TEMP TABLE of_this_connection (i INTEGER)").await.unwrap();
    tx.commit().await.unwrap();
    let other = open(&database).await;
    let theirs = other.begin().await.unwrap();
    let told = db.begin().await.map(drop);
    assert!(matches!(told, Err(aifirst::shared::Error::Unavailable(_))), "{told:?}");
    theirs.commit().await.unwrap();
    let tx = db.begin().await.unwrap();
    assert_eq!(first::<i64>(&tx, "SELECT COUNT(*) FROM of_this_connection").await.unwrap(), 0);
}

#[tokio::test]
async fn what_is_committed_after_sqlite_had_no_room_is_there() {
    let database = Database::sqlite();
    let db = db::open(&Config::with(&database.settings()).unwrap()).await.unwrap();
    for _ in 0..3 {
        let tx = db.begin().await.unwrap();
        // As large as it is.
        tx.connection().execute_unprepared("PRAGMA max_page_count = 1").await.unwrap();
        let large = "INSERT INTO seaql_migrations (version, applied_at) VALUES (randomblob(10000), 0)";
        let told =
            tx.connection().execute_unprepared(large).await.map(drop).map_err(aifirst::shared::Error::from);
        assert!(matches!(told, Err(aifirst::shared::Error::Unavailable(_))), "{told:?}");
        drop(tx);
    }
    let tx = db.begin().await.unwrap();
    tx.connection().execute_unprepared("PRAGMA max_page_count = 1000000").await.unwrap();
    write(&tx).await;
    tx.commit().await.unwrap();
    assert_eq!(count(&db).await, 1);
    db.close().await;
    assert_eq!(count(&open(&database).await).await, 1);
}
