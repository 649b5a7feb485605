//! A model's word on the order of the best hits, where the operator named a route for it (`memory.rerank`).
use super::{Item, RecallRequest};
use crate::{
    gateway::{self, ChatRequest, FinishReason, Gateway, GroundingSource, Ordered, Task},
    shared::{Error, Result, actor::Actor},
};
use std::collections::BTreeSet;

const INSTRUCTIONS: &str = "Put the sources in the order of how well each answers the message, the best first. Give the numbers \
    of all of them, each once. Judge by what they say alone.";

/// Characters of a text that the model is told.
const TOLD: usize = 1_000;

#[derive(Clone, Debug)]
pub struct Reranker {
    gateway: Gateway,
    route: String,
    hits: usize,
}

impl Reranker {
    /// Of so many hits, at most, by this route.
    pub fn new(gateway: Gateway, route: String, hits: usize) -> Self {
        Self { gateway, route, hits }
    }

    /// The same, with this gateway before its model.
    pub fn answered_by(self, gateway: Gateway) -> Self {
        Self { gateway, ..self }
    }

    pub fn hits(&self) -> usize {
        self.hits
    }

    /// Where each of them is to stand: the places of now in the order to be. What the model was not told, or does not name,
    /// stays at its place.
    pub async fn order(&self, actor: &Actor, request: &RecallRequest, items: &[&Item]) -> Result<Vec<usize>> {
        let asked = ChatRequest {
            task: Task::Order,
            system: INSTRUCTIONS.to_owned(),
            sources: (1..).zip(items).map(|(number, item)| source(number, item)).collect(),
            output_schema: Some(Ordered::schema()),
            origin: request.origin.clone(),
            workflow: request.workflow,
            ..ChatRequest::prompt(request.workspace, &self.route, &request.query)
        };
        let answer = self.gateway.complete(actor, asked).await?;
        let named =
            (answer.reason == FinishReason::EndOfTurn).then(|| read(&answer.text, items.len())).flatten();
        let named = named.ok_or(Error::Unavailable("the model gave no order"))?;
        Ok(placed(&named, items.len()))
    }
}

fn source(number: usize, item: &Item) -> GroundingSource {
    let occurred_at = match item {
        Item::Memory(memory) => memory.content.occurred_at,
        Item::Chunk(..) => None,
    };
    GroundingSource {
        id: number.to_string(),
        text: item.text().chars().take(TOLD).collect(),
        speaker: item.speaker().map(str::to_owned),
        occurred_at,
        egress: item.egress(),
    }
}

/// The places that a model names. `None` where they are not those of so many, each once, and half of them at least: some it may
/// not have been told, and who names a few alone says nothing of the others.
fn read(text: &str, count: usize) -> Option<Vec<usize>> {
    let Ordered { order } = gateway::read_form(text)?;
    let named: Option<Vec<_>> =
        order.iter().map(|number| number.checked_sub(1).filter(|place| *place < count)).collect();
    let named = named?;
    let once: BTreeSet<_> = named.iter().collect();
    (once.len() == named.len() && named.len() * 2 >= count).then_some(named)
}

/// All places, with those that are named in their order and the others where they are.
fn placed(named: &[usize], count: usize) -> Vec<usize> {
    let mut next = named.iter().copied();
    (0..count)
        .map(|place| if named.contains(&place) { next.next().unwrap_or(place) } else { place })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_order_is_of_known_numbers_each_once_and_of_most() {
        assert_eq!(read(" {\"order\": [3, 1, 2]} ", 3), Some(vec![2, 0, 1]));
        assert_eq!(read("```json\n{\"order\":[2,1]}\n```", 3), Some(vec![1, 0]));
        for bad in [
            "",
            "3, 1, 2",
            "{\"order\":[0,1,2]}",
            "{\"order\":[1,4]}",
            "{\"order\":[1,1]}",
            "{\"order\":[1]}",
            "{\"order\":[-1,2]}",
        ] {
            assert_eq!(read(bad, 3), None, "{bad}");
        }
    }

    #[test]
    fn what_is_not_named_stays_where_it_is() {
        assert_eq!(placed(&[3, 0, 1], 4), [3, 0, 2, 1]);
    }

    proptest! {
        #[test]
        fn every_place_is_given_once(
            order in Just((1..=12).collect::<Vec<usize>>()).prop_shuffle(), count in 0_usize..12, left_out in 0_usize..6,
        ) {
            let of_count: Vec<_> = order.into_iter().filter(|number| *number <= count).collect();
            let named: Vec<_> = of_count.iter().copied().take(count - left_out.min(count / 2)).collect();
            let text = serde_json::to_string(&Ordered { order: named.clone() }).unwrap();
            let read = read(&text, count);
            prop_assert_eq!(read.clone(), Some(named.iter().map(|number| number - 1).collect::<Vec<_>>()));
            let mut placed = placed(&read.unwrap(), count);
            placed.sort_unstable();
            prop_assert_eq!(placed, (0..count).collect::<Vec<_>>());
        }
    }
}
