//! What each kind of step does, and what happens when one fails.
use super::{ENDS, events, movable, of_type, play, publish, start, state, statuses};
use crate::{
    on_both,
    support::{TestApp, text},
};
use aifirst::gateway::{FailureKind, FinishReason, ModelCall, Provider, ProviderEvent, ProviderStream};
use chrono::{DateTime, TimeDelta};
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// Fails so many times, then answers.
#[derive(Debug)]
struct Flaky(AtomicUsize);

impl Provider for Flaky {
    fn chat(&self, _: ModelCall) -> ProviderStream {
        let left = self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        let finished = ProviderEvent::Finished { reason: FinishReason::EndOfTurn, usage: None };
        let script = match left {
            Ok(_) => vec![Err(FailureKind::Provider.plain())],
            Err(_) => vec![Ok(ProviderEvent::Delta { text: "there".into() }), Ok(finished)],
        };
        stream::iter(script).boxed()
    }
}

/// Never says a word.
#[derive(Debug)]
struct Silent;

impl Provider for Silent {
    fn chat(&self, _: ModelCall) -> ProviderStream {
        stream::pending().boxed()
    }
}

fn retry(most: i32) -> Value {
    json!({ "maxAttempts": most, "initialDelay": "PT0.05S", "backoff": 3, "maxDelay": "PT0.4S" })
}

fn time(value: &Value, pointer: &str) -> DateTime<chrono::FixedOffset> {
    DateTime::parse_from_rfc3339(&text(value, pointer)).unwrap()
}

on_both! {
    async fn a_step_that_fails_is_tried_again_later_and_later_until_it_succeeds(database: Database) {
        let app = TestApp::start_with_model(database, Arc::new(Flaky(3.into()))).await;
        let steps = json!([
            { "key": "ask", "retry": retry(5), "action": { "llm": { "prompt": "Is anybody there?" } } },
            { "key": "say", "after": ["ask"], "action": { "transform": { "expression": "steps.ask.output.text" } } },
        ]);
        let workflow = publish(&app, steps).await;
        let run = start(&app, &workflow, json!({})).await;
        let events = events(&app, &run, ENDS).await;
        assert_eq!(events.last().unwrap()["run"]["output"], json!({ "say": "there" }), "{events:#?}");

        let scheduled = of_type(&events, "StepRetryScheduled");
        let told: Vec<_> = scheduled
            .iter()
            .map(|event| (event["step"]["attempt"].as_i64().unwrap(), text(event, "/error/code")))
            .collect();
        assert_eq!(told, [1, 2, 3].map(|attempt| (attempt, "UNAVAILABLE".to_owned())));
        let started: Vec<_> = of_type(&events, "StepStarted").into_iter().filter(|event| event["step"]["key"] == "ask").collect();
        for (event, scheduled) in started[1..].iter().zip(&scheduled) {
            assert!(time(event, "/at") >= time(scheduled, "/nextAttemptAt"), "{events:#?}");
        }
        let numbers: Vec<_> = started.iter().map(|event| event["step"]["attempt"].as_i64().unwrap()).collect();
        assert_eq!(numbers, [1, 2, 3, 4]);

        let attempts = state(&app, &run).await["steps"]["nodes"][0]["attempts"]["nodes"].clone();
        let delays: Vec<_> = scheduled
            .iter()
            .zip(attempts.as_array().unwrap())
            .map(|(event, attempt)| (time(event, "/nextAttemptAt") - time(attempt, "/finishedAt")).num_milliseconds())
            .collect();
        assert_eq!(delays, [50, 150, 400], "tripled, and cut at the longest");
        let codes: Vec<_> = attempts.as_array().unwrap().iter().map(|attempt| attempt["error"]["code"].clone()).collect();
        assert_eq!(codes, [json!("UNAVAILABLE"), json!("UNAVAILABLE"), json!("UNAVAILABLE"), Value::Null]);
        assert!(attempts.as_array().unwrap().iter().all(|attempt| attempt["finishedAt"].is_string()), "{attempts:#}");
    }
}

on_both! {
    async fn the_last_attempt_that_fails_fails_the_run_with_its_code_and_step(database: Database) {
        let app = TestApp::start_with_model(database, Arc::new(Flaky(1000.into()))).await;
        let steps = json!([
            { "key": "ask", "retry": retry(2), "action": { "llm": { "prompt": "Is anybody there?" } } },
            { "key": "after", "after": ["ask"], "action": { "transform": { "expression": "1" } } },
        ]);
        let workflow = publish(&app, steps).await;
        let run = start(&app, &workflow, json!({})).await;
        let events = events(&app, &run, ENDS).await;
        let last = events.last().unwrap();
        assert_eq!((&last["__typename"], &last["run"]["status"]), (&json!("RunFailed"), &json!("FAILED")));
        assert_eq!(last["run"]["error"], json!({ "code": "UNAVAILABLE", "stepKey": "ask" }));
        assert_eq!(of_type(&events, "StepRetryScheduled").len(), 1);
        let failed = of_type(&events, "StepFailed");
        assert_eq!(failed[0]["step"]["attempt"], 2, "{events:#?}");
        assert_eq!(statuses(&app, &run).await, ["FAILED", "CANCELLED"]);
        assert_eq!(state(&app, &run).await["steps"]["nodes"][0]["attempts"]["totalCount"], 2);
    }
}

