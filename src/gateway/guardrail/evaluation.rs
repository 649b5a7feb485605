//! How well detectors do on the frozen cases of bench/guardrails: precision and recall by kind, on the half that they
//! were tuned on and on the half that was only counted. `cargo test --lib guardrail::evaluation -- --nocapture`
//! prints the table.
use super::{Action, Check, Guardrail, Kind, Masks, OnError, Policy, Rule, Stage, injection};
use crate::shared::Ambient;
use serde::Deserialize;
use std::{collections::BTreeMap, fs, path::Path, sync::Arc};

const PII: &str = include_str!("../../../bench/guardrails/cases/pii.jsonl");
const ATTACKS: &str = include_str!("../../../bench/guardrails/cases/attacks.jsonl");
const GOAL: f64 = 0.95;
const MAX_FALSE_ALARMS: f64 = 0.02;

#[derive(Deserialize)]
struct PiiCase {
    half: String,
    text: String,
    kind: Option<String>,
    value: Option<String>,
}

#[derive(Deserialize)]
struct AttackCase {
    half: String,
    form: String,
    text: String,
}

#[derive(Default)]
struct Score {
    right: usize,
    wrong: usize,
    missed: usize,
}

impl Score {
    fn precision(&self) -> f64 {
        self.right as f64 / (self.right + self.wrong).max(1) as f64
    }

    fn recall(&self) -> f64 {
        self.right as f64 / (self.right + self.missed).max(1) as f64
    }
}

fn cases<'a, T: Deserialize<'a>>(lines: &'a str) -> Vec<T> {
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Which misses and false alarms to print: those of the tuning half alone, the other is only counted.
fn shown(half: &str) -> bool {
    half == "tuning" && std::env::var_os("SHOW").is_some()
}

/// What the check for personal data finds in a text, as kind and value.
fn found(guardrail: &Guardrail, text: &str) -> Vec<(Kind, String)> {
    let decision = guardrail.evaluate(text, &mut Masks::default(), None);
    let units: Vec<u16> = text.encode_utf16().collect();
    decision
        .findings
        .iter()
        .flat_map(|finding| {
            finding
                .spans
                .iter()
                .map(|span| (finding.kind, String::from_utf16(&units[span.start..span.end]).unwrap()))
        })
        .collect()
}

#[test]
#[expect(clippy::print_stdout, reason = "a report for those who tune")]
fn personal_data_is_found_in_twelve_locales_and_look_alikes_pass() {
    let rules = vec![Rule { check: Check::Pii { kinds: vec![] }, action: Action::Mask }];
    let policy = Policy { stage: Stage::Input, rules, on_error: OnError::FailClosed };
    let guardrail = Guardrail::new(policy, Ambient::system().clock).unwrap();
    let mut scores: BTreeMap<(String, String), Score> = BTreeMap::new();
    for case in cases::<PiiCase>(PII) {
        let kind = case.kind.as_deref().map(|kind| if kind.contains('_') { "NATIONAL_ID" } else { kind });
        let mut found = found(&guardrail, &case.text);
        if let (Some(kind), Some(value)) = (kind, case.value.as_deref()) {
            let hit = found.iter().position(|(found, text)| found.name() == kind && text == value);
            for name in [kind, "all"] {
                let score = scores.entry((case.half.clone(), name.to_owned())).or_default();
                if hit.is_some() { score.right += 1 } else { score.missed += 1 }
            }
            if hit.is_none() && shown(&case.half) {
                println!("missed {kind}: {} → {found:?}", case.text);
            }
            hit.map(|place| found.remove(place));
        }
        for (kind, value) in found {
            for name in [kind.name(), "all"] {
                scores.entry((case.half.clone(), name.to_owned())).or_default().wrong += 1;
            }
            if shown(&case.half) {
                println!("wrong {}: {value} in {}", kind.name(), case.text);
            }
        }
    }
    println!("{:9} {:12} {:>9} {:>6} {:>5}", "half", "kind", "precision", "recall", "cases");
    for ((half, kind), score) in &scores {
        let cases = score.right + score.missed;
        println!("{half:9} {kind:12} {:9.3} {:6.3} {cases:5}", score.precision(), score.recall());
    }
    for half in ["tuning", "held-out"] {
        let all = &scores[&(half.to_owned(), "all".to_owned())];
        assert!(all.precision() >= GOAL && all.recall() >= GOAL, "{half}");
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "a report for those who tune")]
fn written_attacks_are_found_in_many_languages_and_disguises() {
    let mut by_half: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let mut by_form: BTreeMap<(String, String), (usize, usize)> = BTreeMap::new();
    for case in cases::<AttackCase>(ATTACKS) {
        let found = injection::is_attack(&case.text);
        if found == (case.form == "harmless") && shown(&case.half) {
            println!("{} {}: {}", if found { "false alarm" } else { "missed" }, case.form, case.text);
        }
        let counts = |(hits, all): &mut (usize, usize)| {
            *hits += usize::from(found);
            *all += 1;
        };
        if case.form != "harmless" {
            counts(by_half.entry(case.half.clone()).or_default());
        }
        counts(by_form.entry((case.half, case.form)).or_default());
    }
    for ((half, form), (hits, all)) in &by_form {
        println!("{half:9} {form:10} {hits:3} of {all:3}");
    }
    for (half, (hits, all)) in by_half {
        let recall = hits as f64 / all as f64;
        println!("{half:9} recall {recall:.3} of {all}");
        assert!(recall >= if half == "tuning" { TUNED_RECALL } else { HELD_OUT_RECALL }, "{half}: {recall}");
    }
}

/// What was reached, so that a change which finds less is seen.
const TUNED_RECALL: f64 = 0.95;
const HELD_OUT_RECALL: f64 = 0.90;

#[test]
#[expect(clippy::print_stdout, reason = "a report for those who tune, and why nothing was tested")]
fn dialogues_of_people_are_no_attacks() {
    let folder = std::env::var_os("AIFIRST_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/retrieval"), Into::into);
    for (file, field) in [
        ("locomo-turns.jsonl", "text"),
        ("locomo-questions.jsonl", "question"),
        ("scifact-corpus.jsonl", "text"),
    ] {
        let Ok(lines) = fs::read_to_string(folder.join(file)) else {
            println!("skipped: {file} is not in {}", folder.display());
            continue;
        };
        let texts = cases::<serde_json::Value>(&lines);
        let alarms: Vec<&str> = texts
            .iter()
            .filter_map(|case| case[field].as_str())
            .filter(|text| injection::is_attack(text))
            .collect();
        let share = alarms.len() as f64 / texts.len() as f64;
        println!("{file}: {} false alarms in {} ({share:.4})", alarms.len(), texts.len());
        if std::env::var_os("SHOW").is_some() {
            alarms.iter().take(30).for_each(|text| println!("  {text}"));
        }
        assert!(share <= MAX_FALSE_ALARMS, "{file}: {share}");
    }
}

