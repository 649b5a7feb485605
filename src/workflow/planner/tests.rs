use super::*;
use crate::memory::{MemoryKind, MemoryScope};
use proptest::prelude::*;
use std::collections::HashMap;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

fn definition(graph: Value) -> Definition {
    Definition::new(serde_json::from_value(graph).unwrap())
}

fn kinds(round: &Round) -> Vec<(usize, &Kind)> {
    round.transitions.iter().map(|transition| (transition.place, &transition.kind)).collect()
}

fn completed(place: usize, attempt: i32, output: Value) -> Outcome {
    Outcome { place, attempt, result: Ended::Completed(output) }
}

#[test]
fn the_weekly_review_goes_step_by_step() {
    let review = definition(json!({"steps": [
        {"key": "notes", "action": {"memoryRecall": {"query": "{{ input.topic }}", "limit": 5}}},
        {"key": "draft", "after": ["notes"], "action": {"llm": {"route": "default", "prompt": "Summarise: {{ steps.notes.output }}"}}},
        {"key": "ok", "after": ["draft"], "action": {"approval": {"title": "Send it?", "expiresAfter": "P1D", "onExpiry": "REJECT"}}},
        {"key": "keep", "after": ["ok"], "when": "steps.ok.output.approved == true",
         "action": {"memoryWrite": {"kind": "SUMMARY", "scope": "WORKSPACE", "text": "{{ steps.draft.output.text }}"}}},
    ]}));
    let input = json!({"topic": "week"});
    let mut history: History = vec![StepState::default(); 4];
    let first = round(&review, &input, &mut history, vec![], at(0), 8);
    let recall = Kind::Called(Call::Recall { query: "week".into(), limit: 5 });
    assert_eq!(kinds(&first), [(0, &Kind::Started), (0, &recall)]);
    assert_eq!(first.verdict, Verdict::Going { calling: true, wake_at: None });

    let second = round(&review, &input, &mut history, vec![completed(0, 1, json!(["a"]))], at(1), 8);
    let prompt = Call::Llm {
        route: "default".into(),
        prompt: "Summarise: [\"a\"]".into(),
        output_schema: None,
        tools: vec![],
    };
    let expected =
        [(0, &Kind::Completed { output: json!(["a"]) }), (1, &Kind::Started), (1, &Kind::Called(prompt))];
    assert_eq!(kinds(&second), expected);

    let third =
        round(&review, &input, &mut history, vec![completed(1, 1, json!({"text": "Good."}))], at(2), 8);
    assert_eq!(third.verdict, Verdict::Going { calling: false, wake_at: Some(at(86_402)) });

    let fourth = round(
        &review,
        &input,
        &mut history.clone(),
        vec![completed(2, 1, json!({"approved": true}))],
        at(3),
        8,
    );
    let write = Write { kind: MemoryKind::Summary, scope: MemoryScope::Workspace, text: "Good.".into() };
    assert_eq!(kinds(&fourth).last(), Some(&(3, &Kind::Written(write))));

    let expired = round(&review, &input, &mut history, vec![], at(86_402), 8);
    assert_eq!(kinds(&expired).last(), Some(&(3, &Kind::Skipped)));
    assert_eq!(expired.verdict, Verdict::Completed { output: json!({"keep": null}) });
}

