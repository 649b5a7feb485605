//! What is too large or not there at all.
use super::{ask, formats::owner, route};
use crate::{
    on_both,
    support::{
        TestApp,
        fake::{Fake, Format},
    },
};
use aifirst::{
    config::Config,
    gateway::ChatRequest,
    shared::{Ambient, Error},
};

on_both! {
    async fn a_call_that_cannot_be_made_says_why_and_asks_nobody(database: Database) {
        let fake = Fake::start(Format::OpenAi).await;
        let settings = fake.settings("main") + &route("main", &[("main", "one")], "");
        let app = TestApp::start_with(database, &settings, Ambient::system()).await;
        assert_eq!(ask(&app, "nowhere", "Is anybody there?").await.unwrap_err(), "INVALID");
        let refused = |route: &str, characters: usize| {
            let request = ChatRequest::prompt(app.workspace_id(), route, "ä".repeat(characters));
            let gateway = app.running.services.gateway.clone();
            let owner = owner(&app);
            async move {
                match gateway.chat(&owner.await, request).await.err() {
                    Some(Error::Refused(problems)) => problems[0].message.clone(),
                    other => panic!("{other:?}"),
                }
            }
        };
        let unknown = refused("nowhere", 1).await;
        assert!(unknown.contains("default") && unknown.contains("main"), "{unknown}");
        let long = refused("main", 400_001).await;
        assert!(long.contains("400001") && long.contains("400000"), "{long}");
        assert!(fake.all_asked().is_empty());
    }
}

#[test]
fn a_route_without_targets_is_refused_at_the_start() {
    let refused = Config::with(&route("main", &[], "")).unwrap_err().to_string();
    assert!(refused.starts_with("gateway.routes.main.targets: "), "{refused}");
}
