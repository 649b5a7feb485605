//! Connections with their statements prepared, and what a credential says.
use crate::id;
use axum::http::{HeaderMap, header};
use sha2::{Digest, Sha256};
use std::sync::{Mutex, PoisonError};
use tokio::sync::Semaphore;
use tokio_postgres::{Client, NoTls, Statement};
use uuid::Uuid;

/// An API key's row and the hash that opens it: the first two parameters of every statement.
pub struct Credential {
    pub key: Uuid,
    pub hash: Vec<u8>,
}

impl Credential {
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let token = headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")?;
        let key = id::digits(token.strip_prefix("aif_")?.get(..26)?)?;
        Some(Self { key, hash: Sha256::digest(token.as_bytes()).to_vec() })
    }
}

pub struct Prepared {
    pub client: Client,
    pub point: Statement,
    pub nested: Statement,
    pub sessions: Statement,
    pub runs: Statement,
    pub memories: Statement,
    pub usage: Statement,
    pub send: Statement,
}

pub struct Pool {
    free: Mutex<Vec<Prepared>>,
    room: Semaphore,
}

impl Pool {
    pub async fn connect(url: &str, size: usize) -> Result<Self, tokio_postgres::Error> {
        let mut free = Vec::with_capacity(size);
        for _ in 0..size {
            free.push(Prepared::connect(url).await?);
        }
        Ok(Self { free: Mutex::new(free), room: Semaphore::new(size) })
    }

    pub async fn take(&self) -> Prepared {
        self.room.acquire().await.expect("never closed").forget();
        self.free.lock().unwrap_or_else(PoisonError::into_inner).pop().expect("a permit stands for one")
    }

    pub fn give(&self, client: Prepared) {
        self.free.lock().unwrap_or_else(PoisonError::into_inner).push(client);
        self.room.add_permits(1);
    }
}

/// Whose key it is, if it holds.
macro_rules! bearer {
    () => {
        "(SELECT user_id FROM api_key WHERE id = $1 AND secret_hash = $2 AND revoked_at IS NULL \
          AND (expires_at IS NULL OR expires_at > now()))"
    };
}

/// The bearer's membership in the workspace `$3`; no row where there is none.
macro_rules! member {
    () => {
        concat!(
            "(SELECT user_id, role FROM membership WHERE workspace_id = $3 AND user_id = ",
            bearer!(),
            ") me"
        )
    };
}

const POINT: &str = concat!(
    "SELECT m.id, m.text, m.kind, m.created_at FROM memory m \
     JOIN membership me ON me.workspace_id = m.workspace_id AND me.user_id = ",
    bearer!(),
    " WHERE m.id = $3 AND (m.user_id IS NULL OR m.user_id = me.user_id)"
);

const NESTED: &str = concat!(
    "SELECT s.id, s.topic, s.status, s.created_at, m.id, m.role, m.text, m.created_at, \
     c.quote, c.start_offset, c.end_offset FROM ",
    member!(),
    " CROSS JOIN LATERAL (SELECT id, topic, status, created_at FROM coaching_session \
       WHERE workspace_id = $3 AND owner_id = me.user_id ORDER BY created_at DESC, id DESC LIMIT 20) s \
     LEFT JOIN LATERAL (SELECT id, role, text, created_at, position FROM message \
       WHERE session_id = s.id ORDER BY position LIMIT 5) m ON true \
     LEFT JOIN citation c ON c.message_id = m.id \
     ORDER BY s.created_at DESC, s.id DESC, m.position, c.place"
);

const SESSIONS: &str = concat!(
    "SELECT me.user_id, s.id, s.topic, s.status, g.id, g.title, g.progress, m.id, m.role, m.text FROM ",
    member!(),
    " LEFT JOIN LATERAL (SELECT id, topic, status, goal_id, updated_at FROM coaching_session \
       WHERE workspace_id = $3 AND owner_id = me.user_id ORDER BY updated_at DESC, id DESC LIMIT 5) s ON true \
     LEFT JOIN goal g ON g.id = s.goal_id \
     LEFT JOIN LATERAL (SELECT id, role, text, position FROM message \
       WHERE session_id = s.id ORDER BY position DESC LIMIT 3) m ON true \
     ORDER BY s.updated_at DESC, s.id DESC, m.position"
);

