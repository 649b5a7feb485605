//! What docs/architecture.md promises of the tree, held against the tree.
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// In the order in which models, services and stores may use each other.
const SLICES: &[&str] = &["account", "trusted", "gateway", "memory", "workflow", "coaching", "sync"];
/// What the lower layers of a slice may use beside lower slices.
const BELOW_SLICES: &[&str] = &["shared", "db", "event", "config"];

/// What a source file imports that it may not, one line each.
fn breaches(path: &str, source: &str) -> Vec<String> {
    let source = without_comments(source);
    let place = Place::of(path);
    let mut found = vec![];
    let mut ban = |what: &str, banned: bool| {
        if banned {
            found.push(format!("{path} uses {what}"));
        }
    };
    for (krate, allowed) in [
        ("async_graphql", place.is_graphql() || place.is("http")),
        ("async_graphql_axum", place.is("http")),
        ("axum", place.is("http")),
        ("sea_orm", place.is_storage()),
        ("entity", place.is_storage()),
    ] {
        ban(krate, uses(&source, krate) && !allowed);
    }
    ban(
        "async_graphql::Error",
        source.contains("async_graphql::Error") && !place.is("graphql_kit") && !place.is("http"),
    );
    for module in modules_used(&source) {
        ban(&format!("crate::{module}"), !place.may_use(&module));
    }
    found
}

struct Place<'a> {
    module: &'a str,
    /// The file's name, or the name of its folder inside the slice.
    part: &'a str,
}

impl<'a> Place<'a> {
    fn of(path: &'a str) -> Self {
        let path = path.trim_end_matches(".rs");
        let (module, rest) = path.split_once('/').unwrap_or((path, "mod"));
        Self { module, part: rest.split('/').next().unwrap_or(rest) }
    }

    fn is(&self, module: &str) -> bool {
        self.module == module
    }

    fn slice(&self) -> Option<usize> {
        SLICES.iter().position(|slice| *slice == self.module)
    }

    fn is_graphql(&self) -> bool {
        self.is("graphql") || self.is("graphql_kit") || self.slice().is_some() && self.part == "graphql"
    }

    fn is_storage(&self) -> bool {
        self.is("db") || self.is("event") || self.slice().is_some() && self.part == "store"
    }

    fn may_use(&self, module: &str) -> bool {
        if module == self.module {
            return true;
        }
        match self.module {
            "main" | "lib" | "cli" | "app" | "demo" => true,
            "shared" => false,
            "config" => module == "shared",
            "client" => module == "shared",
            "services" => SLICES.contains(&module) || ["db", "event", "shared"].contains(&module),
            "db" => ["shared", "config"].contains(&module),
            "event" | "telemetry" => ["shared", "db", "config"].contains(&module),
            "graphql_kit" => ["shared", "event"].contains(&module),
            "http" => {
                ["graphql", "graphql_kit", "shared", "config", "telemetry", "services"].contains(&module)
            }
            "graphql" => !["http", "cli", "app", "demo"].contains(&module),
            _ => match self.slice() {
                Some(_) if self.part == "graphql" => {
                    module == "graphql_kit" || BELOW_SLICES.contains(&module) || SLICES.contains(&module)
                }
                Some(own) => BELOW_SLICES.contains(&module) || SLICES[..own].contains(&module),
                None => false,
            },
        }
    }
}

/// Whether the path `krate::…` occurs, not as the tail of a longer name.
fn uses(source: &str, krate: &str) -> bool {
    let path = format!("{krate}::");
    source.match_indices(&path).any(|(at, _)| {
        let before = source[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':')
    })
}

/// Every first segment after `crate::`, those of `use crate::{a::…, b}` too.
fn modules_used(source: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, path) in source.match_indices("crate::") {
        let rest = &source[at + path.len()..];
        match rest.strip_prefix('{') {
            Some(group) => found.extend(first_segments(group)),
            None => found.extend(name(rest)),
        }
    }
    found
}

