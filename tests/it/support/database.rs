//! A database for one test: a SQLite file in a folder of its own, or a PostgreSQL database cloned from a migrated
//! template.
use aifirst::{config::Config, db, shared::Ambient};
use sea_orm::{ConnectionTrait, Database as Connector, DatabaseConnection, Statement};
use tempfile::TempDir;

pub struct Database {
    /// The server's data folder.
    pub folder: TempDir,
    pub url: String,
    /// PostgreSQL: dropped with this.
    name: Option<String>,
}

const VARIABLE: &str = "AIFIRST_TEST_DATABASE_URL";

impl Database {
    pub fn sqlite() -> Self {
        let folder = TempDir::new().unwrap();
        let url = format!("sqlite://{}", folder.path().join("aifirst.db").display());
        Self { folder, url, name: None }
    }

    pub async fn postgres() -> Self {
        let server = server();
        let admin = Connector::connect(&server).await.unwrap();
        let template = template(&admin, &server).await;
        Self::clone_of(&template, &admin, &server).await
    }

    /// Without any table.
    pub async fn empty_postgres() -> Self {
        let server = server();
        let admin = Connector::connect(&server).await.unwrap();
        Self::clone_of("template0", &admin, &server).await
    }

    async fn clone_of(template: &str, admin: &DatabaseConnection, server: &str) -> Self {
        let name = format!("aifirst_{}", Ambient::system().ids.uuid().simple());
        // One clone at a time: PostgreSQL refuses to copy a template that another session is copying.
        let clone = format!("CREATE DATABASE {name} TEMPLATE {template}");
        locked(admin, async || run(admin, &clone).await).await;
        Self { folder: TempDir::new().unwrap(), url: in_server(server, &name), name: Some(name) }
    }

    /// As TOML, with free ports.
    pub fn settings(&self) -> String {
        format!(
            "listen = '127.0.0.1:0'\nadmin_listen = '127.0.0.1:0'\ndata_dir = '{}'\ndatabase.url = '{}'\ndatabase.connections = 8\ngateway.builtin.pace_milliseconds = 0",
            self.folder.path().join("data").display(),
            self.url
        )
    }

    pub fn is_sqlite(&self) -> bool {
        self.name.is_none()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let Some(name) = self.name.take() else { return };
        let drop = async move {
            if let Ok(admin) = Connector::connect(server()).await {
                let _ =
                    admin.execute_unprepared(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
            }
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let _ = std::thread::spawn(move || runtime.block_on(drop)).join();
    }
}

fn server() -> String {
    std::env::var(VARIABLE).unwrap_or_else(|_| {
        panic!("{VARIABLE} is not set: run scripts/test, which starts PostgreSQL, or set it")
    })
}

fn in_server(server: &str, name: &str) -> String {
    let (base, _) = server.rsplit_once('/').unwrap();
    format!("{base}/{name}")
}

/// The migrated template, made by whichever test comes first. Its name changes with the test binary, so that a
/// server that is kept never serves yesterday's schema.
async fn template(admin: &DatabaseConnection, server: &str) -> String {
    let built = std::env::current_exe().unwrap().metadata().unwrap().modified().unwrap();
    let stamp = built.duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
    let name = format!("aifirst_template_{stamp}");
    locked(admin, async || {
        let exists = Statement::from_string(
            admin.get_database_backend(),
            format!("SELECT 1 FROM pg_database WHERE datname = '{name}'"),
        );
        if admin.query_one_raw(exists).await.unwrap().is_some() {
            return;
        }
        // Built under another name first: a template that exists is whole.
        let draft = format!("{name}_draft");
        run(admin, &format!("DROP DATABASE IF EXISTS {draft} WITH (FORCE)")).await;
        run(admin, &format!("CREATE DATABASE {draft}")).await;
        let settings = format!("database.url = '{}'", in_server(server, &draft));
        db::open(&Config::with(&settings).unwrap()).await.unwrap().close().await;
        run(admin, &format!("ALTER DATABASE {draft} RENAME TO {name}")).await;
    })
    .await;
    name
}

async fn run(connection: &DatabaseConnection, sql: &str) {
    connection.execute_unprepared(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
}

/// Under a lock of the server, for tests run in processes of their own.
async fn locked(admin: &DatabaseConnection, work: impl AsyncFnOnce()) {
    use sea_orm::TransactionTrait;
    let turn = admin.begin().await.unwrap();
    turn.execute_unprepared("SELECT pg_advisory_xact_lock(77001)").await.unwrap();
    work().await;
    turn.commit().await.unwrap();
}

/// What a statement counts.
pub async fn count(database: &DatabaseConnection, sql: &str) -> i64 {
    let statement = Statement::from_string(database.get_database_backend(), sql);
    database.query_one_raw(statement).await.unwrap().unwrap().try_get_by_index(0).unwrap()
}