const RUNS: &str = concat!(
    "SELECT (SELECT count(*) FROM run WHERE workspace_id = $3 AND status IN ('RUNNING', 'WAITING')), \
     r.id, r.status, w.id, w.name, t.key, t.status FROM ",
    member!(),
    " CROSS JOIN LATERAL (SELECT id, status, workflow_id, created_at FROM run \
       WHERE workspace_id = $3 AND status IN ('RUNNING', 'WAITING') ORDER BY created_at DESC, id DESC LIMIT 10) r \
     JOIN workflow w ON w.id = r.workflow_id \
     LEFT JOIN LATERAL (SELECT key, status, place FROM step_run WHERE run_id = r.id ORDER BY place LIMIT 20) t ON true \
     ORDER BY r.created_at DESC, r.id DESC, t.place"
);

const MEMORIES: &str = concat!(
    "SELECT m.id, m.text, m.kind, m.created_at FROM ",
    member!(),
    " CROSS JOIN LATERAL (SELECT id, text, kind, created_at FROM memory \
       WHERE workspace_id = $3 AND (user_id IS NULL OR user_id = me.user_id) \
       ORDER BY created_at DESC, id DESC LIMIT 10) m"
);

const USAGE: &str = concat!(
    "SELECT currency, count(*), sum(input_tokens)::bigint, sum(output_tokens)::bigint, sum(cost)::bigint FROM ",
    member!(),
    " JOIN llm_call c ON c.workspace_id = $3 AND c.started_at >= $4 \
       AND (me.role IN ('OWNER', 'ADMIN') OR (c.principal_id = me.user_id AND NOT c.is_service)) \
     GROUP BY currency"
);

/// Message, turn and event in one statement: nothing of it happens where the session is not theirs, has ended, or
/// has too much to answer.
const SEND: &str = concat!(
    "WITH s AS (UPDATE coaching_session SET messages = messages + 1, turns = turns + 1, updated_at = $7 \
       WHERE id = $3 AND status <> 'ENDED' AND owner_id = ",
    bearer!(),
    " AND (SELECT count(*) FROM turn WHERE session_id = $3 AND status IN ('QUEUED', 'RUNNING')) < 20 \
       RETURNING id, workspace_id, owner_id, messages, turns), \
     m AS (INSERT INTO message (id, workspace_id, owner_id, session_id, turn_id, turn_number, position, role, text, \
         status, created_at) \
       SELECT $4, workspace_id, owner_id, id, $5, turns, messages, 'USER', $6, 'COMPLETED', $7 FROM s), \
     t AS (INSERT INTO turn (id, workspace_id, owner_id, session_id, number, status, message_id, fence, \
         interrupt_requested, api_key_id, created_at) \
       SELECT $5, workspace_id, owner_id, id, turns, 'QUEUED', $4, 0, false, $1, $7 FROM s), \
     h AS (UPDATE event_head e SET position = e.position + 1 FROM s WHERE e.workspace_id = s.workspace_id \
       RETURNING e.workspace_id, e.position) \
     INSERT INTO event (workspace_id, position, kind, subject_id, owner_id, data, at) \
     SELECT h.workspace_id, h.position, 'TURN_QUEUED', s.id, s.owner_id, $8, $7 FROM s JOIN h USING (workspace_id)"
);

impl Prepared {
    async fn connect(url: &str) -> Result<Self, tokio_postgres::Error> {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                eprintln!("a connection to the database ended: {error}");
            }
        });
        Ok(Self {
            point: client.prepare(POINT).await?,
            nested: client.prepare(NESTED).await?,
            sessions: client.prepare(SESSIONS).await?,
            runs: client.prepare(RUNS).await?,
            memories: client.prepare(MEMORIES).await?,
            usage: client.prepare(USAGE).await?,
            send: client.prepare(SEND).await?,
            client,
        })
    }
}
