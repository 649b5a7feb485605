//! The people, projects and things that memories name.
use crate::{
    memory::{
        Memory, MemoryScope,
        extraction::named::{EntityKind, MAX_NAME, Named, key, named},
    },
    shared::{Problems, Result, id::WorkspaceId, text},
};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Names of one merge or separation.
const MAX_NAMES: usize = 50;

/// Whatever the caller's memories call by one name, or by several that were merged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entity {
    pub workspace: WorkspaceId,
    /// Tells it apart in its workspace: the name without case and accents.
    pub key: String,
    /// As it is written most often, or as it was merged.
    pub name: String,
    pub kind: EntityKind,
    /// Memories in use that name it, where they were counted.
    pub memories: Option<usize>,
}

impl Memory {
    /// What it names, each way of writing a name once.
    pub fn named(&self) -> BTreeMap<Named, u32> {
        named(&self.content.text, self.content.speaker.as_deref())
    }

    /// What these names stand for, each once, in the order of their names; uncounted.
    pub fn entities(&self, named: BTreeMap<Named, u32>, aliases: &Aliases) -> Vec<Entity> {
        let mut entities: BTreeMap<String, Entity> = BTreeMap::new();
        for Named { name, kind } in named.into_keys() {
            let own = key(&name);
            let (key, merged) = aliases.entity(&own);
            let name = merged.or(aliases.name_of(key)).unwrap_or(&name).to_owned();
            let new = Entity { workspace: self.workspace, key: key.to_owned(), name, kind, memories: None };
            let known = entities.entry(key.to_owned()).or_insert(new);
            // Here it is only a thing, there what it is.
            known.kind = known.kind.min(kind);
        }
        entities.into_values().collect()
    }
}

/// Which entities to list.
#[derive(Clone, Debug, Default)]
pub struct EntityFilter {
    /// A name, or how one begins.
    pub name: Option<String>,
    pub kinds: Option<Vec<EntityKind>>,
}

impl EntityFilter {
    pub fn checked(self) -> Result<Self> {
        let mut problems = Problems::default();
        let name = self.name.map(|name| text::bounded(&mut problems, "filter.name", &name, MAX_NAME));
        problems.finish()?;
        Ok(Self { name, ..self })
    }

    pub fn fits(&self, entity: &Entity, aliases: &Aliases) -> bool {
        let begins = |name: &String| {
            let begin = key(name);
            entity.key.starts_with(&begin)
                || aliases.of(&entity.key).iter().any(|name| key(name).starts_with(&begin))
        };
        self.name.as_ref().is_none_or(begins)
            && self.kinds.as_ref().is_none_or(|kinds| kinds.contains(&entity.kind))
    }
}

/// That a name stands for what another one stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alias {
    pub key: String,
    pub name: String,
    /// No alias itself.
    pub entity_key: String,
    pub entity_name: String,
}

/// Those that hold for somebody: the workspace's, and before them their own.
#[derive(Clone, Debug, Default)]
pub struct Aliases {
    by_key: HashMap<String, Alias>,
    groups: HashMap<String, Group>,
}

/// What is known of an entity beside its key.
#[derive(Clone, Debug, Default)]
struct Group {
    /// By whoever merged it.
    name: Option<String>,
    /// In the order of their letters.
    others: Vec<String>,
}

impl Aliases {
    pub fn new(of_workspace: Vec<Alias>, own: Vec<Alias>) -> Self {
        let all = of_workspace.into_iter().chain(own);
        let by_key = all.map(|alias| (alias.key.clone(), alias)).collect();
        let mut aliases = Self { by_key, groups: HashMap::new() };
        aliases.groups = aliases.grouped();
        aliases
    }

    fn grouped(&self) -> HashMap<String, Group> {
        let mut groups: HashMap<String, Group> = HashMap::new();
        for alias in self.by_key.values() {
            let name = &mut groups.entry(alias.entity_key.clone()).or_default().name;
            // The same name may be written in two ways: one of them, whatever the order here.
            *name = name.take().max(Some(alias.entity_name.clone()));
            let (entity, _) = self.entity(&alias.key);
            groups.entry(entity.to_owned()).or_default().others.push(alias.name.clone());
        }
        groups.values_mut().for_each(|group| group.others.sort());
        groups
    }

    /// What a name stands for, and how that is called where it was merged. One of the workspace's may lead to one of
    /// their own, and so on: as often as there are names, so that a circle ends.
    pub fn entity<'a>(&'a self, key: &'a str) -> (&'a str, Option<&'a str>) {
        let (mut key, mut name) = (key, None);
        for _ in 0..=self.by_key.len() {
            let Some(alias) = self.by_key.get(key) else { break };
            (key, name) = (&alias.entity_key, Some(alias.entity_name.as_str()));
        }
        (key, name)
    }

    /// The other names of an entity, in the order of their letters.
    pub fn of(&self, entity: &str) -> &[String] {
        self.groups.get(entity).map_or(&[], |group| &group.others)
    }

    /// How the entity is called by whoever merged it.
    pub fn name_of(&self, entity: &str) -> Option<&str> {
        self.groups.get(entity)?.name.as_deref()
    }
}

