use crate::shared::{
    Error, Result,
    id::{TurnId, WorkspaceId},
    text::{base64url, from_base64url},
};
use uuid::Uuid;

/// A place in a workspace's log; inside a streamed reply, also how much of its text was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    pub workspace: WorkspaceId,
    /// The last event seen.
    pub position: i64,
    pub place: Option<Place>,
}

/// How far a reply's text was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub turn: TurnId,
    /// UTF-16 code units.
    pub offset: u32,
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
        if let Some(place) = self.place {
            bytes.extend_from_slice(place.turn.uuid().as_bytes());
            bytes.extend_from_slice(&place.offset.to_be_bytes());
        }
        base64url(&bytes)
    }

    pub fn decode(text: &str) -> Result<Self> {
        let bytes = from_base64url(text).ok_or(MALFORMED)?;
        let mut rest = bytes.as_slice();
        let workspace = WorkspaceId::from_uuid(Uuid::from_bytes(take(&mut rest)?));
        let position = i64::from_be_bytes(take(&mut rest)?);
        let place = if rest.is_empty() {
            None
        } else {
            let turn = TurnId::from_uuid(Uuid::from_bytes(take(&mut rest)?));
            Some(Place { turn, offset: u32::from_be_bytes(take(&mut rest)?) })
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
        fn a_cursor_survives_its_text(workspace: u128, position in 0..i64::MAX, place: Option<(u128, u32)>) {
            let cursor = Cursor {
                workspace: WorkspaceId::from_uuid(Uuid::from_u128(workspace)),
                position,
                place: place.map(|(turn, offset)| Place { turn: TurnId::from_uuid(Uuid::from_u128(turn)), offset }),
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
