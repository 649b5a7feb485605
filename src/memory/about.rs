//! What is about a person or a topic, to be forgotten as a whole: found by reading everything word by word, whatever
//! its state, so that nothing is missed because it ranks low or is not in the index.
use super::{
    ErasureReceipt, MemoryService, Remembered, policy,
    store::{self, document as documents},
    terms::Terms,
};
use crate::shared::{
    Error, Problems, Result,
    actor::{Actor, Grant, Write},
    id::{DocumentId, MemoryId, WorkspaceId},
    text,
};
use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError, Weak},
};
use tokio::{
    sync::{OwnedMutexGuard, Semaphore},
    task::spawn_blocking,
};

/// Characters of a person or a topic.
const MAX_ABOUT: usize = 200;

/// Memories and documents of one forgetting.
const MOST: usize = 500;

/// Texts that are read at once.
const PAGE: u64 = 500;

/// Pages that are gone through at once, of all workspaces.
const PAGES: usize = 2;

/// Who or what is to be forgotten.
#[derive(Clone, Debug)]
pub struct About {
    pub workspace: WorkspaceId,
    /// All of its words, in whatever form and order, make a text be about it.
    pub about: String,
    /// Documents, too, as a whole.
    pub documents: bool,
}

impl About {
    /// A text is about it that holds all of them.
    fn words(&self) -> Result<BTreeSet<String>> {
        let mut problems = Problems::default();
        let asked = text::required(&mut problems, "about", &self.about, MAX_ABOUT);
        if Terms::asked(&asked).is_empty() {
            problems.invalid("about", "name a person or a topic: these words alone are in too many texts");
        }
        problems.finish()?;
        Ok(Terms::whole(&[asked]))
    }
}

/// What is about it.
#[derive(Clone, Debug, Default)]
pub struct AboutIt {
    pub memories: BTreeSet<MemoryId>,
    pub documents: BTreeSet<DocumentId>,
    /// There is more of it.
    pub more: bool,
}

/// Who reads everything that is remembered: one at a time of each workspace, and workspaces in turns, page by page. So
/// whoever asks often or has much holds up nobody else.
#[derive(Clone, Debug)]
pub(super) struct Readings {
    turns: Arc<Mutex<HashMap<WorkspaceId, Weak<tokio::sync::Mutex<()>>>>>,
    pages: Arc<Semaphore>,
}

impl Default for Readings {
    fn default() -> Self {
        Self { turns: Arc::default(), pages: Arc::new(Semaphore::new(PAGES)) }
    }
}

impl Readings {
    async fn turn(&self, workspace: WorkspaceId) -> OwnedMutexGuard<()> {
        self.of(workspace).lock_owned().await
    }

    fn of(&self, workspace: WorkspaceId) -> Arc<tokio::sync::Mutex<()>> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        turns.retain(|_, turn| turn.strong_count() > 0);
        let turn = turns.get(&workspace).and_then(Weak::upgrade).unwrap_or_default();
        turns.insert(workspace, Arc::downgrade(&turn));
        turn
    }

    /// Whose texts hold all these words.
    async fn holding<T: Send + 'static, P: Send + 'static>(
        &self,
        page: Vec<Readable<T, P>>,
        words: &BTreeSet<String>,
    ) -> Result<Vec<T>> {
        let turn = self.pages.clone().acquire_owned().await.map_err(Error::internal)?;
        let words = words.clone();
        let read = move || {
            let _turn = turn;
            let holds = |readable: &Readable<T, P>| {
                let terms = Terms::whole(&readable.texts);
                words.iter().all(|word| terms.contains(word))
            };
            page.into_iter().filter(holds).map(|readable| readable.of).collect()
        };
        spawn_blocking(read).await.map_err(Error::internal)
    }
}

impl AboutIt {
    fn is_full(&self) -> bool {
        self.memories.len() + self.documents.len() > MOST
    }

    /// The limit, and that there was more.
    fn bounded(mut self) -> Self {
        self.more = self.is_full();
        while self.is_full() {
            // One set or the other, by which is at the limit.
            if self.documents.pop_last().is_none() {
                self.memories.pop_last();
            }
        }
        self
    }
}

/// A text with whose it is.
pub(super) struct Readable<T, P> {
    pub(super) of: T,
    /// For the next page.
    pub(super) place: P,
    pub(super) texts: Vec<String>,
}

impl MemoryService {
    /// What the actor could forget of it.
    pub async fn about(&self, actor: &Actor, about: &About) -> Result<AboutIt> {
        let grant = actor.may::<policy::ForgetAbout>(about.workspace)?;
        let _turn = self.readings.turn(about.workspace).await;
        self.read_about(&grant, about).await
    }

    async fn read_about(&self, grant: &Grant<Write>, about: &About) -> Result<AboutIt> {
        let words = about.words()?;
        let mut found = AboutIt::default();
        let mut after = None;
        while !found.is_full() {
            let page = store::texts_after(&self.db, grant, after, PAGE).await?;
            let Some(last) = page.last().map(|readable| readable.place) else { break };
            found.memories.extend(self.readings.holding(page, &words).await?);
            after = Some(last);
        }
        let mut after = None;
        while about.documents && !found.is_full() {
            let page = documents::texts_after(&self.db, grant, after, PAGE).await?;
            let Some(last) = page.last().map(|readable| readable.place) else { break };
            found.documents.extend(self.readings.holding(page, &words).await?);
            after = Some(last);
        }
        Ok(found.bounded())
    }

    /// Erases what is about it, with what was made of that, and that its names are one with others. `None` where there is
    /// nothing.
    pub async fn forget_about(&self, actor: &Actor, about: &About) -> Result<(Option<ErasureReceipt>, bool)> {
        let grant = actor.may::<policy::ForgetAbout>(about.workspace)?;
        let _turn = self.readings.turn(about.workspace).await;
        let found = self.read_about(&grant, about).await?;
        let memories = found.memories.into_iter().map(Remembered::Memory);
        let asked: Vec<_> = memories.chain(found.documents.into_iter().map(Remembered::Document)).collect();
        let receipt = self.forget_all(actor, &asked).await?;
        self.forget_names(&grant, &about.words()?).await?;
        Ok((receipt, found.more))
    }
}
