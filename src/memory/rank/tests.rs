use super::*;
use crate::memory::{index::Replica, store::Row};
use chrono::DateTime;
use proptest::prelude::*;

const AT: DateTime<chrono::Utc> = DateTime::UNIX_EPOCH;

/// A copy of these texts with their collections, whose ids count from 1.
fn copy(texts: &[(&str, Option<&str>)]) -> Replica {
    let mut copy = Replica::default();
    for (number, (text, collection)) in (1..).zip(texts) {
        copy.insert(&[Row::of(number, number as u128, text, *collection, AT)]).unwrap();
    }
    copy
}

fn ranked(copies: &[&Replica], query: &str) -> Vec<Ranked> {
    rank(&Among::of(copies), &Query::of(query).unwrap(), &Wanted::default(), &Order::default(), 100)
}

fn ids(ranked: &[Ranked]) -> Vec<u128> {
    ranked.iter().map(|ranked| ranked.item.id.as_u128()).collect()
}

#[test]
fn rare_words_count_more_and_equals_stand_by_age() {
    let texts = ["zebu herd"; 8].map(|text| (text, None));
    let copy = copy(&[&texts[..], &[("quoll herd", None)]].concat());
    assert_eq!(ids(&ranked(&[&copy], "zebu or quoll"))[..4], [9, 1, 2, 3]);
}

/// By hand: ln(1 + 1.5 / 1.5) × 2 × 1.9 / (2 + 0.9 × (0.6 + 0.4 × 4 / 5)).
#[test]
fn words_count_by_bm25() {
    let copy = copy(&[("zebu zebu herd grass", None), ("quoll nest tree night hunt wood", None)]);
    let lexical = ranked(&[&copy], "zebu")[0].lexical;
    assert!((f64::from(lexical) - 2_f64.ln() * 3.8 / 2.828).abs() < 1e-6, "{lexical}");
}

#[test]
fn a_word_that_says_nearly_the_same_counts_for_a_part_of_it() {
    let copy =
        copy(&[("The physician is at the hospital", None), ("Their guitar stands on the stage", None)]);
    let (nearly, itself) = (ranked(&[&copy], "a doctor"), ranked(&[&copy], "a physician"));
    assert_eq!((ids(&nearly), ids(&itself)), (vec![1], vec![1]));
    assert!(0.0 < nearly[0].lexical && nearly[0].lexical < itself[0].lexical, "{nearly:?} {itself:?}");
}

#[test]
fn what_happened_when_the_query_says_comes_first() {
    let mut copy = Replica::default();
    for day in 1..=3 {
        let at = AT + chrono::TimeDelta::days(day);
        copy.insert(&[Row::of(day, day as u128, "a zebu was seen", None, at)]).unwrap();
    }
    assert_eq!(ids(&ranked(&[&copy], "Which zebu on 3 January 1970?"))[0], 2);
    assert_eq!(ids(&ranked(&[&copy], "Which zebu?"))[0], 1);
}

#[test]
fn a_question_when_is_answered_by_what_tells_a_time() {
    let copy = copy(&[("The zebu came", None), ("The zebu came last Friday", None)]);
    assert_eq!(ids(&ranked(&[&copy], "Which zebu came?"))[0], 1);
    assert_eq!(ids(&ranked(&[&copy], "When did the zebu come?"))[0], 2);
}

#[test]
fn two_copies_rank_as_one() {
    let texts = [
        ("zebu herd", Some("a")),
        ("quoll nest", Some("b")),
        ("zebu grass quoll", Some("b")),
        ("herd of zebus", None),
    ];
    let whole = copy(&texts);
    let (mut first, mut second) = (Replica::default(), Replica::default());
    for (number, (text, collection)) in (1..).zip(texts) {
        let half = if collection == Some("b") { &mut second } else { &mut first };
        half.insert(&[Row::of(number, number as u128, text, collection, AT)]).unwrap();
    }
    assert_eq!(ranked(&[&first, &second], "zebu quoll"), ranked(&[&whole], "zebu quoll"));
    assert_eq!(ranked(&[&second, &first], "zebu quoll"), ranked(&[&whole], "zebu quoll"));
}

#[test]
fn a_query_without_a_word_that_tells_anything_is_none() {
    assert!(Query::of("the of and ?!").is_none());
}

const WORDS_OF: [&str; 5] = ["zebu", "quoll", "herd", "nest", "grass"];

fn texts() -> impl Strategy<Value = Vec<(Vec<usize>, u8)>> {
    prop::collection::vec((prop::collection::vec(0_usize..5, 1..6), 0_u8..4), 1..30)
}

