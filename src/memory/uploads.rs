//! Files that come by a route of their own: leave to send one, signed, for a while and for once; and their receipt.
use super::{
    Document, MemoryService, NewUpload, event, filing,
    model::Upload,
    partition::Partition,
    policy, store,
    store::{document as documents, upload as uploads},
};
use crate::{
    db::idempotency::{self, Claimed, Key},
    event::Tx,
    shared::{
        Error, Problem, ProblemCode, Result,
        actor::{Actor, Grant, Principal, Write},
        id::UserId,
        text::{base64url, from_base64url},
    },
};
use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::{
    fs::File,
    io::{Read, Seek},
};
use uuid::Uuid;

/// From the leave to the whole file.
const VALID: TimeDelta = TimeDelta::minutes(15);
/// Leaves of one principal that are not used yet.
const MOST_OPEN: u64 = 100;
/// Files of one workspace that are awaited, or came and are still to be read.
const MOST_WAITING: u64 = 200;
/// Bytes of a file that one row holds.
const PIECE: usize = 256 * 1024;
/// What wakes workers.
pub(super) const READING_TOPIC: &str = "documents.reading";

/// What an address for a file says, as it comes back.
#[derive(Clone, Debug)]
pub struct Signed {
    pub id: String,
    pub expires: i64,
    pub size: usize,
    pub media_type: String,
    pub signature: String,
}

/// Leave to send a file, and where to.
#[derive(Clone, Debug)]
pub struct Ticket {
    pub path: String,
    pub upload: Upload,
}

/// A file that may come, as its address says.
#[derive(Clone, Debug)]
pub struct Expected {
    pub upload: Uuid,
    /// Who asked for the leave.
    pub principal: Uuid,
}

impl MemoryService {
    /// Of its parts, as they came.
    pub fn address(
        &self,
        id: String,
        expires: i64,
        size: usize,
        media_type: String,
        signature: String,
    ) -> Signed {
        Signed { id, expires, size, media_type, signature }
    }

    /// Gives leave to send one file of that size and type.
    pub async fn create_upload(
        &self,
        actor: &Actor,
        new: NewUpload,
        idempotency_key: Option<String>,
    ) -> Result<Ticket> {
        let grant = actor.may::<policy::CreateUpload>(new.workspace)?;
        let (described, size) = new.checked()?;
        let key =
            idempotency_key.map(|key| Key::new("createUpload", key, &(&described, size))).transpose()?;
        let signing = self.signing_key().await?;
        let partition = Partition::of_scope(&grant, described.scope, None);
        let tx = self.log.begin().await?;
        let upload = match idempotency::claim(&tx, &self.ambient, actor.principal(), key.as_ref()).await? {
            Claimed::Replay(id) => {
                let found = uploads::find_made(&tx, &grant, id).await?;
                found
                    .ok_or_else(|| {
                        Error::conflict("idempotencyKey", "what this key made was used: use a new key")
                    })?
                    .upload
            }
            Claimed::New(claim) => {
                let now = self.ambient.now();
                let salt = store::lock_partition(&tx, &partition, self.ambient.random.bytes()).await?;
                filing::find_described(&tx, &partition, &salt, &described).await?;
                uploads::delete_expired(&tx, &grant, now).await?;
                if uploads::count_open(&tx, &grant, now).await? >= MOST_OPEN {
                    let message = format!("{MOST_OPEN} files are awaited from you: send some of them first");
                    return Err(limit_reached(message));
                }
                if uploads::count_waiting(&tx, &grant, now).await? >= MOST_WAITING {
                    let message = format!(
                        "{MOST_WAITING} files of this workspace are awaited or still to be read: wait for some of them"
                    );
                    return Err(limit_reached(message));
                }
                let upload = Upload {
                    id: self.ambient.ids.uuid(),
                    principal: grant.principal().uuid(),
                    described,
                    size,
                    created_at: now,
                    expires_at: now + VALID,
                };
                uploads::insert(&tx, &grant, &partition, &upload).await?;
                claim.keep(&tx, &upload.id).await?;
                upload
            }
        };
        tx.commit().await?;
        Ok(Ticket { path: path(&signing, &upload), upload })
    }

