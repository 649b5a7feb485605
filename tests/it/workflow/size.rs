//! What steps make is bounded where they make it.
use super::{ENDS, events, play, publish, start, state};
use crate::{on_both, support::text};
use serde_json::{Value, json};

/// Each list holds the one before twice: small in bytes, until it is counted.
fn doubling(steps: usize) -> Value {
    let step = |number: usize| {
        let (after, expression) = match number {
            0 => (vec![], "[1]".to_owned()),
            _ => {
                let before = format!("s{}", number - 1);
                let twice = format!("[steps.{before}.output, steps.{before}.output]");
                (vec![before], twice)
            }
        };
        json!({ "key": format!("s{number}"), "after": after, "action": { "transform": { "expression": expression } } })
    };
    (0..steps).map(step).collect()
}

on_both! {
    async fn lists_that_double_with_each_step_end_the_run_before_they_are_long(app: TestApp) {
        let workflow = publish(&app, doubling(17)).await;
        let run = start(&app, &workflow, json!({})).await;
        events(&app, &run, ENDS).await;
        let failed = state(&app, &run).await;
        assert_eq!(failed["error"]["code"], "OUTPUT_TOO_LARGE", "{}", failed["status"]);
        assert!(text(&failed, "/error/message").contains("16384 values"), "{}", failed["error"]);
    }
}

on_both! {
    async fn a_number_that_json_cannot_hold_fails_its_step(app: TestApp) {
        let steps = json!([{ "key": "a", "action": { "transform": { "expression": "{'x': 1.0 / 0.0}" } } }]);
        let events = play(&app, steps, json!({})).await;
        let end = events.last().unwrap();
        assert_eq!(end["run"]["error"]["code"], "EXPRESSION_FAILED", "{end:#}");
    }
}
