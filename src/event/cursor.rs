use crate::shared::{
    Error, Result,
    id::{TurnId, WorkspaceId},
    text::{base64url, from_base64url},
};
use uuid::Uuid;

/// A place in a workspace's log; where what comes next was seen in part, also how much of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cursor {
    pub workspace: WorkspaceId,
    /// The last event seen.
    pub position: i64,
    pub place: Option<Place>,
}

/// How much was seen of what comes after the position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// Of a reply's text: `offset` in UTF-16 code units.
    Reply { turn: TurnId, offset: u32 },
    /// Of the next event's changes: so many.
    Changes(u16),
}

const MALFORMED: Error =
    Error::InvalidCursor("not a cursor of this server: take it from an event or a `cursor` field");

impl Cursor {
    pub fn new(workspace: WorkspaceId, position: i64) -> Self {
        Self { workspace, position, place: None }
    }

    /// Opaque to clients.
    pub fn encode(&self) -> String {
        let mut bytes = Vec::with_capacity(44);
        bytes.extend_from_slice(self.workspace.uuid().as_bytes());
        bytes.extend_from_slice(&self.position.to_be_bytes());
        match self.place {
            Some(Place::Reply { turn, offset }) => {
                bytes.extend_from_slice(turn.uuid().as_bytes());
                bytes.extend_from_slice(&offset.to_be_bytes());
            }
            Some(Place::Changes(seen)) => bytes.extend_from_slice(&seen.to_be_bytes()),
            None => {}
        }
        base64url(&bytes)
    }

    pub fn decode(text: &str) -> Result<Self> {
        let bytes = from_base64url(text).ok_or(MALFORMED)?;
        let mut rest = bytes.as_slice();
        let workspace = WorkspaceId::from_uuid(Uuid::from_bytes(take(&mut rest)?));
        let position = i64::from_be_bytes(take(&mut rest)?);
        let place = match rest.len() {
            0 => None,
            2 => Some(Place::Changes(u16::from_be_bytes(take(&mut rest)?))),
            _ => {
                let turn = TurnId::from_uuid(Uuid::from_bytes(take(&mut rest)?));
                Some(Place::Reply { turn, offset: u32::from_be_bytes(take(&mut rest)?) })
            }
        };
        if rest.is_empty() && position >= 0 {
            Ok(Self { workspace, position, place })
        } else {
            Err(MALFORMED)
        }
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N]> {
    let (head, tail) = rest.split_first_chunk::<N>().ok_or(MALFORMED)?;
    *rest = tail;
    Ok(*head)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_cursor_survives_its_text(
            workspace: u128,
            position in 0..i64::MAX,
            reply: Option<(u128, u32)>,
            changes: Option<u16>,
        ) {
            let reply = reply.map(|(turn, offset)| Place::Reply {
                turn: TurnId::from_uuid(Uuid::from_u128(turn)),
                offset,
            });
            let cursor = Cursor {
                workspace: WorkspaceId::from_uuid(Uuid::from_u128(workspace)),
                position,
                place: reply.or(changes.map(Place::Changes)),
            };
            prop_assert_eq!(Cursor::decode(&cursor.encode()).unwrap(), cursor);
        }

        #[test]
        fn any_text_is_a_cursor_or_invalid(text: String, bytes: Vec<u8>) {
            prop_assert!(matches!(Cursor::decode(&text), Ok(_) | Err(Error::InvalidCursor(_))));
            prop_assert!(matches!(Cursor::decode(&base64url(&bytes)), Ok(_) | Err(Error::InvalidCursor(_))));
        }
    }
}