    /// The file that an address is for. Whether it was signed here is seen without the database.
    pub async fn expected(&self, signed: &Signed) -> Result<Expected> {
        const WRONG: Error = Error::Forbidden("this address was not given by this server, or was changed");
        let id = Uuid::try_parse(&signed.id).map_err(|_| WRONG)?;
        let said = said(id, signed.expires, signed.size, &signed.media_type);
        let signature = from_base64url(&signed.signature).ok_or(WRONG)?;
        mac(&self.signing_key().await?, &said).verify_slice(&signature).map_err(|_| WRONG)?;
        let expires = DateTime::<Utc>::from_timestamp(signed.expires, 0).ok_or(WRONG)?;
        if expires < self.ambient.now() {
            return Err(USED);
        }
        let open = uploads::find_open(&self.db, id, false).await?.ok_or(USED)?;
        Ok(Expected { upload: id, principal: open.upload.principal })
    }

    /// Keeps a file that came whole, and its document: to be read by a worker.
    pub async fn receive(&self, actor: &Actor, expected: &Expected, mut file: File) -> Result<Document> {
        file.rewind().map_err(Error::internal)?;
        let open = uploads::find_open(&self.db, expected.upload, false).await?.ok_or(USED)?;
        let grant = actor.may::<policy::CreateUpload>(open.upload.described.workspace)?;
        let mut tx = self.log.begin().await?;
        let salt = store::lock_partition(&tx, &open.partition, self.ambient.random.bytes()).await?;
        let open = uploads::find_open(&tx, expected.upload, true).await?.ok_or(USED)?;
        let upload = open.upload;
        let found = filing::find_described(&tx, &open.partition, &salt, &upload.described).await?;
        let (stored, kind) = match found {
            Some(mut stored) => {
                uploads::delete_of(&tx, stored.document.id).await?;
                filing::process(&mut stored, &self.ambient, 0);
                (stored, event::DOCUMENT_UPDATED)
            }
            None => {
                let fresh = filing::begin(&self.ambient, &open.partition, &upload.described, None);
                (fresh, event::DOCUMENT_ADDED)
            }
        };
        documents::save(&tx, &stored, kind == event::DOCUMENT_ADDED).await?;
        uploads::receive(&tx, &upload, stored.document.id, self.ambient.now()).await?;
        self.keep_pieces(&tx, &upload, file).await?;
        filing::record(&mut tx, &grant, &stored, kind, None);
        tx.tell(READING_TOPIC, vec![]);
        tx.commit().await?;
        Ok(stored.document)
    }

    /// A few at a time in memory.
    async fn keep_pieces(&self, tx: &Tx, upload: &Upload, mut file: File) -> Result<()> {
        for number in 0.. {
            let mut piece = Vec::with_capacity(PIECE);
            file.by_ref().take(PIECE as u64).read_to_end(&mut piece).map_err(Error::internal)?;
            if piece.is_empty() {
                break;
            }
            uploads::insert_piece(tx, upload, number, piece).await?;
        }
        Ok(())
    }

    /// Made once for all servers on this database.
    async fn signing_key(&self) -> Result<Vec<u8>> {
        let made = self.signing.get_or_try_init(async || {
            let tx = self.log.begin().await?;
            let key = uploads::signing_key(&tx, self.ambient.random.bytes()).await?;
            tx.commit().await?;
            Ok::<_, Error>(key)
        });
        Ok(made.await?.clone())
    }
}

const USED: Error = Error::NotFound("upload");

fn limit_reached(message: String) -> Error {
    Error::Refused(vec![Problem::new(ProblemCode::LimitReached, "size", message)])
}

fn said(id: Uuid, expires: i64, size: usize, media_type: &str) -> String {
    format!("PUT\n{}\n{expires}\n{size}\n{media_type}", id.simple())
}

#[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
fn mac(key: &[u8], said: &str) -> Hmac<Sha256> {
    Hmac::<Sha256>::new_from_slice(key).expect("a key of any length").chain_update(said)
}

/// From the server's root.
fn path(key: &[u8], upload: &Upload) -> String {
    let (id, expires, size) = (upload.id, upload.expires_at.timestamp(), upload.size);
    let media_type = upload.described.media_type.name();
    let signature = base64url(&mac(key, &said(id, expires, size, media_type)).finalize().into_bytes());
    format!("/uploads/{}?expires={expires}&size={size}&type={media_type}&signature={signature}", id.simple())
}

/// Leave to file what was read, whatever became of the rights of who sent it. What sort of principal that is does not matter here.
pub(super) fn upkeep(upload: &Upload) -> Grant<Write> {
    Grant::upkeep(upload.described.workspace, Principal::User(UserId::from_uuid(upload.principal)))
}
