//! What the caller may do, told by the policies that the use cases check by. Costs no statement.
use super::{ActionItem, CoachingSession, Goal};
use crate::{coaching::policy, shared::actor::Actor};
use async_graphql::SimpleObject;

/// What the caller may do with a goal: true where the mutation of that name is not refused with FORBIDDEN.
#[derive(SimpleObject, Debug)]
pub struct GoalViewerCan {
    /// Change its title, progress and status.
    update_goal: bool,
}

impl GoalViewerCan {
    pub fn of(actor: &Actor, goal: &Goal) -> Self {
        Self { update_goal: actor.may::<policy::UpdateGoal>(goal.0.workspace).is_ok() }
    }
}

/// What the caller may do with an action item: true where the mutation of that name is not refused with FORBIDDEN.
#[derive(SimpleObject, Debug)]
pub struct ActionItemViewerCan {
    /// Change its text, when it is due and its status.
    update_action_item: bool,
}

impl ActionItemViewerCan {
    pub fn of(actor: &Actor, item: &ActionItem) -> Self {
        Self { update_action_item: actor.may::<policy::UpdateActionItem>(item.0.workspace).is_ok() }
    }
}

/// What the caller may do with a session: true where the mutation of that name is not refused with FORBIDDEN. Rights
/// alone: to one that has ended nothing can be sent all the same.
#[derive(SimpleObject, Debug)]
pub struct CoachingSessionViewerCan {
    /// Change its topic and goal.
    update_coaching_session: bool,
    /// Say something to the coach.
    send_message: bool,
    /// Stop one of its turns.
    interrupt_turn: bool,
    /// End it.
    end_coaching_session: bool,
}

impl CoachingSessionViewerCan {
    pub fn of(actor: &Actor, session: &CoachingSession) -> Self {
        let workspace = session.session.workspace;
        Self {
            update_coaching_session: actor.may::<policy::UpdateCoachingSession>(workspace).is_ok(),
            send_message: actor.may::<policy::SendMessage>(workspace).is_ok(),
            interrupt_turn: actor.may::<policy::InterruptTurn>(workspace).is_ok(),
            end_coaching_session: actor.may::<policy::EndCoachingSession>(workspace).is_ok(),
        }
    }
}
