//! The first start, production's refusal of what is known to others, and the commands for who holds the database.
use super::*;
use crate::support::Database;
use aifirst::{
    app::{App, StartError},
    config::Config,
};
use std::{fs, path::PathBuf, process::Command};

fn token_file(database: &Database) -> PathBuf {
    database.folder.path().join("data/dev-token")
}

fn development_owner(app: &TestApp) -> Person {
    let token = fs::read_to_string(token_file(&app.database)).unwrap().trim().to_owned();
    Person { id: String::new(), token }
}

const OWN: &str = "{ viewer { displayName memberships { nodes { role workspace { slug } } } } }";

on_both! {
    async fn the_first_start_makes_a_workspace_and_its_owners_token(app: TestApp) {
        let owner = development_owner(&app);
        let data = app.ok(&owner, OWN, json!({})).await;
        let expected = json!([{ "role": "OWNER", "workspace": { "slug": "demo" } }]);
        assert_eq!(data["viewer"]["memberships"]["nodes"], expected);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(token_file(&app.database)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        let app = app.restart().await;
        assert_eq!(development_owner(&app).token, owner.token, "it is made once");

        fs::remove_file(token_file(&app.database)).unwrap();
        let app = app.restart().await;
        let fresh = development_owner(&app);
        assert_eq!(app.ok(&fresh, OWN, json!({})).await, data, "the same person by a new key");
        app.assert_refused(&owner.token).await;

        fs::write(token_file(&app.database), "aif_nonsense").unwrap();
        let app = app.restart().await;
        assert_eq!(app.ok(&development_owner(&app), OWN, json!({})).await, data);
    }
}

on_both! {
    async fn production_starts_on_no_database_with_a_development_key(app: TestApp) {
        let TestApp { running, database, .. } = app;
        running.stop().await;
        let config = || Config::with(&format!("mode = 'production'\n{}", database.settings())).unwrap();
        let refused = App::open(config(), Ambient::system()).await.unwrap().start().await.unwrap_err();
        assert!(matches!(refused, StartError::DevelopmentKey), "{refused}");
        assert!(refused.to_string().contains("aifirst token revoke --development"));
        // The refused start leaves by itself what it held, but not before its connections are closed.
        let revoked = command(&database, &["token", "revoke", "--development"]);
        assert_eq!(revoked.1, "revoked: 1 development keys\n", "{revoked:?}");
        App::open(config(), Ambient::system()).await.unwrap().start().await.unwrap().stop().await;
        assert!(!fs::exists(database.folder.path().join("data/dev-token.new")).unwrap());
    }
}

/// Whether it succeeded, its output and its messages.
fn command(database: &Database, arguments: &[&str]) -> (bool, String, String) {
    let out = Command::new(env!("CARGO_BIN_EXE_aifirst"))
        .args(arguments)
        .current_dir(database.folder.path())
        .env("AIFIRST_DATA_DIR", database.folder.path().join("data"))
        .env("AIFIRST_DATABASE__URL", &database.url)
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (out.status.success(), text(out.stdout), text(out.stderr))
}

on_both! {
    async fn a_token_made_on_the_command_line_opens_a_running_server(app: TestApp) {
        let create = |user: &str, workspace: &str, more: &[&str]| {
            let arguments = [&["token", "create", "--user", user, "--workspace", workspace][..], more].concat();
            command(&app.database, &arguments)
        };
        let person = |output: &str| Person { id: String::new(), token: output.trim().to_owned() };
        let (good, token, told) = create("ben@example.org", "acme", &["--role", "viewer"]);
        assert!(good && told.contains("person, membership"), "{told}");
        let ben = person(&token);
        let data = app.ok(&ben, OWN, json!({})).await;
        assert_eq!(data["viewer"]["memberships"]["nodes"], json!([{ "role": "VIEWER", "workspace": { "slug": "acme" } }]));

        let (good, again, told) = create("Ben@Example.org", "acme", &["--scope", "read", "--expires", "P1D"]);
        assert!(good && told.is_empty(), "nothing was missing: {told}");
        assert_eq!(app.ok(&person(&again), OWN, json!({})).await, data);

        let (good, other, _) = create(&app.owner.id, "new-place", &[]);
        assert!(good);
        let data = app.ok(&person(&other), OWN, json!({})).await;
        let expected = json!([{ "role": "OWNER", "workspace": { "slug": "new-place" } }]);
        assert_eq!(data["viewer"]["memberships"]["nodes"], expected, "the key opens this workspace alone");

        let (good, _, _) = command(&app.database, &["token", "revoke", &ben.token[..30]]);
        assert!(good);
        app.ends(&ben.token).await;
        for (user, workspace, more) in [
            ("nobody", "acme", &[][..]),
            ("user_00000000000000000000000000", "acme", &[]),
            ("ben@example.org", "No Slug", &[]),
            ("ben@example.org", "acme", &["--expires", "tomorrow"]),
        ] {
            let (good, output, told) = create(user, workspace, more);
            assert!(!good && output.is_empty() && told.starts_with("aifirst: "), "{told}");
        }
    }
}
