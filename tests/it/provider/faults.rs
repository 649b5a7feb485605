//! Every fault of a provider, by every policy of a route, in every wire format: what follows is what docs/gateway.md
//! says, with the call as the usage log tells it.
use super::{ask, attempt, calls, estimated, estimated_input, list, route};
use crate::{
    on_both,
    support::{
        TestApp,
        fake::{COUNTED, End, Fake, Format, Piece, Reason, Script},
    },
};
use aifirst::shared::Ambient;
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use std::collections::HashMap;

const DOCS: &str = include_str!("../../../docs/gateway.md");
const PROMPT: &str = "Count to four, please, as fast as you can.";
/// What is said before a fault in the midst of an answer, and what the next target says.
const FIRST: [&str; 2] = ["One ", "two "];
const REST: [&str; 2] = ["three ", "four."];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Unreachable,
    Silent,
    Stalls,
    TooManyRequests,
    ServerError,
    ErrorAtOnce,
    ErrorMidway,
    Unauthorized,
    CutAtOnce,
    CutMidway,
    Malformed,
    InvalidUtf8,
    ContextOverflow,
    Filtered,
    FilteredMidway,
    LongLine,
    Endless,
}

impl Fault {
    const ALL: [Self; 17] = [
        Self::Silent,
        Self::Stalls,
        Self::Endless,
        Self::LongLine,
        Self::Unreachable,
        Self::TooManyRequests,
        Self::ServerError,
        Self::ErrorAtOnce,
        Self::ErrorMidway,
        Self::Unauthorized,
        Self::CutAtOnce,
        Self::CutMidway,
        Self::Malformed,
        Self::InvalidUtf8,
        Self::ContextOverflow,
        Self::Filtered,
        Self::FilteredMidway,
    ];

