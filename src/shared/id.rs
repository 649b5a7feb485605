//! Ids by type. In the database a UUIDv7; outside `run_01j…`: the type's prefix and the UUID in 26 characters
//! of Crockford's base 32 (the TypeID form). A new kind of node is added to the registry below, nowhere else.
use super::Error;
use serde::{Deserialize, Serialize, de, de::Deserializer, ser::Serializer};
use std::{fmt, hash::Hash, marker::PhantomData, str::FromStr};
use uuid::Uuid;

/// A type of thing that has ids of its own.
pub trait Kind: Copy + Eq + Ord + Hash + fmt::Debug + Send + Sync + 'static {
    const PREFIX: &'static str;
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id<K> {
    uuid: Uuid,
    kind: PhantomData<K>,
}

macro_rules! registry {
    ($($kind:ident, $alias:ident, $prefix:literal;)*) => {
        $(
            #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
            pub enum $kind {}
            impl Kind for $kind {
                const PREFIX: &'static str = $prefix;
            }
            pub type $alias = Id<$kind>;
        )*

        /// An id whose type its prefix told.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum AnyId {
            $($kind($alias),)*
        }

        impl fmt::Display for AnyId {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$kind(id) => fmt::Display::fmt(id, f),)*
                }
            }
        }

        /// Every prefix, in the registry's order.
        pub const PREFIXES: &[&str] = &[$($prefix),*];

        impl FromStr for AnyId {
            type Err = Error;
            fn from_str(text: &str) -> Result<Self, Error> {
                match text.split_once('_').map(|(prefix, _)| prefix) {
                    $(Some($prefix) => text.parse().map(Self::$kind),)*
                    _ => Err(Error::BadInput("not an id of this server: it begins with the prefix of its type, as in run_…".into())),
                }
            }
        }
    };
}

registry! {
    User, UserId, "user";
    ServiceAccount, ServiceAccountId, "svc";
    Workspace, WorkspaceId, "ws";
    Membership, MembershipId, "mbr";
    Invitation, InvitationId, "inv";
    ApiKey, ApiKeyId, "key";
    AuditEntry, AuditEntryId, "aud";
    Memory, MemoryId, "mem";
    Document, DocumentId, "doc";
    DocumentChunk, DocumentChunkId, "chk";
    ErasureReceipt, ErasureReceiptId, "rcpt";
    Goal, GoalId, "goal";
    ActionItem, ActionItemId, "act";
    CoachingSession, CoachingSessionId, "cs";
    Turn, TurnId, "turn";
    Message, MessageId, "msg";
    Workflow, WorkflowId, "wf";
    WorkflowVersion, WorkflowVersionId, "wfv";
    Run, RunId, "run";
    StepRun, StepRunId, "step";
    Approval, ApprovalId, "apr";
    LlmCall, LlmCallId, "call";
    Route, RouteId, "rt";
    Budget, BudgetId, "bdg";
}

impl<K> Id<K> {
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self { uuid, kind: PhantomData }
    }

    pub const fn uuid(self) -> Uuid {
        self.uuid
    }
}

impl<K> From<Id<K>> for Uuid {
    fn from(id: Id<K>) -> Self {
        id.uuid
    }
}

const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// 26 digits of five bits hold 130 bits; the first digit is at most 7.
const LENGTH: usize = 26;

impl<K: Kind> Id<K> {
    /// As it is shown. An answer has hundreds: written whole, not digit by digit.
    pub fn text(&self) -> String {
        let mut bits = self.uuid.as_u128();
        let mut digits = [0; LENGTH];
        for digit in digits.iter_mut().rev() {
            *digit = DIGITS[bits as usize & 31];
            bits >>= 5;
        }
        let mut text = String::with_capacity(K::PREFIX.len() + 1 + LENGTH);
        text.push_str(K::PREFIX);
        text.push('_');
        text.push_str(str::from_utf8(&digits).unwrap_or_default());
        text
    }
}

impl<K: Kind> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

impl<K: Kind> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<K: Kind> FromStr for Id<K> {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let expected =
            || Error::BadInput(format!("not an id of this type: expected {}_ and 26 characters", K::PREFIX));
        let digits =
            text.strip_prefix(K::PREFIX).and_then(|rest| rest.strip_prefix('_')).ok_or_else(expected)?;
        if digits.len() != LENGTH || digits.as_bytes()[0] > b'7' {
            return Err(expected());
        }
        let bits = digits.bytes().try_fold(0_u128, |bits, byte| {
            let digit = DIGITS.iter().position(|digit| *digit == byte)?;
            Some(bits << 5 | digit as u128)
        });
        bits.map(|bits| Self::from_uuid(Uuid::from_u128(bits))).ok_or_else(expected)
    }
}

impl<K: Kind> Serialize for Id<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, K: Kind> Deserialize<'de> for Id<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn prefixes_are_unique() {
        let unique: std::collections::HashSet<_> = PREFIXES.iter().collect();
        assert_eq!(unique.len(), PREFIXES.len());
    }

    #[test]
    fn a_wrong_prefix_names_the_right_one() {
        let error = RunId::from_uuid(Uuid::nil()).to_string().parse::<WorkspaceId>().unwrap_err();
        assert!(error.to_string().contains("ws_"), "{error}");
    }

    proptest! {
        #[test]
        fn an_id_survives_its_text(bits: u128) {
            let id = RunId::from_uuid(Uuid::from_u128(bits));
            prop_assert_eq!(id.to_string().parse::<RunId>().unwrap(), id);
            prop_assert_eq!(id.to_string().parse::<AnyId>().unwrap(), AnyId::Run(id));
        }

        #[test]
        fn text_order_is_id_order(a: u128, b: u128) {
            let (a, b) = (RunId::from_uuid(Uuid::from_u128(a)), RunId::from_uuid(Uuid::from_u128(b)));
            prop_assert_eq!(a.cmp(&b), a.to_string().cmp(&b.to_string()));
        }

        #[test]
        fn any_text_is_an_id_or_an_error(text: String) {
            let _ = text.parse::<AnyId>();
            let _ = text.parse::<RunId>();
            let _ = format!("run_{text}").parse::<RunId>();
        }
    }
}
