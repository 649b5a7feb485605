//! Guardrails on the way of a call: its texts are checked before any provider sees them, its answer while it comes,
//! across the borders of pieces and of providers.
//!
//! First all that only watches sees a text as it is, then one after another masks it. All stages share the call's
//! masks, so a value has one placeholder wherever it stands, and the answer gives it back to whoever asked.
mod asked;
mod ledger;
mod policies;

pub use ledger::{GuardrailUse, Uses};
pub use policies::{GuardrailPolicy, Layer, Own, Policies};

use super::{
    guardrail::{Action, Checking, Guardrail, Masks, Overlay, Shape, Span, Stage, Unmasking},
    model::{ChatEvent, ChatRequest, Failure, FailureKind, MAX_OUTPUT, Quote, ToolUse, text_in},
    schema::Schema,
};
use asked::for_each_text;
use ledger::Ledger;
use serde_json::Value;
use std::{collections::HashMap, mem, sync::Arc};
use tokio::task::{spawn_blocking, yield_now};

/// Bytes that are checked between two turns of other tasks: about half a millisecond.
const AT_ONCE: usize = 4 << 10;

/// The guardrails of one call.
#[derive(Debug)]
pub(super) struct Guard {
    policies: Policies,
    layers: Vec<Arc<Layer>>,
    masks: Masks,
    ledger: Ledger,
    uses: Uses,
    blocked: bool,
    /// As providers may see it.
    request: Arc<ChatRequest>,
    /// The same without what may not leave; `None` where all may.
    outside: Option<Arc<ChatRequest>>,
    told_kept: bool,
    /// What the answer has to fit, where a policy asks for it; an error says that it cannot be read.
    schema: Option<Result<Arc<Schema>, String>>,
    answer: Vec<Link>,
    /// What providers said, checked, as a provider may see it.
    checked: String,
    unmasking: Unmasking,
    overlays: HashMap<String, Overlay>,
    /// Characters that were given to whoever asked; and whether more would be over what an answer may have.
    given: usize,
    full: bool,
}

/// One guardrail that the answer passes.
#[derive(Clone, Debug)]
struct Link {
    guardrail: Arc<Guardrail>,
    checking: Checking,
    /// `None`: those of the call.
    own_masks: Option<Masks>,
}

impl Guard {
    /// Checks what is asked; fails where it is blocked.
    pub(super) async fn begin(
        policies: Policies,
        layers: Vec<Arc<Layer>>,
        request: Arc<ChatRequest>,
        uses: Uses,
    ) -> Result<Self, Failure> {
        let mut guard = Self::new(policies, layers, request, uses);
        let work = match &guard.layers[..] {
            [] => 0,
            _ if guard.needed_schema().is_some() => usize::MAX,
            _ => {
                let asked = guard.request.asked().map(|tool| text_in(&tool.arguments));
                guard.request.words().map(str::len).chain(asked).sum()
            }
        };
        guard.aside(work, Self::check_request).await?;
        if guard.blocked { Err(FailureKind::Guardrail.plain()) } else { Ok(guard) }
    }

