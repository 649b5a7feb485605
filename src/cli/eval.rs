//! `eval retrieval`: how well recall finds, and how fast, measured as a client would: through the public API.
mod data;
mod figures;

use super::{Failure, Outcome, configuration};
use crate::{
    app::App,
    client::{Client, text},
    config::Mode,
    shared::Ambient,
};
use clap::{Args, Subcommand};
use data::{Conversations, Passages};
use figures::Figures;
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    time::Instant,
};

#[derive(Subcommand, Debug)]
pub(super) enum EvalCommand {
    /// Import conversations or a corpus, ask its questions, and print how well and how fast the answers were found
    ///
    /// Give --turns and --questions (the form of LoCoMo: one JSON object a line with `conversation`, `session`, `at`, `id`,
    /// `speaker`, `text`; and `conversation`, `question`, `evidence`), or --corpus and --queries (the form of SciFact:
    /// `id`, `title`, `text`; and `id`, `query`, `relevant`). Everything goes through the GraphQL API of a server that is
    /// started on a fresh folder and removed in the end; with --url and --token, through one that runs already, into a
    /// workspace that is made for it and stays. What is going on is told on stderr; the figures come as one JSON object on
    /// stdout.
    Retrieval(Retrieval),
}

#[derive(Args, Debug)]
pub(super) struct Retrieval {
    /// Turns of conversations, one JSON object a line
    #[arg(long, value_name = "FILE", requires = "questions", conflicts_with = "corpus")]
    turns: Option<PathBuf>,
    /// Questions, with the turns that answer them
    #[arg(long, value_name = "FILE", requires = "turns")]
    questions: Option<PathBuf>,
    /// Passages, one JSON object a line
    #[arg(long, value_name = "FILE", requires = "queries", required_unless_present = "turns")]
    corpus: Option<PathBuf>,
    /// Queries, with the passages that are relevant to them
    #[arg(long, value_name = "FILE", requires = "corpus")]
    queries: Option<PathBuf>,
    /// Where the server that is started has its database: the path of a SQLite file, or postgres://…
    #[arg(long, value_name = "PATH|URL", conflicts_with = "url")]
    database: Option<String>,
    /// The GraphQL address of a server that runs already
    #[arg(long, value_name = "URL", requires = "token")]
    url: Option<String>,
    /// An API key for it
    #[arg(long, value_name = "KEY", requires = "url")]
    token: Option<String>,
}

pub(super) async fn eval(command: EvalCommand) -> Outcome {
    let EvalCommand::Retrieval(retrieval) = command;
    let tasks = Tasks::read(&retrieval)?;
    match (&retrieval.url, &retrieval.token) {
        (Some(url), Some(token)) => measure(&Client::at(url, token.clone())?, &tasks).await,
        _ => on_a_fresh_server(&retrieval, &tasks).await,
    }
}

/// The server's folder is removed, whatever comes of it.
async fn on_a_fresh_server(retrieval: &Retrieval, tasks: &Tasks) -> Outcome {
    let ambient = Ambient::system();
    let folder = std::env::temp_dir().join(format!("aifirst-eval-{}", ambient.ids.uuid().simple()));
    let measured = on_a_server_in(&folder, ambient, retrieval, tasks).await;
    let _ = std::fs::remove_dir_all(&folder);
    measured
}

async fn on_a_server_in(folder: &Path, ambient: Ambient, retrieval: &Retrieval, tasks: &Tasks) -> Outcome {
    let mut config = configuration()?;
    config.mode = Mode::Development;
    (config.listen, config.admin_listen) = (([127, 0, 0, 1], 0).into(), ([127, 0, 0, 1], 0).into());
    config.data_dir = folder.to_owned();
    config.events.url = String::new();
    config.http.cost_per_minute = std::num::NonZeroU32::MAX;
    config.http.request_timeout_seconds = 600;
    config.database.url = match retrieval.database.as_deref() {
        None => String::new(),
        Some(url) if url.contains("://") => url.to_owned(),
        Some(path) => format!("sqlite://{path}"),
    };
    let running = App::open(config, ambient).await?.start().await?;
    let measured = async {
        let token = std::fs::read_to_string(folder.join("dev-token"))?;
        measure(&Client::new(running.address, token.trim().to_owned())?, tasks).await
    };
    let measured = measured.await;
    running.stop().await;
    measured
}

/// What is asked, and of what.
enum Tasks {
    Conversations(Conversations),
    Passages(Passages),
}

impl Tasks {
    fn read(retrieval: &Retrieval) -> Result<Self, Failure> {
        match retrieval {
            Retrieval { turns: Some(turns), questions: Some(questions), .. } => {
                Ok(Self::Conversations(Conversations::read(turns, questions)?))
            }
            Retrieval { corpus: Some(corpus), queries: Some(queries), .. } => {
                Ok(Self::Passages(Passages::read(corpus, queries)?))
            }
            _ => Err(Failure {
                message: "give --turns and --questions, or --corpus and --queries".into(),
                code: 2,
            }),
        }
    }
}

#[expect(clippy::print_stdout, reason = "a command's output")]
async fn measure(client: &Client, tasks: &Tasks) -> Outcome {
    let server = Server { client, workspace: workspace(client).await? };
    let figures = match tasks {
        Tasks::Conversations(conversations) => server.ask_conversations(conversations).await?,
        Tasks::Passages(passages) => server.ask_passages(passages).await?,
    };
    println!("{}", figures.to_json());
    Ok(())
}

