//! The container files, held against the repository: no Docker engine is needed to see a wrong name.
use saphyr::{LoadableYamlNode, Yaml};
use std::{collections::BTreeSet, fs, path::Path};

fn read(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name))
        .unwrap_or_else(|e| panic!("{name}: {e}"))
}

fn exists(path: &str) -> bool {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path.trim_end_matches('/')).exists()
}

/// Every setting, as its environment variable.
fn variables() -> BTreeSet<String> {
    fn walk(table: &toml::Table, prefix: &str, found: &mut BTreeSet<String>) {
        for (key, value) in table {
            let name = format!("{prefix}{}", key.to_uppercase());
            match value {
                toml::Value::Table(inner) => walk(inner, &format!("{name}__"), found),
                _ => {
                    found.insert(name);
                }
            }
        }
    }
    let mut found = BTreeSet::from(["AIFIRST_CONFIG".to_owned()]);
    walk(&read("config.default.toml").parse().unwrap(), "AIFIRST_", &mut found);
    found
}

fn mentioned(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_uppercase() && !c.is_ascii_digit() && c != '_');
    words.filter(|word| word.starts_with("AIFIRST_")).map(str::to_owned).collect()
}

#[test]
fn every_variable_in_the_container_files_is_a_setting() {
    let known = variables();
    for file in ["docker-compose.yml", "Dockerfile", "README.md"] {
        let unknown: Vec<_> = mentioned(&read(file)).difference(&known).cloned().collect();
        assert!(unknown.is_empty(), "{file}: {unknown:?} are no settings");
    }
    assert!(!mentioned(&read("docker-compose.yml")).is_empty());
}

#[test]
fn every_path_that_the_image_copies_exists() {
    let mut copied = 0;
    for line in read("Dockerfile").lines().map(str::trim) {
        let Some(arguments) = line.strip_prefix("COPY ") else { continue };
        if arguments.starts_with("--from") {
            continue;
        }
        let words: Vec<&str> = arguments.split_whitespace().filter(|word| !word.starts_with("--")).collect();
        for source in &words[..words.len() - 1] {
            assert!(exists(source), "COPY {source}: there is no such path");
            copied += 1;
        }
    }
    assert!(copied > 0);
}

#[test]
fn the_compose_file_is_whole() {
    let text = read("docker-compose.yml");
    let file = &Yaml::load_from_str(&text).unwrap()[0];
    let services = file["services"].as_mapping().unwrap();
    let names: BTreeSet<&str> = services.keys().map(|name| name.as_str().unwrap()).collect();
    assert!(names.contains("app") && names.contains("postgres"), "{names:?}");
    let app = &file["services"]["app"];
    assert!(exists(app["build"].as_str().unwrap()));
    for wanted in app["depends_on"].as_mapping().unwrap().keys() {
        assert!(names.contains(wanted.as_str().unwrap()));
    }
    let volumes = file["volumes"].as_mapping().unwrap();
    for (name, service) in services {
        for volume in service.as_mapping_get("volumes").and_then(Yaml::as_vec).into_iter().flatten() {
            let source = volume.as_str().unwrap().split(':').next().unwrap();
            let known = volumes.keys().any(|key| key.as_str() == Some(source)) || exists(source);
            assert!(known, "{name:?}: the volume {source} is neither named nor a path");
        }
    }
}

#[test]
fn the_image_runs_as_nobody_in_particular_and_tells_its_health() {
    let file = read("Dockerfile");
    assert!(file.lines().any(|line| line.starts_with("USER ") && !line.contains("root")));
    assert!(file.contains("HEALTHCHECK") && file.contains("healthcheck"));
    assert!(file.matches("FROM ").count() >= 2, "built in one stage, run in another");
}