#[test]
fn a_failed_attempt_is_repeated_with_growing_delays_and_then_fails_the_run() {
    let retry = json!({"maxAttempts": 3, "initialDelay": "PT2S", "backoff": 3.0, "maxDelay": "PT5S"});
    let graph = definition(json!({"steps": [
        {"key": "a", "retry": retry, "action": {"llm": {"route": "default", "prompt": "x"}}},
        {"key": "b", "after": ["a"], "action": {"transform": {"expression": "1"}}},
    ]}));
    let mut history: History = vec![StepState::default(); 2];
    let fail = |attempt| {
        let result = Ended::Failed(StepError::passing("UNAVAILABLE", "later"));
        vec![Outcome { place: 0, attempt, result }]
    };
    round(&graph, &Value::Null, &mut history, vec![], at(0), 8);
    let first = round(&graph, &Value::Null, &mut history, fail(1), at(0), 8);
    assert_eq!(first.verdict, Verdict::Going { calling: false, wake_at: Some(at(2)) });
    assert_eq!(round(&graph, &Value::Null, &mut history, vec![], at(1), 8).transitions, []);
    round(&graph, &Value::Null, &mut history, vec![], at(2), 8);
    // Late: the first attempt is over.
    assert_eq!(round(&graph, &Value::Null, &mut history, fail(1), at(2), 8).transitions, []);
    let second = round(&graph, &Value::Null, &mut history, fail(2), at(2), 8);
    assert_eq!(second.verdict, Verdict::Going { calling: false, wake_at: Some(at(7)) });
    round(&graph, &Value::Null, &mut history, vec![], at(7), 8);
    // A lost worker is no failure of the step.
    let lost = vec![Outcome { place: 0, attempt: 3, result: Ended::Lost }];
    round(&graph, &Value::Null, &mut history, lost, at(8), 8);
    let last = round(&graph, &Value::Null, &mut history, fail(4), at(8), 8);
    assert!(matches!(last.verdict, Verdict::Failed { place: 0, .. }));
    assert_eq!(history[1].status, StepStatus::Cancelled);
}

#[test]
fn no_more_calls_run_at_once_than_there_are_slots() {
    let steps: Vec<_> = (0..5)
        .map(|n| json!({"key": format!("s{n}"), "action": {"llm": {"route": "default", "prompt": "x"}}}))
        .collect();
    let graph = definition(json!({ "steps": steps }));
    let mut history: History = vec![StepState::default(); 5];
    let first = round(&graph, &Value::Null, &mut history, vec![], at(0), 2);
    assert_eq!(first.transitions.len(), 4);
    let second = round(&graph, &Value::Null, &mut history, vec![completed(1, 1, json!(1))], at(0), 2);
    assert_eq!(second.transitions.iter().filter(|t| t.kind == Kind::Started).count(), 1);
}

/// What a random world does to each attempt, over and over.
#[derive(Clone, Debug)]
enum Fate {
    Completes,
    Fails,
    FailsForGood,
    IsLost,
}

fn fates() -> impl Strategy<Value = Vec<Fate>> {
    let fate = prop_oneof![
        6 => Just(Fate::Completes),
        3 => Just(Fate::Fails),
        1 => Just(Fate::FailsForGood),
        2 => Just(Fate::IsLost),
    ];
    prop::collection::vec(fate, 1..40)
}

fn graphs() -> impl Strategy<Value = Graph> {
    let action = prop::sample::select(vec![
        json!({"llm": {"route": "default", "prompt": "x"}}),
        json!({"llm": {"route": "default", "prompt": "y"}}),
        json!({"memoryRecall": {"query": "{{ input.topic }}", "limit": 3}}),
        json!({"memoryWrite": {"kind": "NOTE", "scope": "WORKSPACE", "text": "{{ input.topic }}"}}),
        json!({"transform": {"expression": "size(input.topic)"}}),
        json!({"transform": {"expression": "input.none"}}),
        json!({"wait": {"for": "PT3S"}}),
        json!({"approval": {"title": "?", "expiresAfter": "PT5S", "onExpiry": "APPROVE"}}),
    ]);
    let when =
        prop::sample::select(vec![None, None, Some("true"), Some("false"), Some("size(input.topic) == 4")]);
    let step = (action, when, 1..4, prop::collection::vec(any::<prop::sample::Index>(), 0..3));
    prop::collection::vec(step, 1..10).prop_map(|steps| {
        let steps: Vec<_> = steps
            .into_iter()
            .enumerate()
            .map(|(place, (action, when, attempts, before))| {
                let after: BTreeSet<String> =
                    before.iter().filter(|_| place > 0).map(|index| format!("s{}", index.index(place.max(1)))).collect();
                let retry = json!({"maxAttempts": attempts, "initialDelay": "PT1S", "backoff": 2.0, "maxDelay": "PT3S"});
                json!({"key": format!("s{place}"), "after": after, "when": when, "retry": retry, "action": action})
            })
            .collect();
        serde_json::from_value(json!({ "steps": steps })).unwrap()
    })
}