/// A fresh workspace; where the key may make none, the first that it opens.
async fn workspace(client: &Client) -> Result<String, Failure> {
    let slug = format!("eval-{}", Ambient::system().ids.uuid().simple());
    let create = "mutation($slug: String!) { createWorkspace(input: {name: \"Evaluation\", slug: $slug}) {
        workspace { id } userErrors { code field message } } }";
    if let Ok(data) = client.run(create, json!({ "slug": slug })).await {
        return Ok(text(&data, "/createWorkspace/workspace/id")?);
    }
    let viewer = "{ viewer { memberships(first: 1) { nodes { workspace { id } } } } }";
    let data = client.run(viewer, json!({})).await?;
    Ok(text(&data, "/viewer/memberships/nodes/0/workspace/id")?)
}

/// A server with a workspace on it.
struct Server<'a> {
    client: &'a Client,
    workspace: String,
}

const IMPORT: &str = "mutation($ws: ID!, $items: [ImportMemoryItem!]!) {
    importMemories(input: {workspaceId: $ws, scope: USER, items: $items}) { created userErrors { code field message } } }";
const RECALL: &str = "query($ws: ID!, $q: String!, $limit: Int!, $prefix: String) { workspace(id: $ws) {
    recall(input: {query: $q, limit: $limit, collectionPrefix: $prefix}) { hits { item { ... on Memory { externalId } } } } } }";
const ADD: &str = "mutation($input: AddDocumentInput!) { addDocument(input: $input) { document { id } userErrors { code field message } } }";
const RECALL_CHUNKS: &str = "query($ws: ID!, $q: String!, $limit: Int!) { workspace(id: $ws) {
    recall(input: {query: $q, limit: $limit}) { hits { item { ... on DocumentChunk { document { externalId } } } } } } }";
const GROUPS: &str = "query($ws: ID!, $q: String!, $limit: Int!, $prefix: String) { workspace(id: $ws) {
    recall(input: {query: $q, limit: $limit, collectionPrefix: $prefix, groupBy: COLLECTION}) { groups { collection } } } }";

/// Items of one import: well below the bound of a request's size.
const BATCH: usize = 200;
const TURNS: usize = 10;
const PASSAGES: usize = 100;

impl Server<'_> {
    async fn ask_conversations(&self, conversations: &Conversations) -> Result<Figures, Failure> {
        self.import(&conversations.items).await?;
        let mut figures = Figures::default();
        for (number, question) in conversations.questions.iter().enumerate() {
            tell_progress("questions", number, conversations.questions.len());
            let variables = |limit: usize| json!({ "ws": self.workspace, "q": question.text, "limit": limit, "prefix": question.prefix });
            let hits = self.timed(RECALL, variables(TURNS), "hits", "/item/externalId", &mut figures).await?;
            let groups = self.timed(GROUPS, variables(TURNS), "groups", "/collection", &mut figures).await?;
            figures.take_question(question, &hits, &groups);
        }
        Ok(figures)
    }

    async fn ask_passages(&self, passages: &Passages) -> Result<Figures, Failure> {
        for (number, document) in passages.documents.iter().enumerate() {
            tell_progress("added", number, passages.documents.len());
            let mut input = document.clone();
            input["workspaceId"] = json!(self.workspace);
            self.client.run(ADD, json!({ "input": input })).await?;
        }
        let mut figures = Figures::default();
        for (number, query) in passages.queries.iter().enumerate() {
            tell_progress("queries", number, passages.queries.len());
            let variables = json!({ "ws": self.workspace, "q": query.text, "limit": PASSAGES });
            let name = "/item/document/externalId";
            let mut found = self.timed(RECALL_CHUNKS, variables, "hits", name, &mut figures).await?;
            // A document stands where its best part does.
            let mut seen = BTreeSet::new();
            found.retain(|document| seen.insert(document.clone()));
            figures.take_query(query, &found);
        }
        Ok(figures)
    }

    async fn import(&self, items: &[Value]) -> Result<(), Failure> {
        for (number, items_of_call) in items.chunks(BATCH).enumerate() {
            tell_progress("imported", number * BATCH, items.len());
            self.client.run(IMPORT, json!({ "ws": self.workspace, "items": items_of_call })).await?;
        }
        Ok(())
    }

    /// The names of what a recall found, best first.
    async fn timed(
        &self,
        document: &str,
        variables: Value,
        list: &str,
        name: &str,
        figures: &mut Figures,
    ) -> Result<Vec<String>, Failure> {
        let begun = Instant::now();
        let data = self.client.run(document, variables).await?;
        figures.take_time(begun.elapsed());
        let found = data["workspace"]["recall"][list].as_array().ok_or("the answer has no list")?;
        let names = found.iter().filter_map(|one| one.pointer(name)?.as_str().map(str::to_owned));
        Ok(names.collect())
    }
}

#[expect(clippy::print_stderr, reason = "what a person wants to know who waits")]
fn tell_progress(what: &str, done: usize, of: usize) {
    if done.is_multiple_of(1000) || done == 100 {
        eprintln!("{what}: {done} of {of}");
    }
}