proptest! {
    #[test]
    fn a_filter_hides_entries_and_changes_no_score(texts in texts(), prefix in 1_u8..4, limit in 1_usize..20) {
        let texts: Vec<_> = texts.into_iter().map(|(words, collection)| {
            (words.iter().map(|word| WORDS_OF[*word]).collect::<Vec<_>>().join(" "), (collection > 0).then(|| format!("c{collection}/")))
        }).collect();
        let texts: Vec<_> = texts.iter().map(|(text, collection)| (text.as_str(), collection.as_deref())).collect();
        let copy = copy(&texts);
        let all = ranked(&[&copy], "zebu nest");
        prop_assert!(all.iter().all(|one| one.score > 0.0 && one.score <= 1.0));
        prop_assert!(all.windows(2).all(|two| (two[1].score, two[0].item) < (two[0].score, two[1].item) || two[1].score < two[0].score));
        let wanted = Wanted { collection_prefix: Some(format!("c{prefix}")), ..Wanted::default() };
        let some = rank(&Among::of(&[&copy]), &Query::of("zebu nest").unwrap(), &wanted, &Order::default(), limit);
        let fits = |one: &&Ranked| texts[one.item.id.as_u128() as usize - 1].1 == Some(format!("c{prefix}/").as_str());
        let expected: Vec<_> = all.iter().filter(fits).take(limit).copied().collect();
        prop_assert_eq!(some, expected);
        // Where they stand, and what is gone between them, does not matter.
        let mut again = Replica::default();
        let numbered: Vec<_> = (1..).zip(&texts).collect();
        for (number, (text, collection)) in numbered.into_iter().rev() {
            again.insert(&[Row::of(number, number as u128, text, *collection, AT), Row::of(number, 1000, text, *collection, AT)]).unwrap();
        }
        again.remove(uuid::Uuid::from_u128(1000));
        prop_assert_eq!(ranked(&[&again], "zebu nest"), ranked(&[&again.compacted()], "zebu nest"));
        prop_assert_eq!(ranked(&[&again], "zebu nest"), all);
    }
}

/// More than are gone through one by one: the best are the same as by looking at each.
#[test]
fn in_a_large_copy_the_best_are_found_too() {
    let mut large = Replica::default();
    let rows = (0..parameters::SMALL as u128 + 500).map(|number| {
        let text = format!("{} number {number}", WORDS_OF[number as usize % 5]);
        Row::of(number as i64 + 1, number + 1, &text, None, AT)
    });
    large.insert(&rows.collect::<Vec<_>>()).unwrap();
    large.insert(&[Row::of(10_000, 10_000, "The physician is at the hospital", None, AT)]).unwrap();
    let found = ranked(&[&large], "a doctor");
    assert_eq!(found[0].item.id.as_u128(), 10_000);
    assert_eq!(ids(&ranked(&[&large], "number 4711"))[0], 4712);
}

#[test]
fn what_is_said_by_somebody_whom_the_query_names_comes_before_what_names_them() {
    let mut copy = Replica::default();
    for (number, said) in
        [(1, ("Ana, Ana, Ben: a zebu", Some("Ben"))), (2, ("Ana, Ben, Ben: a zebu", Some("Ana")))]
    {
        copy.insert(&[Row::said(number, number as u128, said, None, AT)]).unwrap();
    }
    assert_eq!(ids(&ranked(&[&copy], "Which zebu did Ana see?")), [2, 1]);
    assert_eq!(ids(&ranked(&[&copy], "Which zebu did Ben see?")), [1, 2]);
}

/// As a recall does it, by texts whose numbers are their ids from 1.
fn quoted(copy: &Replica, texts: &[&str], query: &str, limit: usize) -> Vec<Ranked> {
    let (query, wanted) = (Query::of(query).unwrap(), Wanted::default());
    let mut order = Order::default();
    for found in quoting(&Among::of(&[copy]), &query, &wanted, &order) {
        let phrases = query.phrases_in([texts[found.item.id.as_u128() as usize - 1]]);
        order.holding.insert(found.item, phrases);
    }
    rank(&Among::of(&[copy]), &query, &wanted, &order, limit)
}

