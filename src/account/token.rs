//! The secrets that this server hands out: API keys and invitations.
//!
//! ```text
//! aif_ 01jd9x…(26)  k3vq…(52)  7h2m0ax
//!  │    │            │          └ checksum: the first 35 bits of SHA-256 of all before it
//!  │    │            └ secret: 256 random bits
//!  │    └ id of the row: found by its primary key, shown as `prefix`, no secret
//!  └ kind; a fixed word, so that scanners of leaked secrets know it
//! ```
//! All of it in the digits of [`crate::shared::id`], one alphabet without separators: a double click selects it
//! whole, and `aif_[0-9a-hjkmnp-tv-z]{85}` finds it. The checksum tells a typo or a cut before any database is
//! asked; it protects nothing.
//!
//! Stored is SHA-256 of the whole text. A slow hash (argon2) makes guessing a *person's* password dear; nobody
//! guesses 256 random bits, and a slow hash on each request would be an attacker's lever on our CPU.
use crate::shared::{
    Random,
    id::{Id, Kind},
};
use secrecy::SecretString;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const ID: usize = 26;
/// 52 digits of five bits hold 260 bits.
const SECRET: usize = 52;
const CHECKSUM: usize = 7;

/// A kind of row that is opened by a secret.
pub trait Secret: Kind {
    /// Before the id, with its underscore.
    const WORD: &'static str;
}

impl Secret for crate::shared::id::ApiKey {
    const WORD: &'static str = "aif_";
}

impl Secret for crate::shared::id::Invitation {
    const WORD: &'static str = "aifinv_";
}

/// SHA-256 of a token's text; the only part of it that is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hash([u8; 32]);

/// A token that was just made, to be shown once.
#[derive(Debug)]
pub struct NewToken {
    pub text: SecretString,
    pub hash: Hash,
}

/// A token that somebody presented: well-formed, not yet verified.
#[derive(Clone, Copy, Debug)]
pub struct Presented<K: Kind> {
    pub id: Id<K>,
    hash: Hash,
}

/// Makes the secret of a row.
pub fn mint<K: Secret>(id: Id<K>, random: &Random) -> NewToken {
    let mut text = prefix(id);
    push_digits(&mut text, &random.bytes::<32>(), SECRET);
    let checksum = checksum(&text);
    text.push_str(&checksum);
    NewToken { hash: Hash::of(&text), text: text.into() }
}

/// What may be shown of a token for ever: enough to tell it from others and to find its row.
pub fn prefix<K: Secret>(id: Id<K>) -> String {
    let text = id.to_string();
    // The digits alone: the prefix of the id's type is told by the word.
    let digits = text.rsplit_once('_').map_or(text.as_str(), |(_, digits)| digits);
    format!("{}{digits}", K::WORD)
}

/// Whether a text claims to be a token of this kind, however malformed.
pub fn claims_to_be<K: Secret>(text: &str) -> bool {
    text.starts_with(K::WORD)
}

impl<K: Secret> Presented<K> {
    /// `None` where the text is cut, mistyped or of another kind.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix(K::WORD)?;
        if digits.len() != ID + SECRET + CHECKSUM || !digits.bytes().all(|byte| DIGITS.contains(&byte)) {
            return None;
        }
        let (body, given) = text.split_at_checked(text.len() - CHECKSUM)?;
        if checksum(body) != given {
            return None;
        }
        let id: Id<K> = format!("{}_{}", K::PREFIX, digits.get(..ID)?).parse().ok()?;
        Some(Self { id, hash: Hash::of(text) })
    }

    /// In constant time: how much of the hash is right is not told by how long the answer takes.
    pub fn opens(&self, stored: &[u8]) -> bool {
        self.hash.0.ct_eq(stored).into()
    }
}

impl Hash {
    fn of(text: &str) -> Self {
        Self(Sha256::digest(text.as_bytes()).into())
    }

    pub fn to_vec(self) -> Vec<u8> {
        self.0.to_vec()
    }
}

fn checksum(body: &str) -> String {
    let mut digits = String::with_capacity(CHECKSUM);
    push_digits(&mut digits, &Sha256::digest(body.as_bytes()), CHECKSUM);
    digits
}

/// The first `count` digits of the bits, most significant first; bits beyond the end are zero.
fn push_digits(text: &mut String, bytes: &[u8], count: usize) {
    let bit = |place: usize| bytes.get(place / 8).map_or(0, |byte| byte >> (7 - place % 8) & 1);
    text.extend((0..count).map(|digit| {
        let value = (0..5).fold(0, |value, i| value << 1 | bit(digit * 5 + i));
        char::from(DIGITS[usize::from(value)])
    }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::id::{ApiKey, ApiKeyId, Invitation};
    use proptest::prelude::*;
    use secrecy::ExposeSecret;
    use uuid::Uuid;

    fn made(id: u128, secret: u8) -> (ApiKeyId, String, Hash) {
        let id = ApiKeyId::from_uuid(Uuid::from_u128(id));
        let token = mint(id, &Random::new(move |bytes| bytes.fill(secret)));
        (id, token.text.expose_secret().to_owned(), token.hash)
    }

    #[test]
    fn a_token_has_the_documented_form() {
        let (_, text, _) = made(1, 0xff);
        assert_eq!(text.len(), 4 + 85);
        assert!(text.starts_with("aif_00000000000000000000000001zzzz"), "{text}");
        // 256 bits end in one bit of the last digit.
        assert_eq!(text.as_bytes()[4 + 26 + 51], b'g');
    }

    #[test]
    fn a_token_of_another_kind_is_not_taken() {
        let (_, text, _) = made(1, 7);
        assert!(Presented::<Invitation>::parse(&text).is_none());
        assert!(Presented::<Invitation>::parse(&text.replace("aif_", "aifinv_")).is_none());
    }

    proptest! {
        #[test]
        fn a_token_opens_its_row_and_no_other(id: u128, other: u128, secret: u8) {
            let (id, text, hash) = made(id, secret);
            let presented = Presented::<ApiKey>::parse(&text).unwrap();
            prop_assert_eq!(presented.id, id);
            prop_assert!(presented.opens(&hash.to_vec()));
            prop_assert!(text.starts_with(&prefix(id)));
            let (_, _, wrong) = made(other, secret.wrapping_add(1));
            prop_assert!(!presented.opens(&wrong.to_vec()));
            prop_assert!(!presented.opens(&[]));
        }

        #[test]
        fn one_wrong_character_is_seen_without_a_database(id: u128, at in 0_usize..89, digit in 0_usize..32) {
            let (_, text, _) = made(id, 42);
            let mut bytes = text.clone().into_bytes();
            prop_assume!(bytes[at] != DIGITS[digit]);
            bytes[at] = DIGITS[digit];
            prop_assert!(Presented::<ApiKey>::parse(std::str::from_utf8(&bytes).unwrap()).is_none());
        }

        #[test]
        fn a_cut_is_seen_without_a_database(id: u128, length in 0_usize..89) {
            let (_, text, _) = made(id, 42);
            prop_assert!(Presented::<ApiKey>::parse(&text[..length]).is_none());
        }

        #[test]
        fn any_text_is_a_token_or_not(text: String) {
            let _ = Presented::<ApiKey>::parse(&text);
            let _ = Presented::<ApiKey>::parse(&format!("aif_{text}"));
        }
    }
}