on_both! {
    async fn a_code_that_is_listed_as_final_is_not_tried_again(app: TestApp) {
        // The built-in model never answers in JSON.
        let step = |retry: Value| json!([{ "key": "ask", "retry": retry,
            "action": { "llm": { "prompt": "Notes: one. Two.", "outputSchema": {} } } }]);
        let mut listed = retry(3);
        listed["nonRetryable"] = json!(["TIMEOUT", "INVALID_OUTPUT"]);
        for (retry, again) in [(listed, 0), (retry(3), 2)] {
            let events = play(&app, step(retry), json!({})).await;
            assert_eq!(events.last().unwrap()["run"]["error"], json!({ "code": "INVALID_OUTPUT", "stepKey": "ask" }));
            assert_eq!(of_type(&events, "StepRetryScheduled").len(), again, "{events:#?}");
        }
        // No attempt mends a template.
        let steps = json!([{ "key": "ask", "retry": retry(3), "action": { "llm": { "prompt": "{{ input.none }}" } } }]);
        let events = play(&app, steps, json!({})).await;
        assert_eq!(events.last().unwrap()["run"]["error"], json!({ "code": "TEMPLATE_FAILED", "stepKey": "ask" }));
        assert_eq!(of_type(&events, "StepRetryScheduled").len(), 0);
    }
}

on_both! {
    async fn an_attempt_that_takes_too_long_is_ended(database: Database) {
        let app = TestApp::start_with_model(database, Arc::new(Silent)).await;
        let steps = json!([{ "key": "ask", "timeout": "PT0.1S", "retry": retry(2), "action": { "llm": { "prompt": "Notes: one two." } } }]);
        let events = play(&app, steps, json!({})).await;
        assert_eq!(events.last().unwrap()["run"]["error"], json!({ "code": "TIMEOUT", "stepKey": "ask" }));
        assert_eq!(of_type(&events, "StepRetryScheduled").len(), 1);
    }
}

on_both! {
    async fn a_wait_ends_at_its_time_by_the_servers_clock(database: Database) {
        let (ambient, ahead) = movable();
        let app = TestApp::start_with(database, "", ambient.clone()).await;
        let until = (ambient.now() + TimeDelta::hours(30)).to_rfc3339();
        let steps = json!([
            { "key": "for", "action": { "wait": { "for": "PT20H" } } },
            { "key": "until", "action": { "wait": { "until": "{{ input.until }}" } } },
            { "key": "over", "action": { "wait": { "until": "2001-01-01T00:00:00+02:00" } } },
            { "key": "both", "after": ["for", "until", "over"], "action": { "transform": { "expression": "[steps.over.output.until]" } } },
        ]);
        let workflow = publish(&app, steps).await;
        let run = start(&app, &workflow, json!({ "until": until })).await;
        let mut stream = app.subscribe(&app.owner, super::EVENTS, json!({ "r": run })).await;
        let begun = stream.until("runEvents", |event| event["__typename"] == "StepCompleted").await;
        let waiting = of_type(&begun, "StepWaiting");
        assert_eq!(waiting.len(), 3, "{begun:#?}");
        let begun_at = state(&app, &run).await["steps"]["nodes"][0]["attempts"]["nodes"][0].clone();
        assert_eq!(time(waiting[0], "/until") - time(&begun_at, "/startedAt"), TimeDelta::hours(20));
        assert_eq!(time(waiting[1], "/until"), DateTime::parse_from_rfc3339(&until).unwrap());
        assert_eq!(begun.last().unwrap()["step"]["key"], "over", "its time is past");
        assert_eq!(statuses(&app, &run).await, ["WAITING", "WAITING", "COMPLETED", "PENDING"]);
        ahead.store(21 * 3600, Ordering::SeqCst);
        let first = stream.until("runEvents", |event| event["__typename"] == "StepCompleted").await;
        assert_eq!(first.last().unwrap()["step"]["key"], "for");
        assert_eq!(statuses(&app, &run).await, ["COMPLETED", "WAITING", "COMPLETED", "PENDING"]);
        ahead.store(31 * 3600, Ordering::SeqCst);
        let rest = stream.until("runEvents", |event| event["__typename"] == "RunCompleted").await;
        assert_eq!(rest.last().unwrap()["run"]["output"], json!({ "both": ["2000-12-31T22:00:00Z"] }));
        let bad = play(&app, json!([{ "key": "w", "action": { "wait": { "until": "{{ input.at }}" } } }]), json!({ "at": "soon" })).await;
        assert_eq!(bad.last().unwrap()["run"]["error"], json!({ "code": "INVALID_TIME", "stepKey": "w" }));
    }
}