proptest! {
    #[test]
    fn what_holds_more_phrases_comes_first_and_else_nothing_changes(texts in texts()) {
        let texts: Vec<_> = texts.into_iter().map(|(words, _)| words.iter().map(|word| WORDS_OF[*word]).collect::<Vec<_>>().join(" ")).collect();
        let texts: Vec<_> = texts.iter().map(String::as_str).collect();
        let copy = copy(&texts.iter().map(|text| (*text, None)).collect::<Vec<_>>());
        let query = r#""zebu nest" or "nest quoll""#;
        let plain = ranked(&[&copy], query);
        let found = quoted(&copy, &texts, query, 100);
        let holds = |one: &Ranked| {
            let text = format!(" {} ", texts[one.item.id.as_u128() as usize - 1]);
            [" zebu nest ", " nest quoll "].iter().filter(|phrase| text.contains(*phrase)).count()
        };
        let before = |one: &Ranked| plain.iter().find(|other| other.item == one.item).map(|other| other.score).unwrap();
        prop_assert_eq!(found.len(), plain.len());
        prop_assert!(found.iter().all(|one| one.phrases == Some(holds(one)) && one.score <= 1.0));
        prop_assert!(found.is_sorted_by(|one, next| one.score >= next.score));
        let is_before = |one: &Ranked, next: &Ranked| {
            holds(one) > holds(next) || holds(one) == holds(next) && before(one) >= before(next) - 1e-6
        };
        prop_assert!(found.is_sorted_by(is_before));
        prop_assert!(ranked(&[&copy], "zebu nest").iter().all(|one| one.phrases.is_none()));
    }

    #[test]
    fn a_diverse_choice_begins_with_the_best_and_has_each_once(texts in texts(), diversity in 1_u8..=10, limit in 1_usize..20) {
        let texts: Vec<_> = texts.into_iter().map(|(words, _)| words.iter().map(|word| WORDS_OF[*word]).collect::<Vec<_>>().join(" ")).collect();
        let copy = copy(&texts.iter().map(|text| (text.as_str(), None)).collect::<Vec<_>>());
        let all = ranked(&[&copy], "zebu nest");
        let order = Order { diversity: f32::from(diversity) / 10.0, ..Order::default() };
        let some = rank(&Among::of(&[&copy]), &Query::of("zebu nest").unwrap(), &Wanted::default(), &order, limit);
        prop_assert_eq!(some.first(), all.first());
        prop_assert_eq!(some.len(), all.len().min(limit));
        prop_assert!(some.iter().all(|one| all.contains(one)));
        let mut once = ids(&some);
        once.sort_unstable();
        once.dedup();
        prop_assert_eq!(once.len(), some.len());
    }
}

/// Others have more words of the query, and more of them than are looked at by their words.
#[test]
fn what_holds_a_phrase_is_found_behind_a_thousand_better_ones() {
    let others = "quoll herd grass";
    let mut texts = vec![others; parameters::LIKELY + 500];
    texts.push(
        "At the end of a long day somebody said that nests zebu might be in the way of all the traffic",
    );
    let copy = copy(&texts.iter().map(|text| (*text, None)).collect::<Vec<_>>());
    let found = quoted(&copy, &texts, r#"Which quoll of what herd, on what grass, has a "nest zebu"?"#, 5);
    assert_eq!((ids(&found)[0], found[0].phrases), (texts.len() as u128, Some(1)));
    assert!(found[1..].iter().all(|one| one.phrases == Some(0)));
}

#[test]
fn what_says_the_same_as_a_better_hit_moves_down() {
    let copy = copy(&[
        ("The zebu sleeps in the barn", None),
        ("The zebu sleeps in the barn, too", None),
        ("A zebu drinks from the river every morning", None),
    ]);
    let diverse = |diversity: f32| {
        let order = Order { diversity, ..Order::default() };
        ids(&rank(
            &Among::of(&[&copy]),
            &Query::of("Where does the zebu sleep?").unwrap(),
            &Wanted::default(),
            &order,
            3,
        ))
    };
    assert_eq!((diverse(0.0), diverse(0.9)), (vec![1, 2, 3], vec![1, 3, 2]));
}

#[test]
fn what_a_text_quotes_that_is_no_query_does_not_have_to_be_there() {
    let text = r#"My boss said "no" again."#;
    assert!(Query::of(text).unwrap().has_phrases() && !Query::plain(text).unwrap().has_phrases());
}

#[test]
fn what_matters_more_comes_before_its_equals_and_what_says_nothing_stands_between() {
    let mut copy = Replica::default();
    for (number, importance) in [(1, Some(0.0)), (2, None), (3, Some(1.0)), (4, Some(0.5))] {
        let row = Row::of(number, number as u128, "a zebu was seen", None, AT);
        copy.insert(&[Row { importance, ..row }]).unwrap();
    }
    assert_eq!(ids(&ranked(&[&copy], "zebu")), [3, 2, 4, 1]);
}
