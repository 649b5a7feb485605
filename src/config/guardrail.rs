//! What a guardrail's policy says: data, as an operator or an administrator writes it and a table keeps it.
use crate::shared::{Problems, Result, stored};
use serde::{Deserialize, Serialize};

/// Phrases of one list of topics.
const MAX_PHRASES: usize = 200;
/// Characters of a phrase: what a stream may have to hold back to know it.
const MAX_PHRASE: usize = 80;
const MAX_RULES: usize = 20;
/// Codes by ISO 639-3 that the detector of languages knows.
const LANGUAGES: [&str; 16] = [
    "ara", "cmn", "deu", "eng", "fra", "hin", "ita", "jpn", "kor", "nld", "por", "rus", "spa", "swe", "tur",
    "vie",
];

stored! {
    /// Where a text stands when it is checked.
    Stage {
        /// What a person or a workflow asks.
        Input = "INPUT",
        /// What was recalled or found: text of others, which gives no orders.
        Retrieval = "RETRIEVAL",
        /// What a model answers.
        Output = "OUTPUT",
    }

    /// What is done where a check finds something. The strongest of all findings rules the text.
    #[derive(Default)]
    Action {
        /// Noted; the text goes on as it is.
        #[default]
        Allow = "ALLOW",
        /// Each finding gives way to a placeholder.
        Mask = "MASK",
        /// The text goes on as it is, and somebody is to look at it.
        Escalate = "ESCALATE",
        /// The text goes no further.
        Block = "BLOCK",
    }

    /// What holds for a text that a check could not check.
    #[derive(Default)]
    OnError {
        /// It passes.
        FailOpen = "FAIL_OPEN",
        /// It is blocked.
        #[default]
        FailClosed = "FAIL_CLOSED",
    }

    /// What was found. Its name is the word in a placeholder.
    Kind {
        Email = "EMAIL",
        Phone = "PHONE",
        Card = "CARD",
        Iban = "IBAN",
        IpAddress = "IP",
        NationalId = "NATIONAL_ID",
        Secret = "SECRET",
        Topic = "TOPIC",
        Injection = "INJECTION",
        Length = "LENGTH",
        Language = "LANGUAGE",
        Schema = "SCHEMA",
        /// A text that looks like a placeholder of ours and is none.
        Literal = "LITERAL",
    }
}

impl Action {
    /// The one of two that rules.
    pub fn stronger(self, other: Self) -> Self {
        let rank = |action: Self| match action {
            Self::Allow => 0,
            Self::Mask => 1,
            Self::Escalate => 2,
            Self::Block => 3,
        };
        if rank(self) < rank(other) { other } else { self }
    }
}

impl Kind {
    /// What a check for personal data looks for.
    pub const PERSONAL: [Self; 6] =
        [Self::Email, Self::Phone, Self::Card, Self::Iban, Self::IpAddress, Self::NationalId];
}

/// A check with what it needs to know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "check", rename_all = "SCREAMING_SNAKE_CASE", deny_unknown_fields)]
pub enum Check {
    /// Personal data; of all kinds where `kinds` is empty.
    Pii {
        #[serde(default)]
        kinds: Vec<Kind>,
    },
    Secret,
    /// Text that would give a model orders.
    Injection,
    /// Words and phrases that are not spoken of.
    Topic {
        phrases: Vec<String>,
    },
    /// At most so many characters.
    Length {
        max: usize,
    },
    /// None but these languages, as ISO 639-3 codes (`eng`).
    Language {
        allowed: Vec<String>,
    },
    /// JSON of the form that the caller of the model asked for.
    Schema,
}

impl Check {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Pii { .. } => "PII",
            Self::Secret => "SECRET",
            Self::Injection => "INJECTION",
            Self::Topic { .. } => "TOPIC",
            Self::Length { .. } => "LENGTH",
            Self::Language { .. } => "LANGUAGE",
            Self::Schema => "SCHEMA",
        }
    }

    /// Whether its findings are places in the text that a placeholder can stand for.
    fn has_places(&self) -> bool {
        matches!(self, Self::Pii { .. } | Self::Secret | Self::Topic { .. })
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    #[serde(flatten)]
    pub check: Check,
    pub action: Action,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    pub stage: Stage,
    pub rules: Vec<Rule>,
    #[serde(default)]
    pub on_error: OnError,
}

