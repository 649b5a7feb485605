//! What an operation costs before it is executed.
use super::*;

#[test]
fn a_cost_is_the_sum_of_what_its_fields_cost() {
    for query in [
        "query($n: Int) { viewer { friends(first: $n) { nodes { friends(first: 10) { edges { node { id } } } } } } }",
        "{ recall { id } viewer { ...F friend { ...F } } } fragment F on Person { f: friend { id } friends { nodes { id } } }",
        "{ __schema { types { name } } nodes(ids: [1, 2]) { ... on Person { friend { id } } } }",
    ] {
        let variables = variables(serde_json::json!({ "n": 7 }));
        let costs = pipeline().costs(query, None, &variables).unwrap();
        let cost = pipeline().prepare(query, None, &variables).unwrap().cost;
        assert_eq!(costs.values().sum::<u64>(), cost, "{query}: {costs:#?}");
        assert!(costs.keys().all(|path| !path.starts_with("__")), "{costs:#?}");
    }
}

#[test]
fn each_item_of_a_weighed_input_costs_however_it_comes() {
    let given = serde_json::json!({ "all": { "names": ["a", "b"] }, "names": ["a", "b", "c"], "one": { "names": "a" } });
    for (argument, items) in [
        ("{names: [\"a\", \"b\"]}", 2),
        ("{names: \"a\"}", 1),
        ("{names: null}", 0),
        ("{}", 0),
        ("{names: $names}", 3),
        ("$all", 2),
        ("$one", 1),
    ] {
        let declared = [("$all", "$all: Batch!"), ("$one", "$one: Batch!"), ("$names", "$names: [String!]")];
        let declared: Vec<_> =
            declared.iter().filter(|(it, _)| argument.contains(it)).map(|(_, it)| *it).collect();
        let declared = if declared.is_empty() { String::new() } else { format!("({})", declared.join(" ")) };
        let query = format!("mutation {declared} {{ renameAll(input: {argument}) {{ id }} }}");
        let prepared = bind(&query, given.clone()).unwrap();
        assert_eq!(prepared.cost, 1 + 5 * items, "{query}");
        let told = pipeline().costs(&query, None, &variables(given.clone())).unwrap();
        assert_eq!(told.values().sum::<u64>(), prepared.cost, "{query}");
    }
}

#[test]
fn page_sizes_multiply_also_from_variables() {
    let query = "query($n: Int) { viewer { friends(first: $n) { nodes { friends(first: 10) { edges { node { id } } } } } } }";
    let cost = |n: i32| bind(query, serde_json::json!({"n": n})).map(|prepared| prepared.cost);
    // viewer + connection + n × (person + connection + 10 × (edge + person))
    assert_eq!(cost(3).unwrap(), 1 + 1 + 3 * (1 + 1 + 10 * 2));
    assert_eq!(refusal(cost(100_000).map(|_| unreachable!())).code, ErrorCode::QueryTooComplex);
    let absent = bind(query, serde_json::json!({})).unwrap();
    assert_eq!(absent.cost, 1 + 1 + 25 * (1 + 1 + 10 * 2));
    assert_eq!(prepare("{ recall { id } }").unwrap().cost, 50);
    assert_eq!(prepare("{ page(first: 3) { people { friend { id } } } }").unwrap().cost, 1 + 3 * (1 + 1));
    let nodes = bind(
        "query($i: [ID!]!) { nodes(ids: $i) { ... on Person { friend { id } } } }",
        serde_json::json!({"i": [1, 2, 3]}),
    );
    assert_eq!(nodes.unwrap().cost, 3 * (1 + 1));
}
