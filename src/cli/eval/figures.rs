//! The figures: shares of what should have been found, averaged over the questions.
use super::data::{Query, Question};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

#[derive(Debug, Default)]
pub(super) struct Figures {
    questions: usize,
    /// By name, the sum over all questions.
    sums: BTreeMap<&'static str, f64>,
    times: Vec<Duration>,
}

impl Figures {
    pub(super) fn take_time(&mut self, time: Duration) {
        self.times.push(time);
    }

    /// `turns` and `sessions` as they were found, best first.
    pub(super) fn take_question(&mut self, question: &Question, turns: &[String], sessions: &[String]) {
        let hit = sessions.first().is_some_and(|first| question.sessions.contains(first));
        self.take([
            ("sessionHit1", f64::from(u8::from(hit))),
            ("sessionR10", recall(sessions, 10, &question.sessions)),
            ("turnR5", recall(turns, 5, &question.turns)),
            ("turnR10", recall(turns, 10, &question.turns)),
        ]);
    }

    pub(super) fn take_query(&mut self, query: &Query, passages: &[String]) {
        self.take([
            ("ndcg10", ndcg(passages, 10, &query.relevant)),
            ("r100", recall(passages, 100, &query.relevant)),
        ]);
    }

    fn take<const N: usize>(&mut self, figures: [(&'static str, f64); N]) {
        self.questions += 1;
        for (name, figure) in figures {
            *self.sums.entry(name).or_default() += figure;
        }
    }

    pub(super) fn to_json(&self) -> Value {
        let mut times = self.times.clone();
        times.sort_unstable();
        let percentile = |percent: usize| {
            let place = (times.len() * percent).div_ceil(100).saturating_sub(1);
            times.get(place).map(|time| rounded(time.as_secs_f64() * 1000.0, 100.0))
        };
        let mut told = json!({
            "questions": self.questions,
            "latencyP50Ms": percentile(50),
            "latencyP99Ms": percentile(99),
        });
        for (name, sum) in &self.sums {
            told[name] = json!(rounded(sum / self.questions.max(1) as f64, 10_000.0));
        }
        told
    }
}

fn rounded(number: f64, to: f64) -> f64 {
    (number * to).round() / to
}

/// The share of `wanted` that is among the first.
fn recall(found: &[String], first: usize, wanted: &BTreeSet<String>) -> f64 {
    let found = found.iter().take(first).filter(|name| wanted.contains(*name)).count();
    found as f64 / wanted.len().max(1) as f64
}

/// Normalised discounted cumulative gain, all that is relevant being equally so.
fn ndcg(found: &[String], first: usize, relevant: &BTreeSet<String>) -> f64 {
    let gain = |place: usize| 1.0 / ((place + 2) as f64).log2();
    let places = found.iter().take(first).enumerate().filter(|(_, name)| relevant.contains(*name));
    let got: f64 = places.map(|(place, _)| gain(place)).sum();
    let ideal: f64 = (0..relevant.len().min(first)).map(gain).sum();
    if ideal > 0.0 { got / ideal } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn what_is_found_early_counts_more() {
        let relevant: BTreeSet<String> = names(&["a", "b"]).into_iter().collect();
        assert_eq!(ndcg(&names(&["b", "a", "c"]), 10, &relevant), 1.0);
        let late = ndcg(&names(&["c", "a", "d", "b"]), 10, &relevant);
        let expected = (1.0 / 3_f64.log2() + 1.0 / 5_f64.log2()) / (1.0 + 1.0 / 3_f64.log2());
        assert!((late - expected).abs() < 1e-12);
        assert_eq!(ndcg(&names(&["c"]), 10, &relevant), 0.0);
        assert_eq!(recall(&names(&["c", "a", "d", "b"]), 3, &relevant), 0.5);
    }

    #[test]
    fn the_figures_are_means_and_percentiles() {
        let question = |session: &str| Question {
            text: String::new(),
            prefix: String::new(),
            turns: names(&["t1"]).into_iter().collect(),
            sessions: [session.to_owned()].into(),
        };
        let mut figures = Figures::default();
        (1..=100).for_each(|time| figures.take_time(Duration::from_millis(time)));
        figures.take_question(&question("s1"), &names(&["t1"]), &names(&["s1", "s2"]));
        figures.take_question(&question("s2"), &names(&["t0"]), &names(&["s1", "s2"]));
        let expected = json!({ "questions": 2, "latencyP50Ms": 50.0, "latencyP99Ms": 99.0, "sessionHit1": 0.5,
            "sessionR10": 1.0, "turnR5": 0.5, "turnR10": 0.5 });
        assert_eq!(figures.to_json(), expected);
    }
}
