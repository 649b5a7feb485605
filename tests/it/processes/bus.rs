//! The bus is a hint: while it is away everything goes on, only later; once it is back, all is as before.
use super::*;
use crate::support::PATIENCE;
use std::time::Instant;

#[derive(Clone, Copy)]
enum Outage {
    Dead,
    /// Connections stay, and nothing moves.
    Hangs,
}

async fn survive(outage: Outage) {
    let (database, mut nats) = (Database::postgres().await, Nats::start().await);
    // The listeners' server does nothing itself: what is heard there was done elsewhere.
    let listening = binary(&database, &nats, "listening").set("SERVE__WORK", false).serve().await;
    let working = binary(&database, &nats, "working").serve().await;
    let near = working.client();
    let far = near.at(&listening);
    let session = start_session(&near).await;
    let mut follower = Follower::of(&far, &session).await;

    send(&near, &session).await;
    follower.until(|heard, _| heard.pieces > 3).await;
    match outage {
        Outage::Dead => nats.kill(),
        Outage::Hangs => nats.signal("STOP"),
    }
    follower.turn().await;

    // All of this without a bus: who comes, what is said on either side, what runs.
    let mut late = Follower::of(&far, &session).await;
    late.turn().await;
    for client in [&far, &near] {
        send(client, &session).await;
        follower.turn().await;
        late.turn().await;
    }
    run_to_approval(&far).await;

    match outage {
        Outage::Dead => nats.restart().await,
        Outage::Hangs => nats.signal("CONT"),
    }
    // Word for word again, for those who listened before.
    let back = Instant::now();
    loop {
        send(&near, &session).await;
        if follower.turn().await > 5 {
            break;
        }
        assert!(back.elapsed() < PATIENCE, "the bus is back, and nobody hears it");
    }

    near.get(operations()["EndSession"], json!({ "s": session })).await;
    let heard = follower.rest().await;
    assert_eq!(heard, replay(&near, &session).await, "each once, in order");
    assert_eq!(heard, late.rest().await);
    for ended in [listening.stop().await, working.stop().await] {
        assert_eq!(ended.code, Some(0), "{ended:#?}");
    }
}

async fn run_to_approval(client: &Client) {
    let workspace = client.workspace().await;
    let created = client.get(operations()["CreateWorkflow"], json!({ "ws": workspace })).await;
    let workflow = text(&created, "/createWorkflow/workflow/id");
    client.get(operations()["Publish"], json!({ "w": workflow })).await;
    let started = client.get(operations()["Start"], json!({ "w": workflow })).await;
    let run = json!({ "r": text(&started, "/startRun/run/id") });
    let mut events = client.subscribe(operations()["Run"], run).await;
    let events = events.until("runEvents", |event| event["__typename"] == "ApprovalRequested").await;
    let steps = events.iter().filter(|event| event["__typename"] == "StepCompleted");
    assert_eq!(steps.count(), 2, "{events:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_followers_lose_nothing_while_the_bus_is_dead_and_hear_it_once_it_is_back() {
    survive(Outage::Dead).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_followers_lose_nothing_while_the_bus_hangs_and_hear_it_once_it_goes_on() {
    survive(Outage::Hangs).await;
}

#[tokio::test]
async fn a_bus_that_cannot_be_reached_is_named_without_its_password() {
    let (database, mut nats) = (Database::postgres().await, Nats::start().await);
    nats.kill();
    let url = nats.url().replace("//", "//ana:swordfish@");
    let binary = Binary::on(&database).set("EVENTS__URL", url);
    for command in ["serve", "worker"] {
        let ended = binary.run(&[command]).await;
        assert_eq!(ended.code, Some(1), "{ended:#?}");
        assert!(
            ended.stderr.contains("AIFIRST_EVENTS__URL") && ended.stderr.contains("ana:***@"),
            "{ended:#?}"
        );
        assert!(!ended.stderr.contains("swordfish"), "{ended:#?}");
    }
}
