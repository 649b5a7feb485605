//! A route as it is configured, or set: which targets a call tries, and what follows a failure.
use super::ProviderKind;
use serde::{Deserialize, Serialize};

/// Targets of one list, and rounds through it: what a call may cost in attempts is their product.
const MAX_TARGETS: usize = 16;
const MAX_ROUNDS: u32 = 5;
/// Milliseconds that any wait of a route may be set to.
const MAX_WAIT: u64 = 600_000;
/// How long an answer may be kept: a week.
const MAX_CACHE: u32 = 604_800;
/// Characters of a route's name.
const MAX_NAME: usize = 64;
/// Characters of a model's name.
const MAX_MODEL: usize = 200;

/// A model of a provider.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// As in `[gateway.providers.NAME]`.
    pub provider: String,
    pub model: String,
    /// Its share of the calls where the order is WEIGHTED, beside the others' weights.
    #[serde(default = "one")]
    pub weight: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    pub targets: Vec<Target>,
    #[serde(default)]
    pub order: Order,
    #[serde(default)]
    pub fallbacks: Fallbacks,
    #[serde(default)]
    pub stream_failure: StreamFailure,
    #[serde(default)]
    pub timeouts: Timeouts,
    #[serde(default)]
    pub retry: Retry,
    /// How long an answer may be that says nothing of it.
    #[serde(default = "max_output_tokens")]
    pub max_output_tokens: u32,
    /// How long a complete answer stands for the same request; not at all where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_seconds: Option<u32>,
    /// A second target is asked, too, when the first one has said nothing for so long; the first word wins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hedge_milliseconds: Option<u64>,
    /// Names of policies that hold on it, in the order in which they see the texts.
    #[serde(default)]
    pub guardrails: Vec<String>,
}

/// Which target is tried first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// The first in the list; the others stand in for it.
    #[default]
    Ordered,
    /// One by chance, by the weights; then the others, by theirs.
    Weighted,
}

/// Where a call goes that its target cannot take, and others of the same kind could not either.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Fallbacks {
    /// The texts are longer than the model's context.
    pub context_window: Vec<Target>,
    /// The provider's rules do not allow an answer.
    pub content_policy: Vec<Target>,
}

/// What happens when a provider fails in the middle of its answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StreamFailure {
    /// The next target goes on where it stopped.
    #[default]
    Continue,
    /// The answer ends, with a reason.
    Terminate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Timeouts {
    /// From sending the request to the first word, of one attempt.
    pub first_token_milliseconds: u64,
    /// Between two words.
    pub between_tokens_milliseconds: u64,
    /// Of the whole call, all attempts together.
    pub total_milliseconds: u64,
}

/// How often the targets are gone through, and how long to wait before a round: by chance between nothing and
/// `initial` doubled for each round, never less than a provider asked to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Retry {
    /// 1: each target once.
    pub rounds: u32,
    pub initial_milliseconds: u64,
    /// No wait is longer; a provider that asks for a longer one is left out.
    pub max_milliseconds: u64,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            first_token_milliseconds: 30_000,
            between_tokens_milliseconds: 15_000,
            total_milliseconds: 120_000,
        }
    }
}

impl Default for Retry {
    fn default() -> Self {
        Self { rounds: 2, initial_milliseconds: 250, max_milliseconds: 10_000 }
    }
}

const fn one() -> u32 {
    1
}

const fn max_output_tokens() -> u32 {
    4_096
}

impl Route {
    /// To one model, nothing else said.
    pub fn to(provider: &str, model: &str) -> Self {
        Self {
            targets: vec![Target { provider: provider.to_owned(), model: model.to_owned(), weight: one() }],
            order: Order::default(),
            fallbacks: Fallbacks::default(),
            stream_failure: StreamFailure::default(),
            timeouts: Timeouts::default(),
            retry: Retry::default(),
            max_output_tokens: max_output_tokens(),
            cache_seconds: None,
            hedge_milliseconds: None,
            guardrails: vec![],
        }
    }

