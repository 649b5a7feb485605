//! Puts the product together: configuration → database, log and bus → services → what runs.
use crate::{
    account::{AccountService, DevelopmentError, jwt},
    coaching::{self, CoachingService, MemoryPorts, Worker},
    config::{Config, Mode},
    db::{self, DataFolder, connect::OpenError},
    event::{Bus, BusError, Log},
    gateway::Gateway,
    graphql, http,
    memory::{MemoryService, Ports},
    services::Services,
    shared::{Ambient, Error},
    workflow::{Executor, Hands, WorkflowService},
};
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::{net::TcpListener, task::JoinHandle};
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
    Development(#[from] DevelopmentError),
    #[error(
        "the database holds a key whose secret a development server wrote to a file, and mode is production. \
         Revoke it by `aifirst token revoke --development`, or use another database"
    )]
    DevelopmentKey,
    #[error("the start failed: {0}")]
    First(#[from] Error),
}

/// Everything that a command needs; the data folder is held as long as this lives.
#[derive(Debug)]
pub struct App {
    pub config: Config,
    pub services: Services,
    data: DataFolder,
}

impl App {
    pub async fn open(config: Config, ambient: Ambient) -> Result<Self, StartError> {
        let data = DataFolder::open(&config.data_dir)?;
        let db = db::open(&config).await?;
        let bus = Bus::connect(&config.events.url).await?;
        let log = Log::new(db.clone(), bus.clone(), ambient.clone());
        let mut account = AccountService::new(db.clone(), log.clone(), ambient.clone());
        if let Some(verifier) = jwt::Verifier::from_config(&config.auth.jwt)? {
            account = account.with_jwt(verifier, config.auth.provision_users);
        }
        let gateway = Gateway::builtin(Duration::from_millis(config.gateway.builtin.pace_milliseconds));
        let workflow = WorkflowService::new(db.clone(), log.clone(), ambient.clone());
        let ports = Ports {
            sessions: Some(Arc::new(MemoryPorts)),
            derived: vec![Arc::new(MemoryPorts), Arc::new(workflow.clone())],
        };
        let memory = MemoryService::new(db.clone(), log.clone(), ambient.clone(), ports);
        let coaching = CoachingService::new(coaching::Parts {
            db: db.clone(),
            log: log.clone(),
            bus: bus.clone(),
            ambient: ambient.clone(),
            account: account.clone(),
            gateway: gateway.clone(),
            memory: memory.clone(),
            config: config.coaching.clone(),
        });
        let services = Services { db, log, bus, ambient, account, gateway, memory, workflow, coaching };
        Ok(Self { config, services, data })
    }

    /// Listens, serves, and works in the background until [`Running::stop`].
    pub async fn start(self) -> Result<Running, StartError> {
        let listen = async |address, setting| {
            TcpListener::bind(address).await.map_err(|error| StartError::Listen(address, error, setting))
        };
        let public = listen(self.config.listen, "AIFIRST_LISTEN").await?;
        let admin = listen(self.config.admin_listen, "AIFIRST_ADMIN_LISTEN").await?;
        let stop = CancellationToken::new();
        let tasks = TaskTracker::new();
        let address =
            public.local_addr().map_err(|e| StartError::Listen(self.config.listen, e, "AIFIRST_LISTEN"))?;
        let admin_address = admin
            .local_addr()
            .map_err(|e| StartError::Listen(self.config.admin_listen, e, "AIFIRST_ADMIN_LISTEN"))?;
        match self.config.mode {
            Mode::Development => {
                self.services.account.prepare_development(self.data.path()).await?;
            }
            Mode::Production if self.services.account.has_development_key().await? => {
                return Err(StartError::DevelopmentKey);
            }
            Mode::Production => {}
        }
        tasks.spawn(self.services.account.clone().write_usage(stop.clone()));
        let executor = self.executor();
        tasks.spawn(executor.work(stop.clone()));
        let schema = graphql::schema(&self.services);
        tasks.spawn(Worker::new(&self.services.coaching).run(stop.clone()));
        let server = http::Server::new(&self.config, schema, self.services.clone(), &stop)?;
        let server = tokio::spawn(server.serve(public, admin, stop.clone()));
        Ok(Running { address, admin_address, services: self.services, stop, tasks, server, _data: self.data })
    }
}

impl App {
    /// Carries workflows out.
    fn executor(&self) -> Executor {
        let Services { db, log, ambient, workflow, .. } = &self.services;
        let hands = Hands {
            account: self.services.account.clone(),
            memory: self.services.memory.clone(),
            gateway: self.services.gateway.clone(),
        };
        let settings = self.config.workflow.clone();
        Executor::new(db.clone(), log.clone(), ambient.clone(), workflow, hands, settings)
    }
}

/// A server at work.
#[derive(Debug)]
pub struct Running {
    pub address: SocketAddr,
    pub admin_address: SocketAddr,
    pub services: Services,
    stop: CancellationToken,
    /// What works in the background.
    tasks: TaskTracker,
    server: JoinHandle<()>,
    _data: DataFolder,
}

/// How long work that has begun may take to end.
const DRAIN: Duration = Duration::from_secs(20);

impl Running {
    /// Takes nothing new, lets what has begun end, and closes the database.
    pub async fn stop(self) {
        self.stop.cancel();
        self.tasks.close();
        let ended = async {
            let _ = self.server.await;
            self.tasks.wait().await;
        };
        if tokio::time::timeout(DRAIN, ended).await.is_err() {
            tracing::warn!("stopped before all work had ended; it will be taken up at the next start");
        }
        if let Err(error) = self.services.account.flush_usage().await {
            tracing::warn!(%error, "when API keys were last used could not be written");
        }
        if let Err(error) = self.services.db.close().await {
            tracing::warn!(%error, "the database did not close in order");
        }
    }
}