/// `cargo test --release --lib guardrail::evaluation::speed -- --ignored --nocapture`
#[test]
#[ignore = "a measurement, which tells something in a release build only"]
#[expect(clippy::print_stdout, reason = "a measurement")]
fn speed_on_typical_text() {
    const ROUNDS: u32 = 200;
    let talk = "Hi Mel! I had my check-up on 12 May 2023 at 10:30, and it went well. Could you send the notes of version 1.2.3 \
        to the team? My address is still anna@example.com, and the plan costs $1,200 for 45 people. I'm swamped with the kids & \
        work, so let's meet on Thursday; call me when you can. ";
    let text = talk.repeat(4_096 / talk.len());
    let rule = |check, action| Rule { check, action };
    let places = vec![
        rule(Check::Pii { kinds: vec![] }, Action::Mask),
        rule(Check::Secret, Action::Mask),
        rule(
            Check::Topic { phrases: vec!["project falcon".to_owned(), "layoff plan".to_owned()] },
            Action::Block,
        ),
    ];
    let sets = [
        ("PII", places[..1].to_vec()),
        ("PII, secrets, topics", places.clone()),
        ("injection", vec![rule(Check::Injection, Action::Block)]),
        ("language", vec![rule(Check::Language { allowed: vec!["eng".to_owned()] }, Action::Block)]),
    ];
    // The best round: what others do on the machine is not ours.
    let report = |name: &str, work: &mut dyn FnMut()| {
        let mut round = || {
            let begin = std::time::Instant::now();
            work();
            begin.elapsed()
        };
        let best = (0..ROUNDS).map(|_| round()).min().unwrap_or_default();
        println!("{name:28} {:7.2} µs a KB", best.as_secs_f64() * 1e6 * 1_024.0 / text.len() as f64);
    };
    for (name, rules) in sets {
        let policy = Policy { stage: Stage::Input, rules, on_error: OnError::FailClosed };
        let guardrail = Guardrail::new(policy, Ambient::system().clock).unwrap();
        report(name, &mut || {
            std::hint::black_box(guardrail.evaluate(&text, &mut Masks::default(), None));
        });
    }
    let policy = Policy { stage: Stage::Output, rules: places, on_error: OnError::FailClosed };
    let guardrail = Arc::new(Guardrail::new(policy, Ambient::system().clock).unwrap());
    report("stream by words, unmasked", &mut || {
        let (mut checking, mut masks, mut unmasking) =
            (guardrail.stream(), Masks::default(), super::Unmasking::default());
        for word in text.split_inclusive(' ') {
            let released = checking.push(&mut masks, word);
            std::hint::black_box(unmasking.push(&masks, &released));
        }
        std::hint::black_box(checking.finish(&mut masks, None));
    });
}