on_both! {
    async fn a_condition_that_is_false_skips_its_step_alone(app: TestApp) {
        let is = |key: &str, after: Value, when: &str| json!({ "key": key, "after": after, "when": when,
            "action": { "transform": { "expression": format!("'{key}'") } } });
        let steps = json!([
            is("long", json!([]), "input.size > 10"),
            is("short", json!([]), "input.size <= 10"),
            is("next", json!(["long"]), "steps.long.output == null"),
            is("never", json!(["short"]), "steps.short.output == null"),
            { "key": "told", "after": ["next", "never", "short"], "action": { "transform": {
                "expression": "[steps.long.output, steps.short.output, steps.next.output, steps.never.output]" } } },
        ]);
        let workflow = publish(&app, steps).await;
        for (size, told, skipped) in [
            (3, json!([null, "short", "next", null]), ["SKIPPED", "COMPLETED", "COMPLETED", "SKIPPED", "COMPLETED"]),
            (30, json!(["long", null, null, "never"]), ["COMPLETED", "SKIPPED", "SKIPPED", "COMPLETED", "COMPLETED"]),
        ] {
            let run = start(&app, &workflow, json!({ "size": size })).await;
            let ended = events(&app, &run, ENDS).await;
            assert_eq!(ended.last().unwrap()["run"]["output"], json!({ "told": told }), "{ended:#?}");
            assert_eq!(statuses(&app, &run).await, skipped);
            let steps = state(&app, &run).await["steps"]["nodes"].clone();
            for step in steps.as_array().unwrap().iter().filter(|step| step["status"] == "SKIPPED") {
                assert_eq!(step["attempts"]["totalCount"], 0, "a skipped step was never tried");
            }
        }
        // Anything but true and false is an error, and no step is skipped by one.
        let odd = play(&app, json!([is("a", json!([]), "input.size")]), json!({ "size": 1 })).await;
        assert_eq!(odd.last().unwrap()["run"]["error"], json!({ "code": "EXPRESSION_FAILED", "stepKey": "a" }));
    }
}

on_both! {
    async fn what_a_transform_gives_is_what_json_holds(app: TestApp) {
        let input = json!({ "n": 7, "big": 9_007_199_254_740_993_i64, "half": 0.5, "text": "Ä\u{1f600}", "list": [1, "two", null, { "x": true }], "none": null });
        for (expression, expected) in [
            ("input", input.clone()),
            ("input.big + 1", json!(9_007_199_254_740_994_i64)),
            ("input.half * 3.0", json!(1.5)),
            ("input.text + '!'", json!("Ä\u{1f600}!")),
            ("input.list.filter(x, x != null)", json!([1, "two", { "x": true }])),
            ("{'a': {'b': [input.n, size(input.list)]}, 'c': has(input.gone)}", json!({ "a": { "b": [7, 4] }, "c": false })),
            ("input.none", Value::Null),
        ] {
            let events = play(&app, json!([{ "key": "t", "action": { "transform": { "expression": expression } } }]), input.clone()).await;
            assert_eq!(events.last().unwrap()["run"]["output"], json!({ "t": expected }), "{expression}");
        }
    }
}

on_both! {
    async fn a_memory_that_is_refused_fails_its_step_and_writes_nothing(app: TestApp) {
        let steps = json!([
            { "key": "kept", "action": { "memoryWrite": { "text": "good {{ input.word }}" } } },
            { "key": "long", "after": ["kept"], "action": { "memoryWrite": { "text": "{% for n in range(2000) %}{{ input.word }} {% endfor %}" } } },
        ]);
        let workflow = publish(&app, steps).await;
        let run = start(&app, &workflow, json!({ "word": "elephant" })).await;
        let ended = events(&app, &run, ENDS).await;
        assert_eq!(ended.last().unwrap()["run"]["error"], json!({ "code": "INVALID", "stepKey": "long" }), "{ended:#?}");
        assert_eq!(statuses(&app, &run).await, ["COMPLETED", "FAILED"]);
        let memories = "query($ws: ID!) { workspace(id: $ws) { memories { totalCount nodes { text externalId } } } }";
        let kept = app.ok(&app.owner, memories, json!({ "ws": app.workspace })).await;
        let expected = json!({ "totalCount": 1, "nodes": [{ "text": "good elephant", "externalId": format!("{run}/kept") }] });
        assert_eq!(kept["workspace"]["memories"], expected);
    }
}