    /// What is wrong with it, each with its path. `kind` is that of the provider of a name, where there is one.
    pub fn problems(&self, kind: impl Fn(&str) -> Option<ProviderKind>) -> Vec<(String, String)> {
        let lists = [
            ("targets", &self.targets),
            ("fallbacks.context_window", &self.fallbacks.context_window),
            ("fallbacks.content_policy", &self.fallbacks.content_policy),
        ];
        let mut problems = vec![];
        let mut problem = |path: String, message: String| problems.push((path, message));
        if self.targets.is_empty() {
            problem("targets".into(), "a route needs a target at least".into());
        }
        for (path, targets) in lists {
            if targets.len() > MAX_TARGETS {
                problem(
                    path.into(),
                    format!("{} targets: at most {MAX_TARGETS} are possible", targets.len()),
                );
            }
            for (place, target) in targets.iter().enumerate() {
                let kind = kind(&target.provider);
                if kind.is_none() {
                    let name: String = target.provider.chars().take(MAX_NAME).collect();
                    let message = format!("there is no provider {name:?}");
                    problem(format!("{path}.{place}.provider"), message);
                }
                if !is_model(&target.model) {
                    let message = format!("name a model, in at most {MAX_MODEL} characters on one line");
                    problem(format!("{path}.{place}.model"), message);
                } else if kind == Some(ProviderKind::Gemini) && !is_plain(&target.model) {
                    let message = "a model of Gemini's has letters, digits, -, _ and . in its name";
                    problem(format!("{path}.{place}.model"), message.to_owned());
                }
                if !(1..=1_000_000).contains(&target.weight) {
                    problem(format!("{path}.{place}.weight"), "between 1 and 1000000".into());
                }
            }
        }
        if !(1..=MAX_ROUNDS).contains(&self.retry.rounds) {
            problem("retry.rounds".into(), format!("between 1 and {MAX_ROUNDS}"));
        }
        let waits = [
            ("timeouts.first_token_milliseconds", self.timeouts.first_token_milliseconds),
            ("timeouts.between_tokens_milliseconds", self.timeouts.between_tokens_milliseconds),
            ("timeouts.total_milliseconds", self.timeouts.total_milliseconds),
            ("retry.initial_milliseconds", self.retry.initial_milliseconds),
            ("retry.max_milliseconds", self.retry.max_milliseconds),
            ("hedge_milliseconds", self.hedge_milliseconds.unwrap_or(1)),
        ];
        for (path, wait) in waits {
            if !(1..=MAX_WAIT).contains(&wait) {
                problem(path.into(), format!("between 1 and {MAX_WAIT} milliseconds"));
            }
        }
        if !(1..=1_000_000).contains(&self.max_output_tokens) {
            problem("max_output_tokens".into(), "between 1 and 1000000".into());
        }
        if !(1..=MAX_CACHE).contains(&self.cache_seconds.unwrap_or(1)) {
            problem("cache_seconds".into(), format!("between 1 and {MAX_CACHE} seconds"));
        }
        problems
    }

    /// The target that every call comes to, where there is but one.
    pub fn only_target(&self) -> Option<&Target> {
        let mut targets = self.all_targets();
        targets.next().filter(|_| targets.next().is_none())
    }

    /// Every target that a call can come to.
    pub fn all_targets(&self) -> impl Iterator<Item = &Target> {
        self.targets.iter().chain(&self.fallbacks.context_window).chain(&self.fallbacks.content_policy)
    }
}

/// What keeps a text from being a route's name.
pub fn route_name_problem(name: &str) -> Option<String> {
    let good = (1..=MAX_NAME).contains(&name.len()) && is_plain(name);
    (!good).then(|| format!("1 to {MAX_NAME} of a–z, A–Z, 0–9, -, _ and ."))
}

/// Also for a part of a path.
fn is_plain(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

fn is_model(name: &str) -> bool {
    !name.trim().is_empty() && name.chars().count() <= MAX_MODEL && !name.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_is_read_from_configuration() {
        let route: Route = toml::from_str(
            "targets = [{ provider = 'main', model = 'small-1' }, { provider = 'spare', model = 'small-2' }]\n\
             stream_failure = 'continue'",
        )
        .unwrap();
        assert_eq!(route.targets.len(), 2);
        assert!(route.problems(|_| Some(ProviderKind::Builtin)).is_empty());
    }

    #[test]
    fn what_is_wrong_with_a_route_is_told_with_its_path() {
        let mut route = Route::to("main", "small-1");
        assert!(route.problems(|_| Some(ProviderKind::Builtin)).is_empty());
        let told = |route: &Route| -> Vec<String> {
            route
                .problems(|name| (name == "main").then_some(ProviderKind::Gemini))
                .into_iter()
                .map(|(path, _)| path)
                .collect()
        };
        route.targets.push(Target { provider: "nowhere".into(), model: " ".into(), weight: 0 });
        assert_eq!(told(&route), ["targets.1.provider", "targets.1.model", "targets.1.weight"]);
        let none = Route { targets: vec![], retry: Retry { rounds: 0, ..Retry::default() }, ..route.clone() };
        assert_eq!(told(&none), ["targets", "retry.rounds"]);
        for name in ["..:generate?", "a/b", "a#b", "a%2e", "ä"] {
            assert_eq!(told(&Route::to("main", name)), ["targets.0.model"], "{name}");
        }
        let many = Route { targets: vec![Route::to("main", "m").targets[0].clone(); 17], ..route };
        assert_eq!(told(&many), ["targets"]);
    }
}
