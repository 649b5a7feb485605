//! The use cases of what memories name: listed from the index, where the names lie with the memories themselves, so that
//! what is forgotten names nothing any more. Only that two names are one is written down.
use super::{
    Memory, MemoryScope, MemoryService,
    extraction::named::{EntityKind, key},
    index::{ItemKind, Moment, Replica},
    model::{Alias, Aliases, Entity, EntityFilter, Merge, Separation},
    partition::Partition,
    policy,
    rank::Among,
    store,
    terms::Terms,
};
use crate::{
    event::Tx,
    shared::{
        Error, Page, PageRequest, Result,
        actor::{Actor, AtLeast, Grant, Read, Write},
        id::{MemoryId, WorkspaceId},
        page::{Key, hash},
    },
};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use uuid::Uuid;

/// Names that stand for others in one partition.
const MAX_ALIASES: usize = 1_000;

/// Where sessions are not named, they are not read.
const SCOPES: [MemoryScope; 2] = [MemoryScope::User, MemoryScope::Workspace];

/// What the memories in use say of a name.
#[derive(Default)]
struct Mentions {
    /// How it is written, and how often.
    spellings: BTreeMap<String, usize>,
    kinds: BTreeMap<EntityKind, usize>,
    memories: BTreeSet<Uuid>,
}

impl Mentions {
    /// A thing is what nothing told a person or a project from.
    fn kind(&self) -> EntityKind {
        let of = |kind| self.kinds.get(&kind).copied().unwrap_or(0);
        match (of(EntityKind::Person), of(EntityKind::Project)) {
            (0, 0) => EntityKind::Thing,
            (person, project) if person >= project => EntityKind::Person,
            _ => EntityKind::Project,
        }
    }

    /// Of those that are as frequent the first in the order of letters.
    fn spelling(&self) -> &str {
        let best = self.spellings.iter().max_by(|one, other| one.1.cmp(other.1).then(other.0.cmp(one.0)));
        best.map_or("", |(spelling, _)| spelling)
    }
}

/// The aliases that hold for an actor, with what their memories name.
struct Told {
    aliases: Aliases,
    mentions: HashMap<String, Mentions>,
}

impl MemoryService {
    /// What the actor's own memories and the workspace's name, most named first.
    pub async fn entities(
        &self,
        actor: &Actor,
        workspace: WorkspaceId,
        filter: &EntityFilter,
        request: &PageRequest,
    ) -> Result<Page<Entity>> {
        let grant = actor.may::<Read>(workspace)?;
        let Told { aliases, mentions } = self.mentions(&grant, None).await?;
        let list = hash(format!("entities by name {:?} {:?}", filter.name, filter.kinds).as_bytes());
        let mut all = vec![];
        for (key, mentions) in mentions {
            let entity = entity(workspace, key, &mentions, &aliases);
            if filter.fits(&entity, &aliases) {
                all.push((place(list, &entity)?, entity));
            }
        }
        Page::of(all, list, request)
    }

    /// Of these keys, what the actor's memories tell of each.
    pub async fn find_entities(
        &self,
        actor: &Actor,
        workspace: WorkspaceId,
        keys: HashSet<String>,
    ) -> Result<HashMap<String, Entity>> {
        let grant = actor.may::<Read>(workspace)?;
        let Told { aliases, mentions } = self.mentions(&grant, Some(keys)).await?;
        let found = mentions.into_iter().map(|(key, mentions)| {
            let entity = entity(workspace, key.clone(), &mentions, &aliases);
            (key, entity)
        });
        Ok(found.collect())
    }

