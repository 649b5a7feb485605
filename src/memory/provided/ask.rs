//! Asks a provider for vectors. A text that is not taken is asked for by itself, so that the others do not suffer for it.
use super::{
    quantised,
    turn::{LEASE, Manner, Turn},
};
use crate::{
    gateway::{
        Egress, EmbedError, EmbedPurpose, EmbedRequest, EmbedText, Embedded, EmbeddingModel, Failure,
        FailureKind,
    },
    memory::{
        partition::Partition,
        store::{embedding as rows, embedding::Indexed, embedding_state as states},
    },
    shared::{
        Error, Result,
        actor::{Grant, Principal, Write},
        id::UserId,
    },
};

/// A text that every model takes: where it does not, it is not the text.
const PROBE: &str = "word";

/// What is sent: an item, as the index has it, and its text.
type Sent = (Indexed, EmbedText);
/// An item with its vector.
pub(super) type Answered = (Indexed, Vec<i8>);
/// What was answered, and what kept the rest from it.
type Asked = (Vec<Answered>, Option<Error>);

impl Turn<'_> {
    /// Vectors of those that have none and may go to the provider.
    pub(super) async fn ask(
        &self,
        partition: &Partition,
        model: &EmbeddingModel,
        indexed: Vec<Indexed>,
    ) -> Result<Asked> {
        let missing: Vec<_> = indexed.into_iter().filter(|indexed| !indexed.is_embedded).collect();
        let items: Vec<_> = missing.iter().map(|indexed| indexed.item).collect();
        let mut texts = rows::texts(&self.memories.db, partition, &items).await?;
        let is_internal = self.embeddings.gateway.is_internal(model);
        let with_text = missing.into_iter().filter_map(|indexed| {
            let EmbedText { text, egress } = texts.remove(&indexed.item.id)?;
            Some((indexed, EmbedText { text: self.embeddings.cut(&text), egress }))
        });
        let sent: Vec<Sent> =
            with_text.filter(|(_, text)| is_internal || text.egress == Egress::Allowed).collect();
        if sent.is_empty() {
            return Ok((vec![], None));
        }
        let principal = self.principal(partition).await?;
        let grant = Grant::<Write>::upkeep(self.workspace, principal);
        if matches!(self.manner, Manner::Careful) {
            // A provider that is down need not be asked for each; one that is back is not left alone any longer.
            self.probe(&grant, model).await?;
        }
        match self.call(&grant, model, &sent).await {
            Err(EmbedError::Failed(failure))
                if is_of_text(failure.kind) || self.manner.suspects_text(failure.kind) =>
            {
                Ok(self.ask_one_by_one(&grant, model, sent).await)
            }
            answered => Ok((answered.map_err(told)?, None)),
        }
    }

    /// One of them is not taken: the others are not to suffer for it, and that one goes by the embedded model.
    async fn ask_one_by_one(&self, grant: &Grant<Write>, model: &EmbeddingModel, sent: Vec<Sent>) -> Asked {
        let mut answered = vec![];
        for one in sent {
            let item = one.0.item.id;
            match self.ask_one(grant, model, one).await {
                Ok(Ok(mut vector)) => answered.append(&mut vector),
                Ok(Err(failure)) => {
                    tracing::warn!(workspace = %self.workspace, %item, %failure, "an item gets no vector");
                }
                Err(error) => return (answered, Some(error)),
            }
        }
        (answered, None)
    }

    /// The inner failure is the text's own.
    async fn ask_one(
        &self,
        grant: &Grant<Write>,
        model: &EmbeddingModel,
        one: Sent,
    ) -> Result<Result<Vec<Answered>, Failure>> {
        let tx = self.memories.log.begin().await?;
        states::renew(&tx, self.workspace, self.memories.ambient.now() + LEASE).await?;
        tx.commit().await?;
        match self.call(grant, model, &[one]).await {
            Ok(vector) => Ok(Ok(vector)),
            Err(EmbedError::Failed(failure)) if is_of_text(failure.kind) => Ok(Err(failure)),
            Err(EmbedError::Failed(failure)) if self.manner.suspects_text(failure.kind) => {
                self.probe(grant, model).await?;
                Ok(Err(failure))
            }
            Err(error) => Err(told(error)),
        }
    }

    /// Whether the model answers at all.
    async fn probe(&self, grant: &Grant<Write>, model: &EmbeddingModel) -> Result<()> {
        let probe = EmbedText { text: PROBE.to_owned(), egress: Egress::Allowed };
        self.embed(grant, model, vec![probe]).await.map(drop).map_err(told)
    }

    async fn call(
        &self,
        grant: &Grant<Write>,
        model: &EmbeddingModel,
        sent: &[Sent],
    ) -> Result<Vec<Answered>, EmbedError> {
        let texts = sent.iter().map(|(_, text)| text.clone()).collect();
        let embedded = self.embed(grant, model, texts).await?;
        let pairs = sent.iter().zip(embedded.vectors);
        Ok(pairs.filter_map(|((indexed, _), vector)| Some((*indexed, quantised(&vector?)))).collect())
    }

    async fn embed(
        &self,
        grant: &Grant<Write>,
        model: &EmbeddingModel,
        texts: Vec<EmbedText>,
    ) -> Result<Embedded, EmbedError> {
        let request = EmbedRequest {
            workspace: self.workspace,
            route: self.embeddings.config.route.clone(),
            model: model.clone(),
            purpose: EmbedPurpose::Kept,
            texts,
        };
        let embedded =
            self.stop.run_until_cancelled(self.embeddings.gateway.embed_kept(grant, request)).await;
        embedded.ok_or(Error::Unavailable("the server stops"))?
    }

    /// Who bears the cost: whose it is; what everybody reads is nobody's.
    async fn principal(&self, partition: &Partition) -> Result<Principal> {
        match partition.user() {
            Some(user) => Ok(self.embeddings.account.actor_with(user).await?.principal()),
            None => Ok(Principal::User(UserId::from_uuid(self.workspace.uuid()))),
        }
    }
}

/// Whether it is the text that is not taken, and will not be.
fn is_of_text(kind: FailureKind) -> bool {
    matches!(kind, FailureKind::Guardrail | FailureKind::ContextWindow | FailureKind::ContentPolicy)
}

fn told(error: EmbedError) -> Error {
    match error {
        EmbedError::Refused(error) => error,
        EmbedError::Failed(failure) => failure.into(),
    }
}