    /// Does at once what is little work, by the bytes that are looked at, and the rest on a thread for it: no other call
    /// waits for it.
    async fn aside<T: Send + 'static>(
        &mut self,
        bytes: usize,
        work: impl FnOnce(&mut Self) -> T + Send + 'static,
    ) -> Result<T, Failure> {
        if bytes <= AT_ONCE {
            return Ok(work(self));
        }
        // Whoever asks may go away meanwhile: so much was done by then.
        self.note();
        let stands_in = Self::new(self.policies.clone(), vec![], self.request.clone(), Uses::default());
        let mut guard = mem::replace(self, stands_in);
        let done = spawn_blocking(move || {
            let done = work(&mut guard);
            (guard, done)
        });
        match done.await {
            Ok((guard, done)) => {
                *self = guard;
                Ok(done)
            }
            Err(panic) => {
                tracing::error!(%panic, "a guardrail failed");
                self.blocked = true;
                Err(FailureKind::Unchecked.plain())
            }
        }
    }

    /// That of the answer, where a policy asks for it.
    fn needed_schema(&self) -> Option<&Value> {
        let mut of_answers = self.layers.iter().filter(|layer| layer.stage() == Stage::Output);
        let needs_schema = of_answers.any(|layer| layer.whole.needs_shape());
        self.request.output_schema.as_ref().filter(|_| needs_schema)
    }

    fn new(policies: Policies, layers: Vec<Arc<Layer>>, request: Arc<ChatRequest>, uses: Uses) -> Self {
        let mut ledger = Ledger::default();
        layers.iter().for_each(|layer| ledger.expect(layer.whole.policy()));
        let of_answers = || layers.iter().filter(|layer| layer.stage() == Stage::Output);
        let watching = of_answers().filter_map(|layer| layer.watching.clone());
        let watching = watching.map(|guardrail| Link::new(guardrail, Some(Masks::default())));
        let masking = of_answers().filter_map(|layer| layer.masking.as_ref().map(|[first, _]| first.clone()));
        let answer = watching.chain(masking.map(|guardrail| Link::new(guardrail, None))).collect();
        Self {
            policies,
            layers,
            masks: Masks::default(),
            ledger,
            uses,
            blocked: false,
            request,
            outside: None,
            told_kept: false,
            schema: None,
            answer,
            checked: String::new(),
            unmasking: Unmasking::default(),
            overlays: HashMap::new(),
            given: 0,
            full: false,
        }
    }

    /// Whether the answer is as long as one may be, with what it gave back of what was masked.
    pub(super) fn is_full(&self) -> bool {
        self.full
    }

    pub(super) fn is_blocked(&self) -> bool {
        self.blocked
    }

    /// What a provider is to see.
    pub(super) fn request(&self, internal: bool) -> &Arc<ChatRequest> {
        match &self.outside {
            Some(outside) if !internal => outside,
            _ => &self.request,
        }
    }

    /// Whether something is kept from providers outside.
    pub(super) fn keeps_inside(&self) -> bool {
        self.outside.is_some()
    }

    pub(super) fn is_internal(&self, provider: &str) -> bool {
        self.policies.is_internal(provider)
    }

    /// What another provider is told of what was `said`: all of it, checked as if nothing more came.
    pub(super) async fn known(&mut self, said: &str) -> Result<Arc<str>, Failure> {
        if self.answer.is_empty() || said.is_empty() {
            return Ok(said.into());
        }
        self.aside(said.len(), |guard| guard.checked_so_far()).await
    }

    fn checked_so_far(&self) -> Arc<str> {
        let (mut masks, mut held) = (self.masks.clone(), String::new());
        for link in &self.answer {
            let mut link = link.clone();
            held = link.push(&mut masks, &held);
            held.push_str(&link.finish(&mut masks, &mut Ledger::default(), None).0);
        }
        format!("{}{held}", self.checked).into()
    }

    /// What was `said`, as far as it was checked, with its placeholders.
    pub(super) fn checked<'s>(&'s self, said: &'s str) -> &'s str {
        let checks = self.layers.iter().any(|layer| layer.stage() == Stage::Output);
        match checks {
            true => &self.checked,
            // Of a guardrail that failed nothing is known.
            false if self.blocked => "",
            false => said,
        }
    }

    /// Passes on what a provider says, as its owner may see it; `None` where it is held back. Once it is blocked nothing
    /// more comes.
    pub(super) async fn pass(&mut self, event: ChatEvent) -> Option<ChatEvent> {
        match event {
            ChatEvent::Delta { text } => {
                let text = self.pass_text(text).await;
                (!text.is_empty()).then_some(ChatEvent::Delta { text })
            }
            ChatEvent::Citation(quote) => Some(ChatEvent::Citation(self.in_original(quote))),
            ChatEvent::Tool(tool) => {
                let length = text_in(&tool.arguments);
                let passed = self.aside(length, |guard| guard.pass_tool(tool)).await;
                passed.ok().flatten().map(ChatEvent::Tool)
            }
            other => Some(other),
        }
    }

    async fn pass_text(&mut self, text: String) -> String {
        if self.answer.is_empty() && self.masks.is_empty() {
            return self.give(text);
        }
        let mut out = String::new();
        let mut rest = text.as_str();
        // In pieces, so that neither work nor texts grow much before it is seen that they are too long.
        while !rest.is_empty() && !self.blocked && !self.full {
            let (piece, after) = rest.split_at(rest.floor_char_boundary(AT_ONCE));
            let passed = if self.answer.is_empty() {
                self.unmasking.push(&self.masks, piece)
            } else {
                let passed = self.through(piece);
                self.checked.push_str(&passed);
                self.unmasking.push(&self.masks, &passed)
            };
            out.push_str(&self.give(passed));
            rest = after;
            if !rest.is_empty() {
                yield_now().await;
            }
        }
        if self.blocked {
            let rest = mem::take(&mut self.unmasking).finish(&self.masks);
            out.push_str(&self.give(rest));
        }
        out
    }

    /// What of it an answer still has room for: a placeholder is short, and what it stands for may be long.
    fn give(&mut self, mut text: String) -> String {
        let mut places = text.char_indices();
        self.given += places.by_ref().take(MAX_OUTPUT.saturating_sub(self.given)).count();
        if let Some((over, _)) = places.next() {
            text.truncate(over);
            self.full = true;
        }
        text
    }

    /// Through all guardrails of the answer. Where one blocks, what it lets pass before goes through the others to the end.
    fn through(&mut self, piece: &str) -> String {
        let mut text = piece.to_owned();
        for link in &mut self.answer {
            text = link.push(&mut self.masks, &text);
            if self.blocked {
                text.push_str(&link.finish(&mut self.masks, &mut self.ledger, None).0);
            } else {
                self.blocked = link.checking.is_blocked();
            }
        }
        text
    }

    /// Ends the answer, and gives what was held back of it. Whether it fits its schema is asked where it `is_whole`.
    pub(super) async fn finish(&mut self, is_whole: bool) -> Option<String> {
        let bytes = match self.answer[..] {
            [] => 0,
            _ if self.schema.is_some() => usize::MAX,
            _ => self.checked.len(),
        };
        self.aside(bytes, move |guard| guard.finish_now(is_whole)).await.ok().flatten()
    }

    fn finish_now(&mut self, is_whole: bool) -> Option<String> {
        let mut rest = String::new();
        let schema = self.schema.clone().filter(|_| is_whole);
        let shape = |value: &Value| matches!(&schema, Some(Ok(schema)) if schema.fits(value));
        if !self.blocked {
            for mut link in mem::take(&mut self.answer) {
                rest = link.push(&mut self.masks, &rest);
                let shape: Option<Shape<'_>> = if schema.is_some() { Some(&shape) } else { None };
                let (last, blocks) = link.finish(&mut self.masks, &mut self.ledger, shape);
                rest.push_str(&last);
                self.blocked |= blocks;
            }
        }
        self.checked.push_str(&rest);
        let mut out = self.unmasking.push(&self.masks, &rest);
        out.push_str(&mem::take(&mut self.unmasking).finish(&self.masks));
        let out = self.give(out);
        (!out.is_empty()).then_some(out)
    }

    /// What a model asks a tool is its words, too.
    fn pass_tool(&mut self, mut tool: ToolUse) -> Option<ToolUse> {
        let mut blocked = false;
        for_each_text(&mut tool.arguments, &mut |text| {
            let Some(checked) = self.check(Stage::Output, text) else {
                blocked = true;
                return;
            };
            *text = self.unmask(&checked);
        });
        self.blocked |= blocked;
        (!blocked && !self.full).then_some(tool)
    }

    /// A whole text that comes beside the answer's own, and counts as part of it.
    fn unmask(&mut self, text: &str) -> String {
        let (mut unmasking, mut out, mut rest) = (Unmasking::default(), String::new(), text);
        while !rest.is_empty() && !self.full {
            let (piece, after) = rest.split_at(rest.floor_char_boundary(AT_ONCE));
            let piece = unmasking.push(&self.masks, piece);
            out.push_str(&self.give(piece));
            rest = after;
        }
        let rest = unmasking.finish(&self.masks);
        out.push_str(&self.give(rest));
        out
    }

    fn in_original(&mut self, quote: Quote) -> Quote {
        let Some(source) = self.request.sources.iter().find(|source| source.id == quote.source) else {
            return quote;
        };
        let overlay =
            self.overlays.entry(source.id.clone()).or_insert_with(|| self.masks.overlay(&source.text));
        let Span { start, end } = overlay.original(Span { start: quote.start, end: quote.end });
        Quote { start, end, ..quote }
    }

    /// Says that an outside provider was asked without what may not leave.
    pub(super) fn note_kept(&mut self) {
        let (all, told) = (self.request.sources.len(), self.request(false).sources.len());
        if self.outside.is_some() && !mem::replace(&mut self.told_kept, true) {
            self.ledger.kept_inside(all.saturating_sub(told));
        }
    }

    /// Leaves for the call's record what was done so far.
    pub(super) fn note(&self) {
        let mut ledger = self.ledger.clone();
        for link in &self.answer {
            let (findings, faults, duration) = link.checking.so_far();
            ledger.note(link.guardrail.policy(), findings, faults, duration);
        }
        ledger.leave(&self.uses);
    }
}

/// A call that its caller gave up is told of, too.
impl Drop for Guard {
    fn drop(&mut self) {
        self.note();
    }
}

impl Link {
    fn new(guardrail: Arc<Guardrail>, own_masks: Option<Masks>) -> Self {
        Self { checking: guardrail.stream(), guardrail, own_masks }
    }

    fn push(&mut self, masks: &mut Masks, text: &str) -> String {
        if text.is_empty() {
            return String::new();
        }
        self.checking.push(self.own_masks.as_mut().unwrap_or(masks), text)
    }

    /// The rest, and whether it ends in what is blocked; what comes after it is checked anew.
    fn finish(&mut self, masks: &mut Masks, ledger: &mut Ledger, shape: Option<Shape<'_>>) -> (String, bool) {
        let checking = mem::replace(&mut self.checking, self.guardrail.stream());
        let decision = checking.finish(self.own_masks.as_mut().unwrap_or(masks), shape);
        ledger.note(self.guardrail.policy(), &decision.findings, &decision.faults, decision.duration);
        (decision.text, decision.action == Action::Block)
    }
}
