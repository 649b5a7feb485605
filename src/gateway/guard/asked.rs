//! What is asked, checked before any provider sees it; and any single text.
use super::{Guard, Layer, Policies};
use crate::gateway::{
    embedding::EmbedPurpose,
    guardrail::{Action, Guardrail, Masks, Stage},
    model::{ChatRequest, Egress, GroundingSource, Speaker, Task},
    schema::Schema,
};
use serde_json::Value;
use std::{mem, sync::Arc};

impl Guard {
    /// Of a text alone: what is done with it, and how it may go on; for trying policies out.
    pub(in crate::gateway) fn try_on(
        policies: &Policies,
        layers: &[Arc<Layer>],
        stage: Stage,
        text: &str,
    ) -> (Action, String) {
        let mut action = Action::Allow;
        let mut masks = Masks::default();
        for guardrail in watching(layers, stage) {
            action = action.stronger(guardrail.evaluate(text, &mut Masks::default(), None).action);
        }
        let mut out = text.to_owned();
        for guardrail in masking(policies, layers, stage) {
            let decision = guardrail.evaluate(&out, &mut masks, None);
            action = action.stronger(decision.action);
            out = decision.text;
        }
        (action, if action == Action::Block { String::new() } else { out })
    }

    pub(super) fn check_request(&mut self) {
        self.schema = self.needed_schema().map(|schema| Schema::read(schema).map(Arc::new));
        let leaves = |source: &GroundingSource| source.egress == Egress::Allowed;
        let kept = self.request.sources.iter().filter(|source| !leaves(source)).count();
        if kept > 0 {
            self.ledger.kept_inside(0);
        }
        let asks = self.layers.iter().any(|layer| layer.stage() != Stage::Output);
        if asks {
            let mut request = ChatRequest::clone(&self.request);
            if self.check_texts(&mut request).is_none() {
                self.blocked = true;
            }
            self.request = Arc::new(request);
        }
        if kept > 0 {
            let mut outside = ChatRequest::clone(&self.request);
            outside.sources.retain(leaves);
            self.outside = Some(Arc::new(outside));
        }
    }

    /// `None` where one is blocked.
    fn check_texts(&mut self, request: &mut ChatRequest) -> Option<()> {
        self.replace(Stage::Input, &mut request.system)?;
        if let Task::Coach { topic, goal } = &mut request.task {
            for text in [topic, goal].into_iter().flatten() {
                self.replace(Stage::Input, text)?;
            }
        }
        for message in &mut request.messages {
            let stage = match &mut message.speaker {
                Speaker::Tool { .. } => Stage::Retrieval,
                Speaker::User => Stage::Input,
                Speaker::Assistant { tools } => {
                    for tool in tools {
                        let mut blocked = false;
                        for_each_text(&mut tool.arguments, &mut |text| {
                            blocked |= self.replace(Stage::Input, text).is_none();
                        });
                        if blocked {
                            return None;
                        }
                    }
                    Stage::Input
                }
            };
            self.replace(stage, &mut message.text)?;
        }
        let of_sources = match request.task {
            Task::Embed(EmbedPurpose::Query) => Stage::Input,
            _ => Stage::Retrieval,
        };
        for source in &mut request.sources {
            self.replace(of_sources, &mut source.text)?;
            if let Some(speaker) = &mut source.speaker {
                self.replace(Stage::Retrieval, speaker)?;
            }
        }
        Some(())
    }

    fn replace(&mut self, stage: Stage, text: &mut String) -> Option<()> {
        *text = self.check(stage, text)?;
        Some(())
    }

    /// The text as it may go on; `None` where it may not.
    pub(super) fn check(&mut self, stage: Stage, text: &str) -> Option<String> {
        let layers = self.layers.clone();
        for guardrail in watching(&layers, stage) {
            let decision = guardrail.evaluate(text, &mut Masks::default(), None);
            self.ledger.note(guardrail.policy(), &decision.findings, &decision.faults, decision.duration);
            if decision.is_blocked() {
                return None;
            }
        }
        let mut out = text.to_owned();
        for guardrail in masking(&self.policies, &layers, stage) {
            let decision = guardrail.evaluate(&out, &mut self.masks, None);
            self.ledger.note(guardrail.policy(), &decision.findings, &decision.faults, decision.duration);
            if decision.is_blocked() {
                return None;
            }
            out = decision.text;
        }
        Some(out)
    }
}

/// What sees a text of this stage as it is.
fn watching(layers: &[Arc<Layer>], stage: Stage) -> impl Iterator<Item = &Arc<Guardrail>> {
    layers.iter().filter(move |layer| layer.stage() == stage).filter_map(|layer| layer.watching.as_ref())
}

/// What masks a text of this stage, one after another. Where something is masked in another stage, placeholders that the
/// text has of its own are taken care of here as well.
fn masking<'l>(policies: &'l Policies, layers: &'l [Arc<Layer>], stage: Stage) -> Vec<&'l Arc<Guardrail>> {
    let masks = |layer: &&Arc<Layer>| layer.masking.is_some();
    let of_stage =
        layers.iter().filter(|layer| layer.stage() == stage).filter_map(|layer| layer.masking.as_ref());
    let mut found: Vec<_> =
        of_stage.enumerate().map(|(place, [first, later])| if place == 0 { first } else { later }).collect();
    let others = || layers.iter().filter(masks).any(|layer| layer.stage() != Stage::Output);
    if found.is_empty() && stage != Stage::Output && others() {
        let [input, retrieval] = policies.plain();
        found.push(if stage == Stage::Input { input } else { retrieval });
    }
    found
}

/// The names of fields, too: a model may make up its own.
pub(super) fn for_each_text(value: &mut Value, act: &mut impl FnMut(&mut String)) {
    match value {
        Value::String(text) => act(text),
        Value::Array(items) => items.iter_mut().for_each(|item| for_each_text(item, act)),
        Value::Object(fields) => {
            let all = mem::take(fields).into_iter().map(|(mut name, mut field)| {
                act(&mut name);
                for_each_text(&mut field, act);
                (name, field)
            });
            *fields = all.collect();
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
