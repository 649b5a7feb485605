//! What a model says that cannot hold beside a memory, held against their words. Pure.
use crate::{
    gateway::{self, ContradictedBy},
    memory::{
        answer,
        model::{Contradiction, Quotes},
    },
};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

pub const INSTRUCTIONS: &str = "Source 1 is a memory. Name each other source that cannot be true beside it, of the same thing at \
    the same time: by its number, with how (DENIES: one denies what the other says; OTHER_NUMBER: another number or date; \
    OTHER_VALUE: another name or value; OTHER: in another way), with quote, the words of that source that say so, and against, \
    the words of source 1 that they speak against, both word for word. What only adds to it, or may hold as well, is none. Where \
    there is none, give an empty list.";

/// Characters of a text that the model is told.
pub const TOLD: usize = 2_000;

/// By the place among the others: how it speaks against what was asked about. Only what is one of them, each once, with quotes
/// that stand in both texts. `None` where the answer cannot be read.
pub fn read(text: &str, asked: &str, others: &[&str]) -> Option<BTreeMap<usize, (Contradiction, Quotes)>> {
    let Told { contradictions } = gateway::read_form(text)?;
    let said = contradictions.len();
    let told: Vec<ContradictedBy> =
        contradictions.into_iter().filter_map(|one| serde_json::from_value(one).ok()).collect();
    if told.is_empty() && said > 0 {
        return None;
    }
    let mut found = BTreeMap::new();
    for one in told {
        // The first source is what was asked about.
        let Some(place) = one.source.checked_sub(2) else { continue };
        let quotes = others.get(place).and_then(|other| {
            Some(Quotes { quote: quoted(other, &one.quote)?, against: quoted(asked, &one.against)? })
        });
        if let Some((how, quotes)) = Contradiction::from_name(&one.how).ok().zip(quotes) {
            found.entry(place).or_insert((how, quotes));
        }
    }
    Some(found)
}

/// One that is not in the form does not make the others unreadable.
#[derive(Deserialize)]
struct Told {
    contradictions: Vec<Value>,
}

fn quoted(text: &str, quote: &str) -> Option<String> {
    let words = quote.trim().trim_matches(['“', '”', '"']).trim();
    text.get(answer::find(text, words)?).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    const ASKED: &str = "The launch is on 14 March";
    const OTHERS: [&str; 2] = ["We launch\n in April", "The launch has cake"];

    fn one(source: i64, how: &str, quote: &str, against: &str) -> serde_json::Value {
        json!({ "source": source, "how": how, "quote": quote, "against": against })
    }

    fn places(contradictions: &[serde_json::Value]) -> Option<Vec<usize>> {
        let said = json!({ "contradictions": contradictions }).to_string();
        read(&said, ASKED, &OTHERS).map(|found| found.into_keys().collect())
    }

    #[test]
    fn what_a_model_says_is_held_against_both_texts() {
        let good = one(2, "OTHER_NUMBER", "“launch in April”", "14 March");
        let found = read(&json!({ "contradictions": [good] }).to_string(), ASKED, &OTHERS).unwrap();
        let quotes = Quotes { quote: "launch\n in April".into(), against: "14 March".into() };
        assert_eq!(found, BTreeMap::from([(0, (Contradiction::OtherNumber, quotes))]));
        assert_eq!(
            places(&[good.clone(), good.clone(), one(3, "DENIES", "cake", "launch")]),
            Some(vec![0, 1])
        );
        for bad in [
            one(0, "OTHER", "April", "March"),
            one(1, "OTHER", "launch", "launch"),
            one(4, "OTHER", "April", "March"),
            one(2, "SOMEHOW", "April", "March"),
            one(2, "OTHER", "May", "March"),
            one(2, "OTHER", "April", "14 May"),
            one(2, "OTHER", "", "March"),
        ] {
            assert_eq!(places(std::slice::from_ref(&bad)), Some(vec![]), "{bad}");
        }
        let unreadable = one(-1, "OTHER", "launch in April", "14 March");
        assert_eq!(
            places(&[unreadable, good]),
            Some(vec![0]),
            "one that cannot be read takes no other with it"
        );
        for unreadable in
            ["", "none", "[]", "{}", "{\"contradictions\": 3}", "{\"contradictions\": [{\"source\": -1}]}"]
        {
            assert_eq!(read(unreadable, ASKED, &OTHERS), None, "{unreadable}");
        }
    }

    proptest! {
        #[test]
        fn any_answer_is_read_or_refused(text in "\\PC{0,200}", source in 0_usize..9, quote in "[a-zA ]{0,9}") {
            drop(read(&text, ASKED, &OTHERS));
            let said = json!({ "contradictions": [one(source as i64, "OTHER", &quote, &quote)] }).to_string();
            for (place, (_, quotes)) in read(&said, ASKED, &OTHERS).unwrap() {
                prop_assert!(OTHERS[place].contains(&quotes.quote) && ASKED.contains(&quotes.against));
            }
        }
    }
}