impl Policy {
    /// Every problem with its path.
    pub fn validate(&self) -> Result<()> {
        let mut problems = Problems::default();
        if self.rules.is_empty() || self.rules.len() > MAX_RULES {
            problems.invalid("rules", format!("write between 1 and {MAX_RULES} rules"));
        }
        for (place, rule) in self.rules.iter().enumerate() {
            let path = |field: &str| format!("rules.{place}.{field}");
            let name = rule.check.name();
            if rule.action == Action::Mask && !rule.check.has_places() {
                problems.invalid(
                    path("action"),
                    format!("{name} speaks of the whole text: ALLOW, ESCALATE or BLOCK"),
                );
            }
            if self
                .rules
                .iter()
                .take(place)
                .any(|other| other.check.name() == name && !rule.check.has_places())
            {
                problems.invalid(path("check"), format!("{name} stands in a rule before"));
            }
            match &rule.check {
                Check::Pii { kinds } if kinds.iter().any(|kind| !Kind::PERSONAL.contains(kind)) => {
                    let names = Kind::PERSONAL.map(Kind::name).join(", ");
                    problems.invalid(path("kinds"), format!("kinds of personal data are {names}"));
                }
                Check::Topic { phrases } => validate_phrases(phrases, &path("phrases"), &mut problems),
                Check::Length { max: 0 } => problems.invalid(path("max"), "at least 1 character"),
                Check::Language { allowed }
                    if allowed.is_empty()
                        || allowed.iter().any(|code| !LANGUAGES.contains(&code.as_str())) =>
                {
                    let known = LANGUAGES.join(", ");
                    problems.invalid(path("allowed"), format!("write codes of these: {known}"));
                }
                Check::Injection if self.stage == Stage::Output => {
                    problems.invalid(path("check"), "an answer gives no orders: check INPUT and RETRIEVAL");
                }
                Check::Schema if self.stage != Stage::Output => {
                    problems.invalid(path("check"), "only an answer has a schema: check OUTPUT");
                }
                _ => {}
            }
        }
        problems.finish()
    }

    /// What finds and leaves the text as it is, and what masks. Each finds what the whole policy lets its rules find:
    /// of two rules for one kind, the first.
    pub fn split(&self) -> (Self, Self) {
        let (mut kinds_taken, mut secrets_taken) = (vec![], false);
        let (mut watching, mut masking) = (vec![], vec![]);
        for rule in &self.rules {
            let check = match &rule.check {
                Check::Pii { kinds } => {
                    let named = |kind: &Kind| kinds.is_empty() || kinds.contains(kind);
                    let free = |kind: &Kind| named(kind) && !kinds_taken.contains(kind);
                    let kinds: Vec<_> = Kind::PERSONAL.into_iter().filter(free).collect();
                    kinds_taken.extend(kinds.iter().copied());
                    if kinds.is_empty() {
                        continue;
                    }
                    Check::Pii { kinds }
                }
                Check::Secret if secrets_taken => continue,
                check => {
                    secrets_taken |= *check == Check::Secret;
                    check.clone()
                }
            };
            let rules = if rule.action == Action::Mask { &mut masking } else { &mut watching };
            rules.push(Rule { check, action: rule.action });
        }
        let with = |rules| Self { stage: self.stage, rules, on_error: self.on_error };
        (with(watching), with(masking))
    }
}

fn validate_phrases(phrases: &[String], path: &str, problems: &mut Problems) {
    if phrases.is_empty() || phrases.len() > MAX_PHRASES {
        problems.invalid(path, format!("write between 1 and {MAX_PHRASES} words or phrases"));
    }
    for (place, phrase) in phrases.iter().enumerate() {
        if !phrase.chars().any(char::is_alphanumeric) || phrase.chars().count() > MAX_PHRASE {
            problems.invalid(
                format!("{path}.{place}"),
                format!("a letter at least, and at most {MAX_PHRASE} characters"),
            );
        }
    }
}