/// Carries a run out in a world without a database: calls end by the fates, time jumps to the next wake-up.
fn live(graph: &Graph, fates: &[Fate], slots: usize) -> (Vec<Transition>, Verdict, History) {
    let definition = Definition::new(graph.clone());
    let input = json!({"topic": "week"});
    let mut history: History = vec![StepState::default(); graph.steps.len()];
    let (mut log, mut outcomes, mut now) = (vec![], vec![], 0);
    let mut fates = fates.iter().cycle();
    for _ in 0..10_000 {
        let round = round(&definition, &input, &mut history, std::mem::take(&mut outcomes), at(now), slots);
        let transitions = round.transitions;
        log.extend(transitions.clone());
        let Verdict::Going { wake_at, .. } = round.verdict else { return (log, round.verdict, history) };
        let calls: Vec<_> = history
            .iter()
            .enumerate()
            .filter(|(_, state)| state.status == StepStatus::Running)
            .map(|(place, state)| (place, state.attempts))
            .collect();
        assert!(calls.len() <= slots + graph.steps.len(), "too many calls");
        for (place, attempt) in &calls {
            let result = match fates.next().unwrap() {
                Fate::Completes => Ended::Completed(json!({"text": place})),
                Fate::Fails => Ended::Failed(StepError::passing("UNAVAILABLE", "later")),
                Fate::FailsForGood => Ended::Failed(StepError::new("REFUSED", "no")),
                Fate::IsLost => Ended::Lost,
            };
            outcomes.push(Outcome { place: *place, attempt: *attempt, result });
        }
        if calls.is_empty() {
            now = (wake_at.expect("a run that goes on without a call waits for a time") - at(0))
                .num_seconds()
                .max(now + 1);
        }
    }
    panic!("the run does not end: {history:#?}");
}

proptest! {
    #[test]
    fn every_run_ends_with_each_step_recorded_once(graph in graphs(), fates in fates(), slots in 1_usize..4) {
        let (log, verdict, history) = live(&graph, &fates, slots);
        let mut ends: HashMap<usize, usize> = HashMap::new();
        let mut begun: HashMap<usize, i32> = HashMap::new();
        for (index, transition) in log.iter().enumerate() {
            let step = &graph.steps[transition.place];
            match &transition.kind {
                Kind::Started => {
                    let number = begun.entry(transition.place).or_default();
                    *number += 1;
                    prop_assert_eq!(transition.attempt, *number, "attempts count on");
                    for before in &step.after {
                        let settled = log[..index].iter().any(|earlier| {
                            graph.steps[earlier.place].key == *before
                                && matches!(earlier.kind, Kind::Completed { .. } | Kind::Skipped)
                        });
                        prop_assert!(settled, "{} began before {}", step.key, before);
                    }
                }
                Kind::Completed { .. } | Kind::Failed { .. } | Kind::Skipped | Kind::Cancelled => {
                    *ends.entry(transition.place).or_default() += 1;
                }
                _ => {}
            }
        }
        prop_assert!((0..graph.steps.len()).all(|place| ends.get(&place) == Some(&1)), "{:?}", ends);
        for (step, state) in graph.steps.iter().zip(&history) {
            prop_assert!(state.failures <= step.retry.max_attempts, "{:?}", state);
            prop_assert_eq!(state.status == StepStatus::Completed, state.output.is_some());
            if step.when.as_deref() == Some("false") {
                prop_assert!(matches!(state.status, StepStatus::Skipped | StepStatus::Cancelled));
            }
        }
        match verdict {
            Verdict::Completed { output } => {
                let keys: Vec<_> = output.as_object().unwrap().keys().map(String::as_str).collect();
                let mut leaves: Vec<_> = graph.leaves().collect();
                leaves.sort_unstable();
                prop_assert_eq!(keys, leaves);
            }
            Verdict::Failed { place, .. } => prop_assert_eq!(history[place].status, StepStatus::Failed),
            Verdict::Going { .. } => prop_assert!(false, "live() returned early"),
        }
    }

    #[test]
    fn the_same_history_gives_the_same_plan(graph in graphs(), fates in fates(), slots in 1_usize..4) {
        prop_assert_eq!(live(&graph, &fates, slots), live(&graph, &fates, slots));
    }
}