    /// As the documentation names it.
    fn named(self) -> &'static str {
        match self {
            Self::Unreachable => "cannot be reached",
            Self::Silent => "says nothing for too long",
            Self::Stalls => "stops talking in mid-answer",
            Self::TooManyRequests => "takes no more requests (429)",
            Self::ServerError => "has a fault of its own (5xx)",
            Self::ErrorAtOnce => "tells an error in its stream, at once",
            Self::ErrorMidway => "tells an error in its stream, in mid-answer",
            Self::Unauthorized => "refuses the key (401, 403)",
            Self::CutAtOnce => "closes the connection before a word",
            Self::CutMidway => "closes the connection in mid-answer",
            Self::Malformed => "sends what is not its format, in mid-answer",
            Self::InvalidUtf8 => "sends what is not UTF-8, in mid-answer",
            Self::ContextOverflow => "finds the texts longer than its context",
            Self::Filtered => "does not answer by its rules",
            Self::FilteredMidway => "stops by its rules, in mid-answer",
            Self::LongLine => "sends a line of over 1 MiB",
            Self::Endless => "does not come to an end",
        }
    }

    /// Whether something was said before it.
    fn is_midway(self) -> bool {
        matches!(
            self,
            Self::Stalls
                | Self::ErrorMidway
                | Self::CutMidway
                | Self::Malformed
                | Self::InvalidUtf8
                | Self::FilteredMidway
                | Self::Endless
        )
    }

    /// `None` where the format knows no such thing.
    fn script(self, format: Format) -> Option<Script> {
        let raw = |data: &[u8]| {
            let framed = match format {
                Format::Ollama => [data, b"\n"].concat(),
                _ => [b"data: ", data, b"\n\n"].concat(),
            };
            Script::texts(FIRST).then(Piece::Raw(framed))
        };
        let flood = |piece: Piece, times: usize| Piece::Flood { piece: Box::new(piece), times };
        let lacks = format == Format::Ollama && matches!(self, Self::Filtered | Self::FilteredMidway);
        (!lacks).then(|| match self {
            // Nobody is there who could say anything.
            Self::Unreachable => Script::texts([]),
            Self::Silent => Script::texts([]).then(Piece::Hang),
            Self::Stalls => Script::texts(FIRST).then(Piece::Hang),
            Self::TooManyRequests => Script::too_many_requests(),
            Self::ServerError => Script::fault(),
            Self::ErrorAtOnce => Script::texts([]).then(Piece::Error),
            Self::ErrorMidway => Script::texts(FIRST).then(Piece::Error),
            Self::Unauthorized => Script::unauthorized(),
            Self::CutAtOnce => Script::texts([]).then(Piece::Cut),
            Self::CutMidway => Script::texts(FIRST).then(Piece::Cut),
            Self::Malformed => raw(b"{\"choices\": ["),
            Self::InvalidUtf8 => raw(b"{\"what\": \"\xff\xfe\"}"),
            Self::ContextOverflow => Script::context_overflow(format),
            Self::Filtered => Script::filtered(format),
            Self::FilteredMidway => Script::texts(FIRST).then(Piece::End(Reason::Filter)),
            // 50 MB.
            Self::LongLine => Script::texts([]).then(flood(Piece::Raw(vec![b'x'; 50_000]), 1_000)),
            Self::Endless => Script::texts([]).then(flood(Piece::Text("and so on ".repeat(7)), 10_000_000)),
        })
    }

    /// Tokens in and out of the attempt that has this fault.
    fn used(self, format: Format) -> (u32, u32) {
        match self {
            Self::FilteredMidway => COUNTED,
            Self::Filtered if format == Format::Anthropic => COUNTED,
            // More than it was to say, so no less than the longest tokens give.
            Self::Endless => (estimated_input(PROMPT), 100_000 / 4),
            fault if fault.is_midway() => (estimated_input(PROMPT), estimated(&FIRST.concat())),
            // It may have read what it was asked.
            Self::Silent | Self::CutAtOnce | Self::LongLine => (estimated_input(PROMPT), 0),
            _ => (0, 0),
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Policy {
    OneTarget,
    TwoTargets,
    TwoTerminate,
    Fallback,
}

impl Policy {
    /// In the order of the documentation's columns.
    const ALL: [Self; 4] = [Self::OneTarget, Self::TwoTargets, Self::TwoTerminate, Self::Fallback];

    fn route(self, name: &str, first: (&str, &str), second: (&str, &str), fault: Fault) -> String {
        let mut more = "retry = { rounds = 1 }\n".to_owned();
        if matches!(fault, Fault::Silent | Fault::Stalls) {
            more += "timeouts = { first_token_milliseconds = 3000, between_tokens_milliseconds = 3000 }\n";
        }
        match self {
            Self::OneTarget => route(name, &[first], &more),
            Self::TwoTargets => route(name, &[first, second], &more),
            Self::TwoTerminate => route(name, &[first, second], &(more + "stream_failure = 'terminate'")),
            Self::Fallback => {
                let other = list(&[second]);
                let fallbacks =
                    format!("fallbacks = {{ context_window = {other}, content_policy = {other} }}");
                route(name, &[first], &(more + &fallbacks))
            }
        }
    }
}

struct Case {
    name: String,
    fault: Fault,
    policy: Policy,
    /// Of the first target; the second has the next.
    format: Format,
}

impl Case {
    fn model(&self, which: &str) -> String {
        format!("{}-{which}", self.name)
    }
}

/// By the name of the fault: its code, and the call's status by each policy.
fn documented() -> HashMap<&'static str, (Option<&'static str>, Vec<&'static str>)> {
    let rows = DOCS.lines().skip_while(|line| !line.starts_with("| The provider ")).skip(2);
    let rows = rows.take_while(|line| line.starts_with('|'));
    let rows = rows.map(|line| {
        let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
        (cells[0], (Some(cells[1]).filter(|code| *code != "—"), cells[2..].to_vec()))
    });
    rows.collect()
}

#[test]
fn the_documentation_knows_every_fault() {
    let documented = documented();
    assert_eq!(documented.len(), Fault::ALL.len(), "{documented:#?}");
    for fault in Fault::ALL {
        let (_, ends) = documented.get(fault.named()).unwrap_or_else(|| panic!("{}", fault.named()));
        assert_eq!(ends.len(), Policy::ALL.len(), "{}", fault.named());
    }
}

on_both! {
    async fn every_fault_ends_as_it_is_documented_by_every_policy(database: Database) {
        // Wire formats and databases know nothing of each other.
        let formats = if database.is_sqlite() { &Format::ALL[..] } else { &Format::ALL[..1] };
        let mut fakes = vec![];
        for format in Format::ALL {
            fakes.push(Fake::start(format).await);
        }
        let mut settings: String = fakes.iter().map(|fake| fake.settings(fake.format.kind())).collect();
        settings += "[gateway.providers.nowhere]\nkind = 'openai-compatible'\nbase_url = 'http://127.0.0.1:1/v1'\n";
        let mut cases = vec![];
        for fault in Fault::ALL {
            for (place, format) in formats.iter().copied().enumerate() {
                let Some(script) = fault.script(format) else { continue };
                for policy in Policy::ALL {
                    let name = format!("case-{}", cases.len());
                    let case = Case { name, fault, policy, format };
                    let (first, second) = (case.model("first"), case.model("second"));
                    let other = &fakes[(place + 1) % fakes.len()];
                    fakes[place].says(&first, script.clone());
                    other.says(&second, Script::answer(REST));
                    let provider = if fault == Fault::Unreachable { "nowhere" } else { format.kind() };
                    settings += &policy.route(&case.name, (provider, &first), (other.format.kind(), &second), fault);
                    cases.push(case);
                }
            }
        }
        let app = TestApp::start_with(database, &settings, Ambient::system()).await;
        let app = &app;
        let answers = stream::iter(&cases).map(|case| async move { (case, ask(app, &case.name, PROMPT).await) });
        let answers: Vec<_> = answers.buffer_unordered(8).collect().await;
        let calls = calls(app, cases.len()).await;
        for (case, answer) in answers {
            let told = &calls[&case.name];
            assert_eq!(told.len(), 1, "{told:#?}");
            check(case, &answer, &told[0], &fakes).await;
        }
    }
}

async fn check(case: &Case, answer: &Result<Value, String>, call: &Value, fakes: &[Fake]) {
    let Case { fault, policy, format, .. } = *case;
    let context = format!("{fault:?} {policy:?} {format:?}\n{answer:#?}\n{call:#}");
    let (code, ends) = documented()[fault.named()].clone();
    let status = ends[policy as usize];
    assert_eq!(call["status"], status, "{context}");

    // What whoever asked gets.
    let said = if fault.is_midway() { FIRST.concat() } else { String::new() };
    match (status, code) {
        ("COMPLETED", _) => {
            let output = answer.as_ref().expect(&context);
            assert_eq!(output["text"], said.clone() + &REST.concat(), "{context}");
            assert_eq!(output["finishReason"], "END_OF_TURN", "{context}");
        }
        ("INCOMPLETE", None) if fault == Fault::Endless => {
            let output = answer.as_ref().expect(&context);
            assert_eq!(output["text"].as_str().unwrap().chars().count(), 100_000, "{context}");
            assert_eq!(output["finishReason"], "LENGTH", "{context}");
        }
        (_, code) => {
            let expected = match code {
                Some("RATE_LIMITED") => "RATE_LIMITED",
                Some("CONTEXT_WINDOW") => "INVALID",
                Some("CONTENT_POLICY") | None => "CONTENT_POLICY",
                Some(_) => "UNAVAILABLE",
            };
            assert_eq!(answer.as_ref().unwrap_err(), expected, "{context}");
        }
    }

    // What the usage log has of it.
    let place = Format::ALL.iter().position(|known| *known == format).unwrap();
    let (provider, other) = (&fakes[place], &fakes[(place + 1) % fakes.len()]);
    let named = if fault == Fault::Unreachable { "nowhere" } else { format.kind() };
    let first_status = if code.is_some() { "FAILED" } else { "INCOMPLETE" };
    let mut attempts = vec![attempt(named, &case.model("first"), first_status, code)];
    let (mut input, mut output) = fault.used(format);
    let mut used = (fault.is_midway()).then(|| case.model("first"));
    if status == "COMPLETED" {
        attempts.push(attempt(other.format.kind(), &case.model("second"), "COMPLETED", None));
        (input, output) = (input + COUNTED.0, output + COUNTED.1);
        used = Some(case.model("second"));
    }
    assert_eq!(call["attempts"], json!(attempts), "{context}");
    assert_eq!((&call["inputTokens"], &call["outputTokens"]), (&json!(input), &json!(output)), "{context}");
    assert_eq!(call["modelRequested"], case.model("first"), "{context}");
    assert_eq!(call["modelUsed"], json!(used), "{context}");
    let finish = match (status, fault) {
        ("COMPLETED", _) => json!("END_OF_TURN"),
        (_, Fault::Endless) => json!("LENGTH"),
        (_, Fault::FilteredMidway) => json!("CONTENT_POLICY"),
        _ => Value::Null,
    };
    assert_eq!(call["finishReason"], finish, "{context}");

    // What the providers saw.
    let asked = provider.asked(&case.model("first"));
    assert_eq!(asked.len(), usize::from(fault != Fault::Unreachable), "{context}");
    assert_eq!(other.asked(&case.model("second")).len(), attempts.len() - 1, "{context}");
    if matches!(fault, Fault::Silent | Fault::Stalls | Fault::LongLine | Fault::Endless) {
        assert_eq!(asked[0].ended().await, End::LeftAlone, "{context}");
        assert!(asked[0].sent() < 16_000_000, "{} bytes were taken: {context}", asked[0].sent());
    }
    if let Some(second) = other.asked(&case.model("second")).first() {
        let prefill = other.format.prefill(&second.body).unwrap_or_default().0;
        assert_eq!(prefill, said, "{context}");
    }
}