/// Of `a::{b, c}, d::e}…` gives a and d.
fn first_segments(group: &str) -> Vec<String> {
    let (mut depth, mut start, mut found) = (0, true, vec![]);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => start = true,
            c if start && !c.is_whitespace() => {
                found.extend(name(&group[at..]));
                start = false;
            }
            _ => {}
        }
    }
    found
}

fn name(text: &str) -> Option<String> {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    // A macro or a type at the crate's root is none of a module.
    (end > 0 && text.starts_with(|c: char| c.is_lowercase())).then(|| text[..end].to_owned())
}

fn without_comments(source: &str) -> String {
    source.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = vec![];
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

#[test]
fn imports_keep_to_the_architecture() {
    let src = root().join("src");
    let mut found = vec![];
    for file in rust_files(&src) {
        let path = file.strip_prefix(&src).unwrap().to_str().unwrap().to_owned();
        found.extend(breaches(&path, &fs::read_to_string(&file).unwrap()));
    }
    assert!(found.is_empty(), "breaches of docs/architecture.md:\n{}", found.join("\n"));
}

#[test]
fn the_import_check_sees_a_breach() {
    for (path, source) in [
        ("memory/service.rs", "use sea_orm::EntityTrait;"),
        ("memory/service.rs", "use crate::{coaching::CoachingService, db::Db};"),
        ("memory/service.rs", "use crate::{\n    db::{Db, Source},\n    workflow::Run,\n};"),
        ("memory/model.rs", "use crate::graphql_kit::ApiError;"),
        ("memory/rank/mod.rs", "fn f() -> async_graphql::ID {}"),
        ("memory/graphql.rs", "use axum::Router;"),
        ("memory/graphql.rs", "fn f() -> Result<(), async_graphql::Error> {}"),
        ("shared/page.rs", "use crate::memory::Memory;"),
        ("event/log.rs", "use crate::account::Viewer;"),
        ("workflow/service.rs", "use entity::run;"),
        ("http/mod.rs", "use crate::memory::MemoryService;"),
    ] {
        assert!(!breaches(path, source).is_empty(), "{path}: {source}");
    }
    for (path, source) in [
        ("memory/store.rs", "use sea_orm::EntityTrait; use entity::memory;"),
        ("memory/store/index.rs", "use sea_orm::EntityTrait;"),
        ("coaching/service.rs", "use crate::{memory::MemoryService, gateway::Gateway, shared::Error};"),
        ("account/graphql.rs", "use crate::{memory::WorkspaceMemories, graphql_kit::ApiError};"),
        ("memory/service.rs", "// use sea_orm::EntityTrait;"),
    ] {
        assert_eq!(breaches(path, source), Vec::<String>::new(), "{path}: {source}");
    }
}

#[test]
fn migrations_never_import_entities() {
    for file in rust_files(&root().join("migration/src")) {
        assert!(!uses(&fs::read_to_string(&file).unwrap(), "entity"), "{}", file.display());
    }
}

#[test]
fn one_sqlx_and_one_sqlite_are_in_the_lock_file() {
    let lock: toml::Table = fs::read_to_string(root().join("Cargo.lock")).unwrap().parse().unwrap();
    let packages = lock["package"].as_array().unwrap();
    let versions = |name: &str| -> Vec<&str> {
        let named = packages.iter().filter(|package| package["name"].as_str() == Some(name));
        named.map(|package| package["version"].as_str().unwrap()).collect()
    };
    for name in ["sqlx", "sqlx-core", "sqlx-sqlite", "sqlx-postgres", "libsqlite3-sys"] {
        assert_eq!(versions(name).len(), 1, "{name}: {:?}", versions(name));
    }
}

#[test]
fn the_committed_schema_is_the_one_in_force() {
    let committed = fs::read_to_string(root().join("schema.graphql")).unwrap();
    assert!(committed == aifirst::graphql::sdl(), "run `cargo run -- schema > schema.graphql` and commit it");
}