    /// For each of these, the memories in use that name it and that the actor may see, newest first.
    pub async fn memories_naming(
        &self,
        actor: &Actor,
        workspace: WorkspaceId,
        asked: &[(String, PageRequest)],
    ) -> Result<Vec<Page<Memory>>> {
        let grant = actor.may::<Read>(workspace)?;
        let keys = asked.iter().map(|(key, _)| key.clone()).collect();
        let Told { mentions, .. } = self.mentions(&grant, Some(keys)).await?;
        let mut pages = Vec::with_capacity(asked.len());
        for (key, request) in asked {
            let list = hash(format!("memories naming {key}").as_bytes());
            let ids = mentions.get(key).map(|mentions| mentions.memories.iter()).into_iter().flatten();
            // Ids tell the order of making; turned over, the newest is the first.
            let place = |id: &Uuid| Key { list, value: 0, id: Uuid::from_u128(!id.as_u128()) };
            let all = ids.map(|id| (place(id), MemoryId::from_uuid(*id))).collect();
            pages.push(Page::of(all, list, request)?);
        }
        let ids: Vec<_> = pages.iter().flat_map(|page| page.items.iter().map(|(_, id)| *id)).collect();
        let memories = self.find_many(actor, &ids).await?;
        // What was forgotten a moment ago is left out.
        let shown = |page: Page<MemoryId>| page.filter_map(|id| memories.get(&id).cloned());
        Ok(pages.into_iter().map(shown).collect())
    }

    /// What the names of a workspace stand for, as it holds for the actor.
    pub async fn aliases(&self, actor: &Actor, workspace: WorkspaceId) -> Result<Aliases> {
        store::aliases(&self.db, &actor.may::<Read>(workspace)?).await
    }

    /// Makes names stand for one, for the actor alone or for the workspace. Gives what it is then.
    pub async fn merge_entities(&self, actor: &Actor, merge: Merge) -> Result<Entity> {
        let grant = actor.may::<policy::MergeEntities>(merge.workspace)?;
        let merge = merge.checked()?;
        let partition = Partition::of_scope(&grant, merge.scope, None);
        let tx = self.log.begin().await?;
        let merged = |aliases| {
            let after = merge.carried_out(aliases);
            if after.len() > MAX_ALIASES {
                let message = format!("more than {MAX_ALIASES} names stand for others: separate some first");
                return Err(Error::conflict("names", message));
            }
            Ok(after)
        };
        self.change_aliases(&tx, &partition, merged).await?;
        tx.commit().await?;
        let mut named = self.entities_named(actor, merge.workspace, &[merge.into]).await?;
        named.pop().ok_or_else(|| Error::internal("a name stands for nothing"))
    }

    /// Makes names stand for themselves again. Gives what each is then.
    pub async fn separate_entities(&self, actor: &Actor, separation: Separation) -> Result<Vec<Entity>> {
        let grant = actor.may::<policy::SeparateEntities>(separation.workspace)?;
        let separation = separation.checked()?;
        let partition = Partition::of_scope(&grant, separation.scope, None);
        let keys: HashSet<String> = separation.names.iter().map(|name| key(name)).collect();
        let tx = self.log.begin().await?;
        let kept = |alias: &Alias| !keys.contains(&alias.key);
        self.change_aliases(&tx, &partition, |aliases| Ok(aliases.into_iter().filter(kept).collect()))
            .await?;
        tx.commit().await?;
        self.entities_named(actor, separation.workspace, &separation.names).await
    }

    /// Takes back what was merged, for the grant's principal and for the workspace, of names that hold all these words.
    pub(super) async fn forget_names(&self, grant: &Grant<Write>, words: &BTreeSet<String>) -> Result<()> {
        let kept = |alias: &Alias| {
            let named = Terms::whole(&[alias.name.clone(), alias.entity_name.clone()]);
            !words.iter().all(|word| named.contains(word))
        };
        let tx = self.log.begin().await?;
        for partition in [Partition::of_user(grant), Partition::of_workspace(grant)] {
            let change = |aliases: Vec<Alias>| Ok(aliases.into_iter().filter(kept).collect());
            self.change_aliases(&tx, &partition, change).await?;
        }
        tx.commit().await
    }

    /// Puts what becomes of a partition's aliases in their place.
    async fn change_aliases(
        &self,
        tx: &Tx,
        partition: &Partition,
        change: impl FnOnce(Vec<Alias>) -> Result<Vec<Alias>>,
    ) -> Result<()> {
        store::lock_partition(tx, partition, self.ambient.random.bytes()).await?;
        let before = store::aliases_in(tx, partition).await?;
        let after = change(before.clone())?;
        if after != before {
            store::replace_aliases(tx, partition, &after).await?;
        }
        Ok(())
    }

