//! The names that action items, sessions, messages and turns go by.
use super::model;
use async_graphql::Enum;

/// What a session is for.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
#[graphql(remote = "model::SessionMode")]
pub enum CoachingMode {
    /// An open conversation.
    Chat,
    /// The coach plays a part, to practise with.
    RolePlay,
    /// A short look at how it goes.
    CheckIn,
    /// At the person's side while they work.
    LiveAssist,
}

/// What became of a goal. New values may come.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
#[graphql(remote = "model::GoalStatus")]
pub enum GoalStatus {
    /// It is being worked towards.
    Active,
    /// It is reached.
    Achieved,
    /// It was given up.
    Abandoned,
}

/// What became of an action item. New values may come.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
#[graphql(remote = "model::ActionItemStatus")]
pub enum ActionItemStatus {
    /// It is to be done.
    Open,
    /// It is done.
    Done,
    /// It is not to be done any more.
    Dismissed,
}

/// Where a session is in its life.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
#[graphql(remote = "model::SessionStatus")]
pub enum CoachingSessionStatus {
    /// Messages can be sent.
    Active,
    /// It rests; nothing is sent until it goes on.
    Paused,
    /// It is over, with a summary.
    Ended,
}

/// Who said a message.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
#[graphql(remote = "model::MessageRole")]
pub enum MessageRole {
    /// The person.
    User,
    /// The coach.
    Coach,
}

/// How far a message is. New values may come.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
#[graphql(remote = "model::MessageStatus")]
pub enum MessageStatus {
    /// The coach is still speaking.
    Streaming,
    /// It is whole.
    Completed,
    /// It was stopped; what had been said stays.
    Interrupted,
    /// It broke off; what had been said stays.
    Incomplete,
    /// Nothing came.
    Failed,
}

/// Why the coach stopped speaking. New values may come.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
#[graphql(remote = "model::StopReason")]
pub enum StopReason {
    /// All was said.
    EndOfTurn,
    /// The reply had reached its greatest length.
    Length,
    /// The provider refused to go on.
    ContentPolicy,
    /// Somebody interrupted it, or the session ended.
    Interrupted,
    /// The provider failed.
    ProviderFailed,
    /// The server that spoke was stopped or lost.
    ServerRestarted,
    /// It took too long.
    Timeout,
    /// A budget did not let the call of the model pass.
    BudgetExceeded,
}

/// How far a turn is. New values may come.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
#[graphql(remote = "model::TurnStatus")]
pub enum TurnStatus {
    /// It waits for the turns before it.
    Queued,
    /// The coach answers.
    Running,
    /// Answered.
    Completed,
    /// Stopped, before or while the coach spoke.
    Interrupted,
    /// The answer broke off.
    Incomplete,
    /// No answer came.
    Failed,
}
