//! Whose file is read next: workspaces take turns, so that nobody waits for all that somebody else has sent.
use crate::shared::id::WorkspaceId;
use std::collections::VecDeque;

/// Workspaces whose turns are remembered.
const REMEMBERED: usize = 1000;

/// The workspaces that had the last turns, the latest last.
#[derive(Debug, Default)]
pub(super) struct Turns(VecDeque<WorkspaceId>);

impl Turns {
    /// Those whose last turn is the longest ago first.
    pub(super) fn sorted(&self, mut waiting: Vec<WorkspaceId>) -> Vec<WorkspaceId> {
        waiting.sort_by_cached_key(|workspace| self.0.iter().position(|had| had == workspace));
        waiting
    }

    pub(super) fn take(&mut self, workspace: WorkspaceId) {
        self.0.retain(|had| *had != workspace);
        self.0.push_back(workspace);
        if self.0.len() > REMEMBERED {
            self.0.pop_front();
        }
    }
}

/// The first of each, then the second of each, and so on.
pub(super) fn in_turns<T>(of: Vec<Vec<T>>) -> Vec<T> {
    let numbered = of.into_iter().flat_map(|of| of.into_iter().enumerate());
    let mut all: Vec<_> = numbered.collect();
    all.sort_by_key(|(number, _)| *number);
    all.into_iter().map(|(_, one)| one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn who_waits_longest_for_a_turn_is_next() {
        let [a, b, c] = [1, 2, 3].map(|id| WorkspaceId::from_uuid(Uuid::from_u128(id)));
        let mut turns = Turns::default();
        assert_eq!(turns.sorted(vec![a, b, c]), [a, b, c]);
        turns.take(a);
        assert_eq!(turns.sorted(vec![a, b, c]), [b, c, a]);
        turns.take(b);
        turns.take(a);
        assert_eq!(turns.sorted(vec![a, b, c]), [c, b, a]);
    }

    #[test]
    fn many_of_one_do_not_come_before_the_first_of_another() {
        assert_eq!(in_turns(vec![vec!["a1", "a2", "a3"], vec!["b1"], vec![]]), ["a1", "b1", "a2", "a3"]);
    }
}
