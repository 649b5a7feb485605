//! The contract: our schema never contradicts `contract/contract.graphql`, and the operations of
//! `contract/operations.graphql` work word for word.
mod operations;
mod statements;
mod superset;

use std::collections::BTreeMap;

/// Each operation's text by its name, exactly as it stands in the file.
pub fn operations() -> BTreeMap<&'static str, &'static str> {
    let file = include_str!("contract/operations.graphql");
    let starts: Vec<usize> = ["query ", "mutation ", "subscription "]
        .iter()
        .flat_map(|keyword| file.match_indices(keyword))
        .map(|(at, _)| at)
        .filter(|at| *at == 0 || file[..*at].ends_with('\n'))
        .collect();
    let mut starts: Vec<usize> = starts;
    starts.sort_unstable();
    let ends = starts.iter().skip(1).copied().chain([file.len()]);
    let texts = starts.iter().zip(ends).map(|(start, end)| file[*start..end].trim());
    texts.map(|text| (text.split([' ', '(', '{']).nth(1).unwrap(), text)).collect()
}
