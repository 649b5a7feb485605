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
    page::{self, Key, NOT_OF_THIS_LIST},
    text,
};
use chrono::{DateTime, Datelike, Utc};
use std::{
    collections::{BTreeSet, HashMap},
    ops::ControlFlow,
    sync::{Arc, Mutex, PoisonError, Weak},
};
use tokio::{
    sync::{OwnedMutexGuard, Semaphore},
    task::spawn_blocking,
};
use uuid::Uuid;

/// Characters of a person or a topic.
const MAX_ABOUT: usize = 200;

/// Memories and documents of one forgetting.
const MOST: usize = 500;

/// Texts that are read at once.
const PAGE: u64 = 500;

/// What is gone through one after the other, for [`Key::list`].
const MEMORIES: u32 = 1;
const CHUNKS: u32 = 2;

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
    /// In parts: from here on ([`AboutIt::next`]), or from the beginning where it is empty. `None` reads to the end.
    pub after: Option<String>,
}

/// How far everything was read.
#[derive(Clone, Copy, Debug)]
enum Place {
    Memories(Option<(DateTime<Utc>, Uuid)>),
    Chunks(Option<Uuid>),
}

impl Place {
    fn encode(self, about: &About) -> String {
        let key = match self {
            Self::Memories(at) => {
                let (at, id) = at.unwrap_or_default();
                Key { list: MEMORIES, value: at.timestamp_micros(), id }
            }
            Self::Chunks(id) => Key { list: CHUNKS, value: 0, id: id.unwrap_or_default() },
        };
        about.bind(key).encode()
    }

    fn decode(text: &str, about: &About) -> Result<Self> {
        let key = about.bind(Key::decode(text)?);
        // The databases differ in the years that they take.
        let at = DateTime::from_timestamp_micros(key.value).filter(|at| (0..=9999).contains(&at.year()));
        let at = at.ok_or(NOT_OF_THIS_LIST)?;
        match key.list {
            MEMORIES => Ok(Self::Memories(Some((at, key.id)))),
            CHUNKS => Ok(Self::Chunks(Some(key.id))),
            _ => Err(NOT_OF_THIS_LIST),
        }
    }
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

    fn begin(&self) -> Result<Place> {
        match self.after.as_deref() {
            None | Some("") => Ok(Place::Memories(None)),
            Some(after) => Place::decode(after, self),
        }
    }

    /// A place is one of this asking alone; a second time takes that back.
    fn bind(&self, mut key: Key) -> Key {
        key.list ^= page::hash(self.about.as_bytes()) ^ (u32::from(self.documents) << 8);
        key.bound_to(self.workspace.uuid())
    }
}

/// What is about it.
#[derive(Clone, Debug, Default)]
pub struct AboutIt {
    pub memories: BTreeSet<MemoryId>,
    pub documents: BTreeSet<DocumentId>,
    /// Where to go on; `None` where everything was read.
    pub next: Option<String>,
}

/// Who reads everything that is remembered: one at a time of each workspace, and workspaces in turns, page by page. So
/// whoever asks often or has much holds up nobody else.
#[derive(Clone, Debug)]
pub struct Readings {
    turns: Arc<Mutex<HashMap<WorkspaceId, Weak<tokio::sync::Mutex<()>>>>>,
    pages: Arc<Semaphore>,
    /// Texts that one call goes through where it reads in parts.
    part: usize,
}

impl Readings {
    pub fn in_parts_of(part: usize) -> Self {
        Self { turns: Arc::default(), pages: Arc::new(Semaphore::new(PAGES)), part }
    }

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

    /// Whose texts hold all these words, each with its place.
    async fn holding<T: Send + 'static, P: Send + 'static>(
        &self,
        page: Vec<Readable<T, P>>,
        words: &BTreeSet<String>,
    ) -> Result<Vec<(P, T)>> {
        let turn = self.pages.clone().acquire_owned().await.map_err(Error::internal)?;
        let words = words.clone();
        let read = move || {
            let _turn = turn;
            let holds = |readable: &Readable<T, P>| {
                let terms = Terms::whole(&readable.texts);
                words.iter().all(|word| terms.contains(word))
            };
            page.into_iter().filter(holds).map(|readable| (readable.place, readable.of)).collect()
        };
        spawn_blocking(read).await.map_err(Error::internal)
    }
}

