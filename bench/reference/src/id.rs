//! Ids as the product shows them: a prefix, and the UUID in 26 digits of Crockford's base 32.
use uuid::Uuid;

const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

pub fn write(out: &mut Vec<u8>, prefix: &str, id: Uuid) {
    let bits = id.as_u128();
    out.extend(prefix.as_bytes());
    out.push(b'_');
    out.extend((0..26).rev().map(|place| DIGITS[(bits >> (5 * place)) as usize & 31]));
}

/// The UUID of 26 digits.
pub fn digits(text: &str) -> Option<Uuid> {
    if text.len() != 26 {
        return None;
    }
    let bits = text.bytes().try_fold(0_u128, |bits, byte| {
        let digit = DIGITS.iter().position(|digit| *digit == byte)?;
        Some(bits << 5 | digit as u128)
    });
    bits.map(Uuid::from_u128)
}

pub fn parse(prefix: &str, text: &str) -> Option<Uuid> {
    digits(text.strip_prefix(prefix)?.strip_prefix('_')?)
}
