//! A request on its way through execution, and what its answer tells of itself.
use super::{answer::Answer, call::put_into_words, rate::Spent};
use crate::{
    graphql::pipeline::Prepared,
    graphql_kit::{AtOnce, Telling},
    shared::{
        actor::Actor,
        explain::{self, Record, Recorded},
    },
};
use async_graphql::{Request, Response};
use std::{collections::BTreeMap, sync::Arc};

/// What may be executed.
pub(super) struct Admitted {
    pub prepared: Prepared,
    pub request: Request,
    pub actor: Option<Actor>,
    /// Of the actor's rate.
    pub spent: Option<Spent>,
    /// Whether the answer is to tell it.
    pub tells_cost: bool,
    pub explains: Option<Explains>,
    /// Of a subscription: what decides in which words its events are told.
    pub words: Option<[u8; 32]>,
}

/// What the answer is to tell of what was done for it.
pub(super) struct Explains {
    pub record: Arc<Record>,
    pub costs: BTreeMap<String, u64>,
}

impl Admitted {
    pub(super) fn recorded<E: Unpin>(&self, execution: E) -> Recorded<E> {
        explain::recorded(self.explains.as_ref().map(|explains| Arc::clone(&explains.record)), execution)
    }

    /// Its answer goes as it is made: nobody looks into it to count what it holds, or to say what was done for it.
    pub(super) fn written_at_once(self) -> Self {
        if self.tells_cost || self.explains.is_some() {
            return self;
        }
        Self { request: self.request.data(AtOnce), ..self }
    }

    /// How events are told that others are told, too. An answer that tells what it cost, or what was done for it, is
    /// nobody else's.
    pub(super) fn telling(&self) -> Option<Telling> {
        let words = self.words.filter(|_| !self.tells_cost && self.explains.is_none())?;
        let shape = Arc::clone(&self.prepared.shape);
        Some(Telling::new(words, move |mut response| {
            shape.complete(&mut response);
            put_into_words(&response)
        }))
    }

    /// The one answer of a query or a mutation.
    pub(super) fn answered(&self, mut response: Response) -> Answer {
        if let Some(spent) = self.spent {
            spent.headers(&mut response);
        }
        self.executed(response)
    }

    pub(super) fn executed(&self, mut response: Response) -> Answer {
        let actual = if self.tells_cost { self.prepared.shape.count(&response) } else { 0 };
        self.prepared.shape.complete(&mut response);
        if let Some(spent) = self.spent.filter(|_| self.tells_cost) {
            response.extensions.insert("cost".to_owned(), spent.told(actual));
        }
        if let Some(Explains { record, costs }) = &self.explains {
            let mut explained = record.take();
            explained.cost(costs);
            if let Ok(told) = async_graphql::to_value(explained) {
                response.extensions.insert("explain".to_owned(), told);
            }
        }
        Answer::Executed(response)
    }
}
