//! A server of its own for each test, on a database of its own, and clients for it.
mod clock;
mod database;
mod dice;
pub mod fake;
mod nats;
mod process;
mod socket;
mod tls;

pub use clock::TestClock;
pub use database::{Database, count};
pub use dice::{Dice, with_seeds};
pub use nats::Nats;
pub use process::{Binary, Client, Ended, Process, Server, address, got};
pub use socket::{Socket, Subscription};
pub use tls::behind_tls;

use aifirst::{
    app::{App, Running},
    config::Config,
    db::Source,
    gateway::{Gateway, Provider},
    shared::{Ambient, Clock, Random, http, id::WorkspaceId},
};
use futures_util::future::BoxFuture;
use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::time::sleep;

/// How long a test waits for what must come: long, for machines are slow; what does not come fails.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Declares a test that runs on both databases: with a server, or with the database for one that it starts itself.
#[macro_export]
macro_rules! on_both {
    ($(#[$meta:meta])* async fn $name:ident($database:ident: Database) $body:block) => {
        $(#[$meta])*
        async fn $name($database: $crate::support::Database) $body

        mod $name {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                super::$name($crate::support::Database::sqlite()).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                super::$name($crate::support::Database::postgres().await).await;
            }
        }
    };
    ($(#[$meta:meta])* async fn $name:ident($app:ident: TestApp) $body:block) => {
        $crate::on_both! {
            $(#[$meta])*
            async fn $name(database: Database) {
                let $app = $crate::support::TestApp::start(database).await;
                $body
            }
        }
    };
}

/// Declares a test that counts SQL statements, on both databases.
#[macro_export]
macro_rules! counted_on_both {
    ($(#[$meta:meta])* async fn $name:ident($app:ident: TestApp) $body:block) => {
        $crate::on_both! {
            $(#[$meta])*
            async fn $name(database: Database) {
                let $app = $crate::support::TestApp::counted(database).await;
                $body
            }
        }
    };
}

/// A running server with one workspace and its owner.
pub struct TestApp {
    pub running: Box<Running>,
    pub database: Database,
    pub owner: Person,
    /// The owner's workspace, as clients name it.
    pub workspace: String,
    pub http: reqwest::Client,
}

/// Somebody with a credential.
#[derive(Clone, Debug)]
pub struct Person {
    pub id: String,
    pub token: String,
}

impl TestApp {
    pub async fn start(database: Database) -> Self {
        Self::start_with(database, "", Ambient::system()).await
    }

    /// With settings over the defaults, and with time and randomness of the test's own.
    pub async fn start_with(database: Database, settings: &str, ambient: Ambient) -> Self {
        Self::without_workspace(database, settings, ambient).await.with_workspace().await
    }

    /// Workflows ask this model instead of the built-in one.
    pub async fn start_with_model(database: Database, model: Arc<dyn Provider>) -> Self {
        let prepare = |gateway: Gateway| gateway.answered_by(model);
        let running = start_server(&database, "", Ambient::system(), prepare).await;
        Self::on(running, database).await.with_workspace().await
    }

    /// With these in the place of the configured providers of their names; workflows and coaches ask them.
    pub async fn start_with_models<N: Into<String> + Send>(
        database: Database,
        settings: &str,
        ambient: Ambient,
        models: Vec<(N, Arc<dyn Provider>)>,
    ) -> Self {
        let running = start_asking(&database, settings, ambient, models).await;
        Self::on(running, database).await.with_workspace().await
    }

    /// With a person who has no workspace yet.
    pub async fn without_workspace(database: Database, settings: &str, ambient: Ambient) -> Self {
        Self::on(start_server(&database, settings, ambient, as_it_is).await, database).await
    }

    async fn on(running: Box<Running>, database: Database) -> Self {
        let owner = create_person(&running, "Olga Owner").await;
        Self { running, database, owner, workspace: String::new(), http: http::plain().unwrap() }
    }

    async fn with_workspace(mut self) -> Self {
        self.workspace = self.create_workspace(&self.owner, "acme").await;
        self
    }

    /// A server that sends no statement but those of its requests.
    pub async fn counted(database: Database) -> Self {
        Self::start_with(database, ONLY_SERVES, standing()).await
    }

    /// Stops the server and starts it again on the same database.
    pub async fn restart(self) -> Self {
        self.restart_with("", Ambient::system()).await
    }

    /// The same, as [`Self::counted`].
    pub async fn restart_counted(self) -> Self {
        self.restart_with(ONLY_SERVES, standing()).await
    }

    /// The same with settings over the defaults.
    pub async fn restart_with(self, settings: &str, ambient: Ambient) -> Self {
        let Self { running, database, owner, workspace, http } = self;
        Box::pin(running.stop()).await;
        let running = start_server(&database, settings, ambient, as_it_is).await;
        Self { running, database, owner, workspace, http }
    }

    /// The same with other settings and models.
    pub async fn restart_with_models(self, settings: &str, models: Vec<(&str, Arc<dyn Provider>)>) -> Self {
        let Self { running, database, owner, workspace, http } = self;
        Box::pin(running.stop()).await;
        let running = start_asking(&database, settings, Ambient::system(), models).await;
        Self { running, database, owner, workspace, http }
    }

    pub fn url(&self) -> String {
        format!("http://{}/graphql", self.running.address)
    }

    /// A new person without any workspace.
    pub async fn person(&self, name: &str) -> Person {
        create_person(&self.running, name).await
    }

    pub async fn create_workspace(&self, person: &Person, slug: &str) -> String {
        let document = "mutation($slug: String!) { createWorkspace(input: {name: $slug, slug: $slug}) {
            workspace { id } userErrors { message } } }";
        let data = self.ok(person, document, json!({ "slug": slug })).await;
        text(&data, "/createWorkspace/workspace/id")
    }

    pub fn workspace_id(&self) -> WorkspaceId {
        self.workspace.parse().unwrap()
    }

    /// The whole answer to an operation.
    pub async fn ask(&self, token: Option<&str>, document: &str, variables: Value) -> Value {
        let mut request =
            self.http.post(self.url()).json(&json!({ "query": document, "variables": variables }));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        request.send().await.unwrap().json().await.unwrap()
    }

    /// Makes a person a member of the workspace, by an invitation; the id of the membership.
    pub async fn join(&self, person: &Person, role: &str) -> String {
        let invite = "mutation($ws: ID!, $role: Role!) { inviteMember(input: {workspaceId: $ws, role: $role,
            email: \"somebody@example.org\"}) { token userErrors { message } } }";
        let invited = self.ok(&self.owner, invite, json!({ "ws": self.workspace, "role": role })).await;
        let accept = "mutation($token: String!) { acceptInvitation(input: {token: $token}) {
            membership { id } userErrors { message } } }";
        let token = text(&invited, "/inviteMember/token");
        text(&self.ok(person, accept, json!({ "token": token })).await, "/acceptInvitation/membership/id")
    }

    /// How a subscription begins, as an answer: its first event, or the errors that it ends with.
    pub async fn first_answer(&self, token: Option<&str>, document: &str, variables: Value) -> Value {
        let mut subscription = Socket::connect(&self.url(), token).await.subscribe(document, variables).await;
        subscription.first_answer().await
    }

    /// The data of an operation that must succeed.
    pub async fn ok(&self, person: &Person, document: &str, variables: Value) -> Value {
        let answer = self.ask(Some(&person.token), document, variables).await;
        assert!(answer.get("errors").is_none(), "{document}\n{answer:#}");
        answer["data"].clone()
    }

    /// Asks until there is a text at this pointer: what is written a moment later.
    pub async fn until(&self, person: &Person, document: &str, variables: &Value, pointer: &str) -> String {
        let begun = Instant::now();
        loop {
            let data = self.ok(person, document, variables.clone()).await;
            if let Some(text) = data.pointer(pointer).and_then(Value::as_str) {
                return text.to_owned();
            }
            assert!(begun.elapsed() < PATIENCE, "nothing at {pointer} in {data:#}");
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// The code of the first error of an operation that must fail.
    pub async fn code(&self, person: &Person, document: &str, variables: Value) -> String {
        let answer = self.ask(Some(&person.token), document, variables).await;
        let code = answer.pointer("/errors/0/extensions/code");
        code.and_then(Value::as_str).unwrap_or_else(|| panic!("{document}\n{answer:#}")).to_owned()
    }

    /// SQL statements that `work` costs a server that was started by [`Self::counted`].
    pub async fn statements<T>(&self, work: impl Future<Output = T>) -> (T, u64) {
        // That a key was used is written aside, at most once a minute: done, and the clock stands.
        self.running.services.account.flush_usage().await.unwrap();
        let before = self.running.services.db.statements();
        let value = work.await;
        (value, self.running.services.db.statements() - before)
    }

    /// A statement for each column of the database in which the word stands, in upper or lower case.
    pub async fn columns_with(&self, word: &str) -> Vec<String> {
        let connection = self.running.services.db.connection();
        let ask = async |sql: &str| {
            let statement = Statement::from_string(connection.get_database_backend(), sql);
            let rows = connection.query_all_raw(statement).await.unwrap();
            rows.iter().map(|row| row.try_get_by_index::<String>(0).unwrap()).collect::<Vec<_>>()
        };
        let columns = if self.database.is_sqlite() {
            "SELECT 'SELECT CAST(\"' || c.name || '\" AS TEXT) FROM \"' || m.name || '\" WHERE \"' || c.name || '\" IS NOT NULL'
             FROM sqlite_schema m, pragma_table_info(m.name) c
             WHERE m.type = 'table' AND c.type NOT LIKE 'uuid%' AND c.type NOT LIKE 'blob%'"
        } else {
            "SELECT 'SELECT CAST(\"' || column_name || '\" AS TEXT) FROM \"' || table_name || '\" WHERE \"' || column_name || '\" IS NOT NULL'
             FROM information_schema.columns WHERE table_schema = 'public'"
        };
        let mut found = vec![];
        for column in ask(columns).await {
            if ask(&column).await.iter().any(|value| value.to_lowercase().contains(word)) {
                found.push(column);
            }
        }
        found
    }

    /// The data of an operation that must succeed, and what it costs in statements, the credential's one included.
    pub async fn cost(&self, person: &Person, document: &str, variables: Value) -> (Value, u64) {
        self.statements(self.ok(person, document, variables)).await
    }

    /// A socket of that person, acknowledged.
    pub async fn socket(&self, person: &Person) -> Socket {
        Socket::connect(&self.url(), Some(&person.token)).await
    }

    /// One subscription on a socket of its own.
    pub async fn subscribe(&self, person: &Person, document: &str, variables: Value) -> Subscription {
        self.socket(person).await.subscribe(document, variables).await
    }
}

/// What a credential costs is read each time: else it would depend on what came just before.
const ONLY_SERVES: &str = "serve.work = false\nauth.recheck_seconds = 0";

/// Time stands still.
fn standing() -> Ambient {
    let now = Ambient::system().now();
    Ambient::new(Clock::new(move || now), Random::system())
}

fn as_it_is(gateway: Gateway) -> Gateway {
    gateway
}

/// On the heap: what a server is made of is large, and a test that starts several would have it on its stack as often.
fn start_asking<'a, N: Into<String> + Send + 'a>(
    database: &'a Database,
    settings: &'a str,
    ambient: Ambient,
    models: Vec<(N, Arc<dyn Provider>)>,
) -> BoxFuture<'a, Box<Running>> {
    Box::pin(async move {
        let mut app = open(database, settings, ambient).await;
        let models = models.into_iter().map(|(name, model)| (name.into(), model));
        app.services.gateway = app.services.gateway.with_providers(models);
        app.services.coaching = app.services.coaching.answered_by(app.services.gateway.clone());
        app.services.memory = app.services.memory.answered_by(app.services.gateway.clone());
        Box::new(app.start().await.unwrap())
    })
}

fn start_server<'a>(
    database: &'a Database,
    settings: &'a str,
    ambient: Ambient,
    prepare: impl FnOnce(Gateway) -> Gateway + Send + 'a,
) -> BoxFuture<'a, Box<Running>> {
    Box::pin(async move {
        let mut app = open(database, settings, ambient).await;
        app.services.gateway = prepare(app.services.gateway);
        Box::new(app.start().await.unwrap())
    })
}

async fn open(database: &Database, settings: &str, ambient: Ambient) -> App {
    // A key may stand in TOML once.
    let own = database.settings();
    let base = own.lines().filter(|line| {
        let key = line.split('=').next().unwrap_or_default();
        !settings.lines().any(|line| line.split('=').next() == Some(key))
    });
    let base: Vec<_> = base.collect();
    let config = Config::with(&format!("{}\n{settings}", base.join("\n"))).unwrap();
    App::open(config, ambient).await.unwrap()
}

async fn create_person(running: &Running, name: &str) -> Person {
    let account = &running.services.account;
    let id = account.create_user(name, None).await.unwrap();
    Person { id: id.to_string(), token: account.mint_key(id, "test").await.unwrap() }
}

/// The text at a JSON pointer.
pub fn text(value: &Value, pointer: &str) -> String {
    let found = value.pointer(pointer).and_then(Value::as_str);
    found.unwrap_or_else(|| panic!("no text at {pointer} in {value:#}")).to_owned()
}
