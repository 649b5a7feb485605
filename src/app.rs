//! Puts the product together: configuration → database, log and bus → services → what runs.
use crate::{
    account::{AccountService, DevelopmentError, jwt},
    coaching::{self, CoachingService, CreateActionItemTool, MemoryPorts, Worker},
    config::{Config, DocumentMode, Mode},
    db::{self, DataFolder, connect::OpenError},
    event::{Bus, BusError, Log, Sweeper},
    gateway::{self, Gateway, ProviderError, Tool, Tools},
    graphql::{self, pipeline::Pipeline},
    http,
    memory::{
        MemoryService, Ports, ProviderEmbeddings, Reader, Readings, RecallTool, RememberTool, Reranker, index,
    },
    services::Services,
    shared::{Ambient, Error},
    sync::SyncService,
    trusted::{self, NewDocument, TrustedService},
    workflow::{Executor, Hands, StartWorkflowTool, WorkflowService},
};
use chrono::TimeDelta;
use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};
use tokio::{net::TcpListener, task::JoinHandle, time::timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// What keeps the product from starting; the text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Bus(#[from] BusError),
    #[error("{0} cannot be listened on: {1}. Stop what uses it, or set {2} to another address")]
    Listen(SocketAddr, std::io::Error, &'static str),
    #[error(transparent)]
    Jwt(#[from] jwt::KeyError),
    #[error(transparent)]
    Provider(#[from] ProviderError),
    #[error(transparent)]
    Development(#[from] DevelopmentError),
    #[error(
        "the database holds a key whose secret a development server wrote to a file, and mode is production. \
         Revoke it by `aifirst token revoke --development`, or use another database"
    )]
    DevelopmentKey,
    #[error("http.documents.manifests: {0}: {1}")]
    Manifest(PathBuf, String),
    #[error("http.documents.manifests: {0}")]
    Manifests(Error),
    #[error("the start failed: {0}")]
    First(#[from] Error),
}

/// A server that is about to start; the data folder is held as long as this lives.
#[derive(Debug)]
pub struct App {
    pub config: Config,
    pub services: Services,
    pipeline: Pipeline,
    data: DataFolder,
}

impl App {
    pub async fn open(config: Config, ambient: Ambient) -> Result<Self, StartError> {
        let data = DataFolder::open(&config.data_dir)?;
        let manifests = manifests(&config)?;
        let (services, pipeline) = connect(&config, ambient, manifests).await?;
        Ok(Self { config, services, pipeline, data })
    }

    /// Listens, serves and, unless `serve.work` is off, works in the background until [`Running::stop`].
    pub async fn start(self) -> Result<Running, StartError> {
        let Self { config, services, pipeline, data } = self;
        let (public, address) = listen(config.listen, "AIFIRST_LISTEN").await?;
        let (admin, admin_address) = listen(config.admin_listen, "AIFIRST_ADMIN_LISTEN").await?;
        match config.mode {
            Mode::Development => {
                services.account.prepare_development(data.path()).await?;
            }
            Mode::Production if services.account.has_development_key().await? => {
                return Err(StartError::DevelopmentKey);
            }
            Mode::Production => {}
        }
        let process = Process::begin(&services, admin);
        let schema = graphql::schema(&services);
        let server = http::Server::new(&config, schema, pipeline.clone(), services.clone(), &process.stop);
        process.tasks.spawn(server.serve(public, process.stop.clone()));
        process.tasks.spawn(services.account.clone().write_usage(process.stop.clone()));
        let hears = services.account.clone().hear_of_rights(services.bus.clone(), process.stop.clone());
        process.tasks.spawn(hears);
        if config.serve.work {
            process.work(&config);
        }
        if !config.serve.work && config.is_sqlite() {
            tracing::warn!("serve.work is off, and no worker can share SQLite: runs and coaching turns wait");
        }
        Ok(Running { address, admin_address, services, pipeline, process, _data: data })
    }
}

/// Works in the background for servers in other processes, and listens for its operator alone.
pub async fn start_worker(config: &Config, ambient: Ambient) -> Result<Working, StartError> {
    let (services, _) = connect(config, ambient, vec![]).await?;
    let (admin, admin_address) = listen(config.admin_listen, "AIFIRST_ADMIN_LISTEN").await?;
    let process = Process::begin(&services, admin);
    process.work(config);
    if config.events.url.is_empty() {
        tracing::warn!("events.url is empty: servers see what this worker does only when they look again");
    }
    Ok(Working { admin_address, process })
}

/// What the operator lets everybody run.
fn manifests(config: &Config) -> Result<Vec<NewDocument>, StartError> {
    let mut documents = vec![];
    for file in &config.http.documents.manifests {
        let failed = |error| StartError::Manifest(file.clone(), error);
        let json = std::fs::read_to_string(file).map_err(|error| failed(error.to_string()))?;
        documents.extend(trusted::parse_manifest(&json).map_err(failed)?);
    }
    Ok(documents)
}

async fn connect(
    config: &Config,
    ambient: Ambient,
    manifests: Vec<NewDocument>,
) -> Result<(Services, Pipeline), StartError> {
    let db = db::open(config).await?;
    // A server that was killed leaves what was forgotten last in the write-ahead log.
    if let Err(error) = db.checkpoint().await {
        tracing::warn!(error = %error.for_log(), "the write-ahead log was not emptied at the start; it is tried again");
    }
    let bus = Bus::connect(&config.events.url).await?;
    let log = Log::new(db.clone(), bus.clone(), ambient.clone());
    let mut account = AccountService::new(db.clone(), log.clone(), ambient.clone())
        .rechecking(Duration::from_secs(config.auth.recheck_seconds.into()));
    if let Some(verifier) = jwt::Verifier::from_config(&config.auth.jwt)? {
        account = account.with_jwt(verifier, config.auth.provision_users);
    }
    let pipeline = Pipeline::new(&graphql::sdl(), config.graphql.clone()).map_err(Error::internal)?;
    let trusted = TrustedService::new(trusted::Parts {
        db: db.clone(),
        log: log.clone(),
        ambient: ambient.clone(),
        account: account.clone(),
        check: Arc::new(pipeline.clone()),
        manifests,
        cache_bytes: config.http.documents.cache_bytes,
        document_bytes: config.graphql.document_bytes,
        recheck: TimeDelta::seconds(config.http.documents.recheck_seconds.into()),
        only: config.http.documents.mode == DocumentMode::Only,
    })
    .map_err(StartError::Manifests)?;
    let workflow = WorkflowService::new(db.clone(), log.clone(), ambient.clone());
    let parts = gateway::Parts {
        db: db.clone(),
        events: log.clone(),
        bus: bus.clone(),
        ambient: ambient.clone(),
        account: account.clone(),
        workflows: Arc::new(workflow.clone()),
    };
    let gateway = Gateway::new(&config.gateway, parts)?;
    index::remake(&log, &ambient).await?;
    let copies = index::Index::new(db.clone(), config.memory.index_bytes);
    let coached = MemoryPorts::default();
    let rerank = &config.memory.rerank;
    let embedding = &config.memory.embedding;
    let ports = Ports {
        embeddings: (!embedding.route.is_empty())
            .then(|| ProviderEmbeddings::new(gateway.clone(), account.clone(), embedding.clone())),
        reranker: (!rerank.route.is_empty())
            .then(|| Reranker::new(gateway.clone(), rerank.route.clone(), rerank.hits)),
        sessions: Some(Arc::new(coached.clone())),
        transcript: Some(Arc::new(coached.clone())),
        derived: vec![Arc::new(coached.clone()), Arc::new(workflow.clone()), Arc::new(gateway.clone())],
    };
    let readings = Readings::in_parts_of(config.memory.forget_about_texts);
    let memory = MemoryService::new(db.clone(), log.clone(), ambient.clone(), ports, copies, readings);
    let parts = coaching::Parts {
        db: db.clone(),
        log: log.clone(),
        bus: bus.clone(),
        ambient: ambient.clone(),
        account: account.clone(),
        gateway: gateway.clone(),
        memory: memory.clone(),
        tools: Tools::default(),
        config: config.coaching.clone(),
    };
    let coaching = CoachingService::new(parts, &coached);
    let tools: [Arc<dyn Tool>; 4] = [
        Arc::new(RecallTool(memory.clone())),
        Arc::new(RememberTool { memory: memory.clone(), log: log.clone() }),
        Arc::new(CreateActionItemTool(coaching.clone())),
        Arc::new(StartWorkflowTool(workflow.clone())),
    ];
    let tools = Tools::new(tools);
    let coaching = coaching.offering(tools.named(&config.coaching.tools));
    let sync = SyncService::new(db.clone(), log.clone());
    let services = Services {
        db,
        log,
        bus,
        ambient,
        account,
        trusted,
        gateway,
        memory,
        workflow,
        coaching,
        sync,
        tools,
    };
    Ok((services, pipeline))
}

async fn listen(address: SocketAddr, setting: &'static str) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |error| StartError::Listen(address, error, setting);
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

/// A server at work.
#[derive(Debug)]
pub struct Running {
    pub address: SocketAddr,
    pub admin_address: SocketAddr,
    pub services: Services,
    /// Tells how much work documents made.
    pub pipeline: Pipeline,
    process: Process,
    _data: DataFolder,
}

impl Running {
    /// Takes nothing new, lets what has begun end, and closes the database.
    pub async fn stop(self) {
        self.process.stop().await;
    }
}

/// A worker at work.
#[derive(Debug)]
pub struct Working {
    pub admin_address: SocketAddr,
    process: Process,
}

impl Working {
    /// Takes nothing new, lets what has begun end, and closes the database.
    pub async fn stop(self) {
        self.process.stop().await;
    }
}

/// What servers and workers have in common: an operator who watches, and work that ends in order.
#[derive(Debug)]
struct Process {
    services: Services,
    stop: CancellationToken,
    /// What `stop` ends.
    tasks: TaskTracker,
    /// Ends the listener of the operator, who sees all else end.
    ended: CancellationToken,
    admin: JoinHandle<()>,
}

/// How long work that has begun may take to end.
const DRAIN: Duration = Duration::from_secs(20);
/// How long the operator's last request may take.
const LAST_REQUEST: Duration = Duration::from_secs(3);
/// How long the database is waited for at the end, where something on it does not end.
const LAST_WRITES: Duration = Duration::from_secs(5);

impl Process {
    fn begin(services: &Services, listener: TcpListener) -> Self {
        let (stop, ended) = (CancellationToken::new(), CancellationToken::new());
        let admin = http::Admin::new(services.clone(), stop.clone());
        let admin = tokio::spawn(admin.serve(listener, ended.clone()));
        let tasks = TaskTracker::new();
        tasks.spawn(services.db.clone().keep_checkpointing(stop.clone()));
        tasks.spawn(services.gateway.clone().write_log(stop.clone()));
        tasks.spawn(services.gateway.clone().listen(stop.clone()));
        tasks.spawn(services.gateway.clone().watch_providers(stop.clone()));
        tasks.spawn(services.gateway.clone().keep_budgets(stop.clone()));
        Self { services: services.clone(), stop, tasks, ended, admin }
    }

    /// Carries out runs and coaching turns, and sweeps.
    fn work(&self, config: &Config) {
        let Services { db, log, bus, ambient, account, gateway, memory, workflow, coaching, tools, .. } =
            &self.services;
        let hands = Hands {
            account: account.clone(),
            memory: memory.clone(),
            gateway: gateway.clone(),
            tools: tools.clone(),
        };
        let settings = config.workflow.clone();
        let executor = Executor::new(db.clone(), log.clone(), ambient.clone(), workflow, hands, settings);
        self.tasks.spawn(executor.work(self.stop.clone()));
        self.tasks.spawn(gateway.clone().sweep_budgets(self.stop.clone()));
        self.tasks.spawn(gateway.clone().sweep_contents(self.stop.clone()));
        self.tasks.spawn(memory.clone().expire_memories(self.stop.clone()));
        self.tasks.spawn(memory.clone().keep_embedded(self.stop.clone()));
        self.tasks.spawn(Worker::new(coaching).run(self.stop.clone()));
        let reader = Reader::new(memory.clone(), bus.clone(), config.documents.clone());
        self.tasks.spawn(reader.run(self.stop.clone()));
        if let Some(keep) = config.events.retention() {
            self.tasks.spawn(Sweeper::new(log.clone(), keep).run(self.stop.clone()));
        }
    }

    async fn stop(self) {
        self.stop.cancel();
        self.tasks.close();
        if timeout(DRAIN, self.tasks.wait()).await.is_err() {
            tracing::warn!("stopped before all work had ended; it will be taken up at the next start");
        }
        self.ended.cancel();
        // Whoever holds a connection open to the operator's listener does not hold the process.
        let _ = timeout(LAST_REQUEST, self.admin).await;
        self.services.gateway.close().await;
        if timeout(LAST_WRITES, leave(&self.services)).await.is_err() {
            tracing::warn!("the database does not answer; it is left as it is");
        }
    }
}

async fn leave(services: &Services) {
    if let Err(error) = services.account.flush_usage().await {
        tracing::warn!(error = %error.for_log(), "when API keys were last used could not be written");
    }
    services.db.clone().close().await;
}
