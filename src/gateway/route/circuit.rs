//! A circuit for each target: one that fails again and again is left alone for a while, then tried with one call.
use super::super::model::FailureKind;
use std::time::Duration;

/// Failures in a row that open a circuit.
const OPENS_AFTER: u32 = 5;
const FIRST_REST: Duration = Duration::from_secs(5);
const LONGEST_REST: Duration = Duration::from_secs(120);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CircuitState {
    /// Calls pass.
    Closed,
    /// No call passes until then.
    Open { until: Duration },
    /// One call is on its way to find out.
    HalfOpen,
}

/// Times are since an instant of the caller's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Circuit {
    failures: u32,
    /// How often it was opened since it last worked.
    opened: u32,
    open_until: Option<Duration>,
    probing: bool,
    /// The provider asked to be left alone until then, which is no failure.
    asked_until: Option<Duration>,
}

impl Circuit {
    pub fn state(&self, now: Duration) -> CircuitState {
        match self.open_until {
            _ if self.probing => CircuitState::HalfOpen,
            Some(until) if until > now => CircuitState::Open { until },
            Some(_) => CircuitState::HalfOpen,
            None => CircuitState::Closed,
        }
    }

    /// Whether a call may go now; if not, when to ask again.
    pub fn may(&self, now: Duration) -> Result<(), Duration> {
        if let Some(until) = self.asked_until.filter(|until| *until > now) {
            return Err(until);
        }
        match self.state(now) {
            CircuitState::Closed => Ok(()),
            CircuitState::Open { until } => Err(until),
            CircuitState::HalfOpen if self.probing => Err(now + FIRST_REST),
            CircuitState::HalfOpen => Ok(()),
        }
    }

    /// As [`Self::may`]. A call that may must tell how it ended, and whether it was the probe.
    pub fn admit(&mut self, now: Duration) -> Result<bool, Duration> {
        self.may(now)?;
        let probes = self.state(now) == CircuitState::HalfOpen;
        self.probing |= probes;
        Ok(probes)
    }

    /// Whether it knows nothing that a new one would not.
    pub fn is_new(&self) -> bool {
        *self == Self::default()
    }

    /// The probe was answered: calls pass again, though the next failure opens it again.
    pub fn answered(&mut self) {
        self.probing = false;
        self.open_until = None;
    }

    /// Of a circuit that was opened since the call began only the probe knows better.
    pub fn succeeded(&mut self, probe: bool) {
        if probe || self.open_until.is_none() {
            *self = Self::default();
        }
    }

    /// The call was given up by its caller: nothing was learnt.
    pub fn given_up(&mut self, probe: bool) {
        self.probing &= !probe;
    }

    pub fn failed(&mut self, kind: FailureKind, retry_after: Option<Duration>, now: Duration, probe: bool) {
        self.given_up(probe);
        if let Some(wait) = retry_after {
            self.asked_until = Some(now + wait.min(LONGEST_REST));
        }
        let is_known = self.open_until.is_some() && !probe;
        if is_known || !is_of_the_target(kind) {
            return;
        }
        self.failures = self.failures.saturating_add(1);
        if self.failures >= OPENS_AFTER {
            let rest = FIRST_REST.saturating_mul(1 << self.opened.min(8)).min(LONGEST_REST);
            self.opened = self.opened.saturating_add(1);
            self.open_until = Some(now + rest);
        }
    }
}

