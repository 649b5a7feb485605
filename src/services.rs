//! The services of all slices, as the front door is given them.
use crate::{
    account::AccountService,
    coaching::CoachingService,
    db::Db,
    event::{Bus, Log},
    gateway::{Gateway, Tools},
    memory::MemoryService,
    shared::Ambient,
    sync::SyncService,
    trusted::TrustedService,
    workflow::WorkflowService,
};

/// Made once, by [`crate::app`]; each is cheap to clone.
#[derive(Clone, Debug)]
pub struct Services {
    pub db: Db,
    pub log: Log,
    pub bus: Bus,
    pub ambient: Ambient,
    pub account: AccountService,
    pub trusted: TrustedService,
    pub gateway: Gateway,
    pub memory: MemoryService,
    pub workflow: WorkflowService,
    pub coaching: CoachingService,
    pub sync: SyncService,
    /// What models can have done.
    pub tools: Tools,
}