    /// What each of these names stands for; a thing that nothing names where no memory does.
    async fn entities_named(
        &self,
        actor: &Actor,
        workspace: WorkspaceId,
        names: &[String],
    ) -> Result<Vec<Entity>> {
        let aliases = self.aliases(actor, workspace).await?;
        let unnamed = names.iter().map(|name| {
            let own = key(name);
            let (key, merged) = aliases.entity(&own);
            let name = merged.unwrap_or(name).to_owned();
            Entity { workspace, key: key.to_owned(), name, kind: EntityKind::Thing, memories: Some(0) }
        });
        let unnamed: Vec<_> = unnamed.collect();
        let keys = unnamed.iter().map(|entity| entity.key.clone()).collect();
        let found = self.find_entities(actor, workspace, keys).await?;
        let named = unnamed.into_iter().map(|unnamed| found.get(&unnamed.key).cloned().unwrap_or(unnamed));
        Ok(named.collect())
    }

    /// What memories in use name, by what the names stand for; only of `keys` where there are any.
    async fn mentions(
        &self,
        grant: &Grant<impl AtLeast<Read>>,
        keys: Option<HashSet<String>>,
    ) -> Result<Told> {
        let aliases = store::aliases(&self.db, grant).await?;
        let standings = store::standings(&self.db, grant, &SCOPES).await?;
        if standings.is_empty() {
            return Ok(Told { aliases, mentions: HashMap::new() });
        }
        let copies = self.index.copies(&standings).await?;
        let moment = Moment { now: self.ambient.now().timestamp_micros(), true_at: None, known_at: None };
        let read = move |among: &Among| {
            let mut mentions = HashMap::new();
            for copy in among.copies {
                gather(&mut mentions, copy, &aliases, keys.as_ref(), &moment);
            }
            Told { aliases, mentions }
        };
        copies.rank(read).await
    }
}

fn gather(
    mentions: &mut HashMap<String, Mentions>,
    copy: &Replica,
    aliases: &Aliases,
    keys: Option<&HashSet<String>>,
    moment: &Moment,
) {
    for (kind, name, entries) in copy.named() {
        let own = key(name);
        let (entity, _) = aliases.entity(&own);
        if keys.is_some_and(|keys| !keys.contains(entity)) {
            continue;
        }
        let in_use = entries
            .filter(|held| held.item().kind == ItemKind::Memory && held.times.fit(moment))
            .map(|held| held.item().id);
        let in_use: Vec<Uuid> = in_use.collect();
        if in_use.is_empty() {
            continue;
        }
        let of = mentions.entry(entity.to_owned()).or_default();
        *of.kinds.entry(kind).or_default() += in_use.len();
        if own == entity {
            *of.spellings.entry(name.to_owned()).or_default() += in_use.len();
        }
        of.memories.extend(in_use);
    }
}

fn entity(workspace: WorkspaceId, key: String, mentions: &Mentions, aliases: &Aliases) -> Entity {
    let name = aliases.name_of(&key).unwrap_or_else(|| mentions.spelling()).to_owned();
    Entity { workspace, name, kind: mentions.kind(), memories: Some(mentions.memories.len()), key }
}

/// Most named first, then by the beginning of the name.
fn place(list: u32, entity: &Entity) -> Result<Key> {
    let mut id = [0; 16];
    for (to, from) in id.iter_mut().zip(entity.key.bytes().take(8)) {
        *to = from;
    }
    let (first, second) =
        (hash(entity.key.as_bytes()), hash(entity.key.chars().rev().collect::<String>().as_bytes()));
    id[8..12].copy_from_slice(&first.to_be_bytes());
    id[12..].copy_from_slice(&second.to_be_bytes());
    let value = i64::try_from(entity.memories.unwrap_or_default()).map_err(Error::internal)?;
    Ok(Key { list, value: -value, id: Uuid::from_bytes(id) })
}
