//! Traces as W3C Trace Context names them (<https://www.w3.org/TR/trace-context/>): one id for all that a request
//! causes, here and at whoever is asked for it.
use super::{Error, Random};
use std::{fmt, str::FromStr};
use uuid::Uuid;

/// 128 bits, not all of them zero: 32 hexadecimal digits. Kept as databases keep UUIDs, though it is none.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceId(Uuid);

impl TraceId {
    pub fn random(random: &Random) -> Self {
        Self(Uuid::from_u128(u128::from_be_bytes(random.bytes()).max(1)))
    }

    pub fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid)
    }

    pub fn uuid(self) -> Uuid {
        self.0
    }

    /// Of the trace that a header `traceparent` continues; `None` where the standard says that it is not valid. What a
    /// later version of the standard adds at its end is passed over.
    pub fn continued(traceparent: &str) -> Option<Self> {
        let mut parts = traceparent.splitn(5, '-');
        let [version, trace, parent, flags] = [2, 32, 16, 2].map(|length| {
            let part = parts.next().filter(|part| part.len() == length && part.bytes().all(is_digit));
            part.unwrap_or_default()
        });
        let is_known = version == "00";
        if version.is_empty() || version == "ff" || flags.is_empty() || (is_known && parts.next().is_some()) {
            return None;
        }
        parent.bytes().any(|digit| digit != b'0').then(|| trace.parse().ok())?
    }

    /// The header that goes with something which is asked of somebody else: each time under an id of its own, by which
    /// they name what they do for it. The flag says that it is recorded here, as every call is.
    pub fn traceparent(self, random: &Random) -> String {
        format!("00-{self}-{:016x}-01", u64::from_be_bytes(random.bytes()).max(1))
    }
}

fn is_digit(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

impl FromStr for TraceId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let digits = Some(text).filter(|text| text.len() == 32 && text.bytes().all(is_digit));
        let id = digits.and_then(|text| Uuid::try_parse(text).ok()).filter(|id| !id.is_nil());
        id.map(Self).ok_or_else(|| {
            let message = "traceId: it is 32 of the digits 0 to 9 and a to f, not all zero";
            Error::BadInput(message.into())
        })
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.0.as_simple(), f)
    }
}

impl fmt::Debug for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

    fn continued(header: &str) -> Option<String> {
        TraceId::continued(header).map(|trace| trace.to_string())
    }

    #[test]
    fn a_valid_header_is_continued_also_of_a_later_version() {
        for header in [
            "00-T-b7ad6b7169203331-01",
            "00-T-0000000000000001-ff",
            "cc-T-b7ad6b7169203331-01",
            "cc-T-b7ad6b7169203331-01-what-is-to-come",
        ] {
            assert_eq!(continued(&header.replace('T', TRACE)).as_deref(), Some(TRACE), "{header}");
        }
    }

    #[test]
    fn what_is_not_valid_is_not_continued() {
        for header in [
            "",
            "-",
            "T",
            "00-T",
            "00-T-b7ad6b7169203331",
            "00-T-b7ad6b7169203331-",
            "00-T-b7ad6b7169203331-1",
            "00-T-b7ad6b7169203331-01-",
            "00-T-b7ad6b7169203331-01-more",
            "00-T-b7ad6b7169203331-0x",
            "cc-T-b7ad6b7169203331-01.more",
            "ff-T-b7ad6b7169203331-01",
            "0-T-b7ad6b7169203331-01",
            "0X-T-b7ad6b7169203331-01",
            "00-T0-b7ad6b7169203331-01",
            "00-T-0000000000000000-01",
            "00-T-b7ad6b716920333-01",
            "00-T-B7AD6B7169203331-01",
            " 00-T-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319-b7ad6b7169203331-01",
            "00-0af76519-16cd-43dd-8448-eb211c80319c-b7ad6b7169203331-01",
            "00-ääääääääääääääää-b7ad6b7169203331-01",
        ] {
            assert_eq!(continued(&header.replace('T', TRACE)), None, "{header}");
        }
    }

    proptest! {
        #[test]
        fn what_is_sent_on_is_continued_under_the_same_id(bits: u128, drawn: u64) {
            let random = Random::new(move |bytes| bytes.fill(drawn as u8));
            let trace = TraceId::from_uuid(Uuid::from_u128(bits.max(1)));
            prop_assert_eq!(TraceId::continued(&trace.traceparent(&random)), Some(trace));
            prop_assert_eq!(trace.to_string().parse::<TraceId>().ok(), Some(trace));
            prop_assert!(TraceId::continued(&TraceId::random(&random).traceparent(&random)).is_some());
        }

        #[test]
        fn no_text_is_taken_for_more_than_it_is(
            version in "[0-9a-f]{2}", id in "[0-9a-f]{32}", rest in "-[0-9a-f]{16}-[0-9a-f]{2}", at in 0_usize..55, other: char,
        ) {
            let good = format!("{version}-{id}{rest}");
            let is_known = version != "ff" && id.contains(|digit| digit != '0') && rest[1..17].contains(|digit| digit != '0');
            prop_assert_eq!(TraceId::continued(&good).map(|trace| trace.to_string()), is_known.then_some(id));
            let changed: String = good.chars().enumerate().map(|(place, letter)| if place == at { other } else { letter }).collect();
            if let Some(trace) = TraceId::continued(&changed) {
                prop_assert_eq!(&changed[3..35], trace.to_string());
            }
        }
    }
}