/// Whether a failure tells something of the target, not of what it was asked.
fn is_of_the_target(kind: FailureKind) -> bool {
    match kind {
        FailureKind::Connect
        | FailureKind::Timeout
        | FailureKind::Provider
        | FailureKind::Unauthorized
        | FailureKind::Malformed
        | FailureKind::CutOff => true,
        FailureKind::RateLimited
        | FailureKind::Rejected
        | FailureKind::ContextWindow
        | FailureKind::ContentPolicy
        | FailureKind::TooLong
        | FailureKind::Budget
        | FailureKind::NoPrice
        | FailureKind::BudgetUnknown
        | FailureKind::Guardrail
        | FailureKind::Unchecked => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn failing(times: u32) -> Circuit {
        let mut circuit = Circuit::default();
        (0..times).for_each(|_| circuit.failed(FailureKind::Connect, None, at(0), false));
        circuit
    }

    #[test]
    fn it_opens_after_failures_in_a_row_and_closes_when_a_probe_succeeds() {
        assert_eq!(failing(OPENS_AFTER - 1).admit(at(0)), Ok(false));
        let mut circuit = failing(OPENS_AFTER);
        assert_eq!(circuit.admit(at(1)), Err(at(5)));
        assert_eq!(circuit.admit(at(5)), Ok(true), "the probe");
        assert_eq!(circuit.state(at(5)), CircuitState::HalfOpen);
        assert!(circuit.admit(at(5)).is_err(), "one only");
        circuit.succeeded(true);
        assert_eq!(circuit.state(at(5)), CircuitState::Closed);
    }

    #[test]
    fn the_first_word_of_a_probe_lets_calls_pass_and_the_next_failure_none() {
        let mut circuit = failing(OPENS_AFTER);
        circuit.admit(at(5)).unwrap();
        circuit.answered();
        assert_eq!(circuit.admit(at(5)), Ok(false), "while the probe still speaks");
        circuit.failed(FailureKind::CutOff, None, at(6), false);
        assert_eq!(circuit.state(at(6)), CircuitState::Open { until: at(16) });
    }

    #[test]
    fn what_began_before_it_opened_says_nothing_of_the_probe() {
        let mut circuit = failing(OPENS_AFTER);
        circuit.succeeded(false);
        circuit.failed(FailureKind::CutOff, None, at(2), false);
        assert_eq!(circuit.state(at(2)), CircuitState::Open { until: at(5) });
        circuit.admit(at(5)).unwrap();
        circuit.succeeded(false);
        circuit.failed(FailureKind::CutOff, None, at(6), false);
        circuit.given_up(false);
        assert!(circuit.admit(at(6)).is_err(), "the probe is still on its way");
        circuit.succeeded(true);
        assert!(circuit.is_new());
    }

    #[test]
    fn a_probe_that_fails_makes_the_rest_longer() {
        let mut circuit = failing(OPENS_AFTER);
        circuit.admit(at(5)).unwrap();
        circuit.failed(FailureKind::Provider, None, at(5), true);
        assert_eq!(circuit.state(at(5)), CircuitState::Open { until: at(15) });
    }

    #[test]
    fn what_is_wrong_with_a_request_is_not_held_against_the_target() {
        let mut circuit = Circuit::default();
        for _ in 0..100 {
            circuit.failed(FailureKind::ContextWindow, None, at(0), false);
        }
        assert_eq!(circuit.admit(at(0)), Ok(false));
    }

    #[test]
    fn a_provider_that_asks_to_wait_is_waited_for() {
        let mut circuit = Circuit::default();
        circuit.failed(FailureKind::RateLimited, Some(at(3)), at(1), false);
        assert_eq!(circuit.admit(at(2)), Err(at(4)));
        assert_eq!(circuit.admit(at(4)), Ok(false));
    }

    #[derive(Clone, Copy, Debug)]
    enum Step {
        Call(Option<FailureKind>),
        /// It is answered, and does not end.
        Word,
        GiveUp,
        Wait(u64),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            1 => Just(Step::Call(None)),
            4 => prop::sample::select(vec![FailureKind::Connect, FailureKind::Rejected, FailureKind::RateLimited])
                .prop_map(|kind| Step::Call(Some(kind))),
            1 => Just(Step::GiveUp),
            1 => Just(Step::Word),
            1 => (0u64..200).prop_map(Step::Wait),
        ]
    }

    proptest! {
        #[test]
        fn whatever_happens_it_lets_a_call_pass_again_in_time(steps in prop::collection::vec(step(), 0..60)) {
            let (mut circuit, mut now) = (Circuit::default(), at(0));
            for step in steps {
                match step {
                    Step::Wait(seconds) => now += at(seconds),
                    Step::Call(ending) => {
                        let Ok(probe) = circuit.admit(now) else { continue };
                        match ending {
                            None => circuit.succeeded(probe),
                            Some(kind) => circuit.failed(kind, None, now, probe),
                        }
                    }
                    Step::Word => {
                        if circuit.admit(now) == Ok(true) {
                            circuit.answered();
                        }
                    }
                    Step::GiveUp => {
                        if let Ok(probe) = circuit.admit(now) {
                            circuit.given_up(probe);
                        }
                    }
                }
            }
            prop_assert!(circuit.admit(now + LONGEST_REST).is_ok());
        }
    }
}