impl AboutIt {
    fn is_full(&self) -> bool {
        self.memories.len() + self.documents.len() >= MOST
    }

    /// False where there is no place for it.
    fn take_memory(&mut self, id: MemoryId) -> bool {
        let has_place = !self.is_full();
        if has_place {
            self.memories.insert(id);
        }
        has_place
    }

    /// False where there is no place for it. Of a document there may be several texts.
    fn take_document(&mut self, id: DocumentId) -> bool {
        let has_place = !self.is_full() || self.documents.contains(&id);
        if has_place {
            self.documents.insert(id);
        }
        has_place
    }
}

/// One call's way through everything.
struct Reading<'a> {
    readings: &'a Readings,
    words: &'a BTreeSet<String>,
    /// Texts that it may yet read.
    left: usize,
}

impl Reading<'_> {
    /// Gives what holds the words to `take`, until that has no place for one: then it breaks off before that one, as it
    /// does behind the last text that it may read.
    async fn through<T, P, F>(
        &mut self,
        mut after: Option<P>,
        page: impl Fn(Option<P>, u64) -> F,
        mut take: impl FnMut(T) -> bool,
    ) -> Result<ControlFlow<Option<P>>>
    where
        T: Send + 'static,
        P: Copy + Send + 'static,
        F: Future<Output = Result<Vec<Readable<T, P>>>>,
    {
        while self.left > 0 {
            let texts = page(after, PAGE.min(self.left as u64)).await?;
            let Some(last) = texts.last().map(|readable| readable.place) else {
                return Ok(ControlFlow::Continue(()));
            };
            self.left = self.left.saturating_sub(texts.len());
            for (place, of) in self.readings.holding(texts, self.words).await? {
                if !take(of) {
                    return Ok(ControlFlow::Break(after));
                }
                after = Some(place);
            }
            after = Some(last);
        }
        Ok(ControlFlow::Break(after))
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
        let words = about.words()?;
        let _turn = self.readings.turn(about.workspace).await;
        self.read_about(&grant, about, &words).await
    }

    async fn read_about(
        &self,
        grant: &Grant<Write>,
        about: &About,
        words: &BTreeSet<String>,
    ) -> Result<AboutIt> {
        let begin = about.begin()?;
        let left = about.after.as_ref().map_or(usize::MAX, |_| self.readings.part);
        let mut reading = Reading { readings: &self.readings, words, left };
        let mut found = AboutIt::default();
        let chunks_after = match begin {
            Place::Memories(after) => {
                let page = |after, limit| store::texts_after(&self.db, grant, after, limit);
                let read = reading.through(after, page, |id| found.take_memory(id)).await?;
                if let ControlFlow::Break(place) = read {
                    found.next = Some(Place::Memories(place).encode(about));
                    return Ok(found);
                }
                None
            }
            Place::Chunks(after) => after,
        };
        if about.documents {
            let page = |after, limit| documents::texts_after(&self.db, grant, after, limit);
            let read = reading.through(chunks_after, page, |id| found.take_document(id)).await?;
            if let ControlFlow::Break(place) = read {
                found.next = Some(Place::Chunks(place).encode(about));
            }
        }
        Ok(found)
    }

    /// Erases what is about it, with what was made of that, and that its names are one with others. `None` where there is
    /// nothing.
    pub async fn forget_about(
        &self,
        actor: &Actor,
        about: &About,
    ) -> Result<(Option<ErasureReceipt>, Option<String>)> {
        let grant = actor.may::<policy::ForgetAbout>(about.workspace)?;
        let words = about.words()?;
        let _turn = self.readings.turn(about.workspace).await;
        let found = self.read_about(&grant, about, &words).await?;
        let memories = found.memories.into_iter().map(Remembered::Memory);
        let asked: Vec<_> = memories.chain(found.documents.into_iter().map(Remembered::Document)).collect();
        let receipt = self.forget_all(actor, &asked).await?;
        self.forget_names(&grant, &words).await?;
        Ok((receipt, found.next))
    }
}
