//! Texts made to be slow. Counted, not timed: a detector may read each byte a bounded number of times.
use super::*;
use crate::shared::Ambient;

const SIZE: usize = 16_000;

/// Each of these, repeated, is where some detector begins again and again.
const PARTS: &[&str] = &[
    "1",
    "@",
    "-",
    "a@",
    "a.",
    "a-",
    "1 ",
    "1-",
    "1.",
    "1:",
    "(1",
    "+1 ",
    "a:",
    "::",
    "[",
    "\\[",
    "[EMAIL_",
    "eyJ",
    "eyJ.",
    "eyJa-",
    "-----BEGIN PRIVATE KEY-----",
    "-----BEGIN ",
    "a://",
    "a://b:",
    "password=",
    "password: ",
    "password:a",
    "sk-",
    "sk-1",
    "DE89 ",
    "DE89 3704 ",
    "4111 ",
    "x1",
    "project ",
    "project-",
    "電話",
    "😀",
    "\u{200b}",
    "ignore ",
    "ignore all previous ",
    "<!--",
    "![",
    "![a](http://x?",
    "\nSystem",
    "a1b",
    "i g n o r e ",
    "0 ",
    "00 ",
    "2001:",
    "RSSMRA",
    "AB 12 ",
];

fn guardrail(stage: Stage) -> Arc<Guardrail> {
    let mut checks = vec![
        Check::Pii { kinds: vec![] },
        Check::Secret,
        Check::Topic { phrases: vec!["project falcon".to_owned()] },
    ];
    if stage == Stage::Input {
        checks.push(Check::Injection);
    }
    let action = Action::Allow;
    let rules = checks.into_iter().map(|check| Rule { check, action }).collect();
    Arc::new(
        Guardrail::new(Policy { stage, rules, on_error: OnError::FailOpen }, Ambient::system().clock)
            .unwrap(),
    )
}

/// Four times the text takes about four times the reads, more where it is short beside what a detector reads at once; a square would take sixteen.
#[test]
fn hostile_texts_take_time_in_proportion_to_their_length() {
    let guardrail = guardrail(Stage::Input);
    for part in PARTS {
        let reads = |size: usize| {
            let text = part.repeat(size / part.len());
            reader::count_reads(|| {
                guardrail.evaluate(&text, &mut Masks::default(), None);
            })
        };
        let (short, long) = (reads(SIZE / 4), reads(SIZE));
        assert!(long <= short * 8 && long <= SIZE as u64 * 150, "{part:?}: {short} and {long} reads");
    }
}

#[test]
fn a_stream_of_hostile_text_holds_back_a_bounded_stretch() {
    let guardrail = guardrail(Stage::Output);
    for part in PARTS {
        let (mut checking, mut masks) = (guardrail.stream(), Masks::default());
        let text = part.repeat(SIZE / part.len());
        let mut out = String::new();
        for piece in text.as_bytes().chunks(997).map(|piece| String::from_utf8_lossy(piece)) {
            out.push_str(&checking.push(&mut masks, &piece));
            assert!(checking.held().len() <= 10_000, "{part:?}: {}", checking.held().len());
        }
    }
}