/// That these names stand for one.
#[derive(Clone, Debug)]
pub struct Merge {
    pub workspace: WorkspaceId,
    /// Whom it holds for: USER or WORKSPACE.
    pub scope: MemoryScope,
    pub into: String,
    pub names: Vec<String>,
}

/// That these names stand for themselves again.
#[derive(Clone, Debug)]
pub struct Separation {
    pub workspace: WorkspaceId,
    pub scope: MemoryScope,
    pub names: Vec<String>,
}

impl Merge {
    pub fn checked(mut self) -> Result<Self> {
        let mut problems = Problems::default();
        is_no_session(&mut problems, self.scope);
        self.into = text::name(&mut problems, "into", &self.into, MAX_NAME);
        self.names = names(&mut problems, &self.names);
        problems.finish()?;
        Ok(self)
    }

    /// The aliases of a partition after the merge. All of both groups stand for `into` then, so that none leads to another
    /// alias.
    pub fn carried_out(&self, aliases: Vec<Alias>) -> Vec<Alias> {
        let known = Aliases::new(vec![], aliases.clone());
        let all = || self.names.iter().chain([&self.into]);
        let keys: Vec<String> = all().map(|name| key(name)).collect();
        let merged: BTreeSet<String> = keys.iter().map(|key| known.entity(key).0.to_owned()).collect();
        let into = key(&self.into);
        // A name that stood for its group until now, by how it was called there.
        let heads = merged.iter().filter_map(|head| Some((head.clone(), known.name_of(head)?.to_owned())));
        let mut names: HashMap<String, String> = heads.collect();
        let grouped = aliases.iter().filter(|alias| merged.contains(&alias.entity_key));
        names.extend(grouped.map(|alias| (alias.key.clone(), alias.name.clone())));
        names.extend(keys.iter().cloned().zip(all().cloned()));
        names.remove(&into);
        let others = aliases.into_iter().filter(|alias| !merged.contains(&alias.entity_key));
        let new = names.into_iter().map(|(key, name)| Alias {
            key,
            name,
            entity_key: into.clone(),
            entity_name: self.into.clone(),
        });
        let mut after: Vec<_> = others.chain(new).collect();
        after.sort_by(|one, other| one.key.cmp(&other.key));
        after
    }
}

impl Separation {
    pub fn checked(mut self) -> Result<Self> {
        let mut problems = Problems::default();
        is_no_session(&mut problems, self.scope);
        self.names = names(&mut problems, &self.names);
        problems.finish()?;
        Ok(self)
    }
}

fn is_no_session(problems: &mut Problems, scope: MemoryScope) {
    if scope == MemoryScope::Session {
        problems.invalid("scope", "names hold for a USER or for the WORKSPACE");
    }
}

fn names(problems: &mut Problems, names: &[String]) -> Vec<String> {
    if names.is_empty() || names.len() > MAX_NAMES {
        problems.invalid("names", format!("{} names: give 1 to {MAX_NAMES}", names.len()));
        return vec![];
    }
    let checked = names.iter().enumerate();
    checked.map(|(at, name)| text::name(problems, &format!("names.{at}"), name, MAX_NAME)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn merge(into: &str, names: &[String]) -> Merge {
        let workspace = WorkspaceId::from_uuid(uuid::Uuid::nil());
        Merge { workspace, scope: MemoryScope::User, into: into.to_owned(), names: names.to_vec() }
    }

    proptest! {
        #[test]
        fn whatever_is_merged_in_whatever_order_stands_for_one_and_no_alias_leads_to_another(
            merges in prop::collection::vec(("[a-f]", prop::collection::vec("[a-f]", 1..3)), 1..8),
        ) {
            // Each name with the group that it is in, by the plainest way to say so.
            let mut groups: BTreeMap<String, usize> = ('a'..='f').enumerate().map(|(n, name)| (name.to_string(), n)).collect();
            let mut aliases = vec![];
            for (into, names) in &merges {
                aliases = merge(into, names).carried_out(aliases);
                let to = groups[into];
                for name in names {
                    let from = groups[name];
                    groups.values_mut().filter(|group| **group == from).for_each(|group| *group = to);
                }
                let known = Aliases::new(vec![], aliases.clone());
                prop_assert_eq!(known.entity(into).0, into);
                for (one, group) in &groups {
                    prop_assert!(!aliases.iter().any(|alias| alias.entity_key == alias.key));
                    for (other, its) in &groups {
                        prop_assert_eq!(known.entity(one).0 == known.entity(other).0, group == its);
                    }
                }
                let mains: BTreeSet<_> = aliases.iter().map(|alias| &alias.entity_key).collect();
                prop_assert!(aliases.iter().all(|alias| !mains.contains(&alias.key)));
            }
        }
    }

    #[test]
    fn aliases_that_lead_in_a_circle_end() {
        let alias = |key: &str, to: &str| Alias {
            key: key.to_owned(),
            name: key.to_owned(),
            entity_key: to.to_owned(),
            entity_name: to.to_owned(),
        };
        let aliases = Aliases::new(vec![alias("a", "b")], vec![alias("b", "a")]);
        assert!(["a", "b"].contains(&aliases.entity("a").0));
    }
}
