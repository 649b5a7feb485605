//! A request on its way through execution, and what its answer tells of itself.
use super::{answer::Answer, rate::Spent};
use crate::{
    graphql::pipeline::Prepared,
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

    pub(super) fn executed(&self, mut response: Response) -> Answer {
        let actual = if self.tells_cost { self.prepared.shape.count(&response) } else { 0 };
        self.prepared.shape.complete(&mut response);
        if let Some(spent) = self.spent {
            spent.headers(&mut response);
            if self.tells_cost {
                response.extensions.insert("cost".to_owned(), spent.told(actual));
            }
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
