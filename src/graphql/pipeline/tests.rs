mod cost;
mod shape;

use super::*;
use apollo_compiler::response::JsonValue;
use async_graphql::Value;
use std::collections::BTreeMap;

/// A schema with each thing that the pipeline looks at.
const SDL: &str = r#"
directive @oneOf on INPUT_OBJECT
schema { query: Query mutation: Mutation subscription: Subscription }
scalar JSON
enum Mood { GOOD BAD }
interface Node { id: ID! }
type Query {
  viewer: Person
  person(id: ID!): Person
  nodes(ids: [ID!]!): [Node]!
  echo(text: String, texts: [String!], number: Float, json: JSON, filter: Filter, action: Action): String
  recall(limit: Int = 10): [Person!]!
  page(first: Int = 100): PersonPage!
}
type Person implements Node { id: ID! name: String! mood: Mood friends(first: Int = 25, last: Int): PersonConnection! friend: Person }
type PersonConnection { nodes: [Person!]! edges: [PersonEdge!]! totalCount: Int! }
type PersonPage { people: [Person!]! }
type PersonEdge { cursor: String! node: Person! }
input Filter { mood: Mood = GOOD depth: Int! text: String and: [Filter!] action: Action }
input Action @oneOf { wait: String jump: Int then: [Action!] }
input Batch { names: [String!] }
type Mutation { rename(name: String!): Person renameAll(input: Batch!): Person }
type Subscription { ticks(count: Int!): Int! }
"#;

fn limits() -> Limits {
    Limits {
        document_bytes: 131_072,
        tokens: 10_000,
        syntax_nesting: 64,
        depth: 20,
        nesting: 30,
        selections: 2_000,
        aliases: 100,
        directives: 50,
        root_fields: 20,
        cost: 25_000,
        cache_bytes: 1 << 20,
        weights: BTreeMap::from([("Query.recall".to_owned(), 50), ("Batch.names".to_owned(), 5)]),
    }
}

fn pipeline() -> Pipeline {
    Pipeline::new(SDL, limits()).unwrap()
}

fn variables(json: serde_json::Value) -> JsonMap {
    let JsonValue::Object(map) = JsonValue::from(json) else { panic!("not an object") };
    map
}

fn prepare(query: &str) -> Result<Prepared, Vec<RequestError>> {
    pipeline().prepare(query, None, &JsonMap::new())
}

fn bind(query: &str, json: serde_json::Value) -> Result<Prepared, Vec<RequestError>> {
    pipeline().prepare(query, None, &variables(json))
}

fn refusal(result: Result<Prepared, Vec<RequestError>>) -> RequestError {
    let mut errors = result.unwrap_err();
    assert!(errors.len() <= ERRORS_TOLD);
    errors.remove(0)
}

/// As on a worker of the server: its stack is 2 MiB, which a debug build fills fastest.
fn on_a_worker_stack<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    std::thread::Builder::new().stack_size(2 << 20).spawn(work).unwrap().join().unwrap()
}

#[test]
fn a_plain_query_passes() {
    let prepared = prepare("query Who { viewer { id name } }").unwrap();
    assert_eq!(prepared.operation_type, OperationType::Query);
    assert_eq!(prepared.operation_name.as_deref(), Some("Who"));
    assert_eq!(prepared.asks, Asks::Data);
    assert_eq!(prepared.cost, 1);
}

#[test]
fn hostile_documents_are_refused_with_little_work_and_without_overflow() {
    let chain: String = (0..2_000).map(|i| format!("fragment F{i} on Query{{...F{}}} ", i + 1)).collect();
    let doubling = |n: usize| -> String {
        let fragments: String =
            (0..n).map(|i| format!("fragment F{i} on Query{{...F{} ...F{}}} ", i + 1, i + 1)).collect();
        format!("{{...F0}} {fragments} fragment F{n} on Query{{__typename}}")
    };
    let repeated = |n: usize, what: &str| what.repeat(n);
    let hostile: Vec<(&str, String)> = vec![
        ("nested lists", format!("{{echo(json: {}{})}}", "[".repeat(3_000), "]".repeat(3_000))),
        ("nested lists, unclosed", format!("{{echo(json: {}", "[".repeat(30_000))),
        ("nested objects", format!("{{echo(json: {}1{})}}", "{a:".repeat(3_000), "}".repeat(3_000))),
        ("nested selections", format!("{{viewer{}{}}}", "{friend".repeat(4_000), "}".repeat(4_000))),
        ("nested selections, few", format!("{{viewer{}{{id}}{}}}", "{friend".repeat(40), "}".repeat(40))),
        ("nested inline fragments", format!("{{{}id{}}}", "...{".repeat(3_000), "}".repeat(3_000))),
        ("nested types", format!("query($a: {}Int{}){{viewer{{id}}}}", "[".repeat(3_000), "]".repeat(3_000))),
        ("aliases", format!("{{{}}}", (0..1_000).map(|i| format!("a{i}:__typename ")).collect::<String>())),
        (
            "10,000 aliases",
            format!("{{{}}}", (0..10_000).map(|i| format!("a{i}:__typename ")).collect::<String>()),
        ),
        (
            "dearest field",
            format!(
                "{{{}}}",
                (0..90)
                    .map(|i| format!("a{i}:recall{{friends(first:100){{nodes{{id}}}}}}"))
                    .collect::<String>()
            ),
        ),
        ("repeated fields", format!("{{viewer{{{}}}}}", repeated(10_000, "id "))),
        ("repeated fields, within the tokens", format!("{{viewer{{{}}}}}", repeated(4_000, "id "))),
        ("unknown directives on a field", format!("{{__typename {}}}", repeated(1_000, "@x "))),
        ("known directives on a field", format!("{{__typename {}}}", repeated(900, "@skip(if:false)"))),
        ("unknown directives on an operation", format!("query {} {{__typename}}", repeated(1_000, "@x "))),
        ("unknown directives on a fragment", format!("{{... {} {{__typename}}}}", repeated(1_000, "@x "))),
        ("doubling fragments", doubling(24)),
        ("more doubling fragments", doubling(90)),
        ("yet more doubling fragments", doubling(600)),
        (
            "many spreads",
            format!(
                "{{viewer{{{}}}}} fragment F on Person{{{}}}",
                repeated(1_500, "...F "),
                repeated(1_500, "id ")
            ),
        ),
        ("a cycle", "{...A} fragment A on Query{...B} fragment B on Query{...A}".to_owned()),
        ("a chain", format!("{{...F0}} {chain} fragment F2000 on Query{{__typename}}")),
        (
            "a long cycle",
            format!(
                "{{...F0}} {} fragment F600 on Query{{...F0}}",
                (0..600).map(|i| format!("fragment F{i} on Query{{...F{}}} ", i + 1)).collect::<String>()
            ),
        ),
        ("repeated arguments", format!("{{echo({})}}", repeated(20_000, "text:\"a\" "))),
        ("repeated arguments, within the tokens", format!("{{echo({})}}", repeated(2_000, "text:1 "))),
        ("a long string", format!("{{echo(text: \"{}\")}}", repeated(1 << 20, "a"))),
        ("a long comment", format!("{{viewer{{id}}}} #{}", repeated(1 << 20, "a"))),
        ("commas", format!("{{viewer{{id}}}}{}", repeated(1 << 20, ","))),
        ("commas, within the bytes", format!("{{viewer{{id}}}}{}", repeated(100_000, ", "))),
        ("a long list", format!("{{echo(texts: [{}])}}", repeated(100_000, "\"a\" "))),
        ("operations", (0..1_000).map(|i| format!("query Q{i}{{__typename}}")).collect()),
        (
            "variables",
            format!("query({}){{__typename}}", (0..1_000).map(|i| format!("$v{i}:Int ")).collect::<String>()),
        ),
        (
            "pages of pages",
            "{viewer{friends(first:100){nodes{friends(first:100){nodes{friends(first:100){nodes{id}}}}}}}}"
                .to_owned(),
        ),
        ("huge page", "{viewer{friends(first:2147483647){nodes{friend{friend{id}}}}}}".to_owned()),
        (
            "circular introspection",
            format!("{{__schema{{types{}{{name}}{}}}}}", "{fields{type".repeat(8), "}}".repeat(8)),
        ),
        ("two root fields of a subscription", "subscription{a:ticks(count:1) b:ticks(count:1)}".to_owned()),
        ("type definitions", "type A{id:ID} {viewer{id}}".to_owned()),
        ("nothing", String::new()),
        ("blanks", " \n,, # nothing\n".to_owned()),
        ("fragments alone", "fragment A on Query{viewer{id}}".to_owned()),
        ("no text at all", "\u{0}\u{1}\u{feff}".to_owned()),
    ];
    on_a_worker_stack(move || {
        let pipeline = pipeline();
        for (what, document) in &hostile {
            let before = pipeline.work_done();
            let error = refusal(pipeline.prepare(document, None, &JsonMap::new()));
            let [bytes, tokens, nodes] = std::array::from_fn(|i| pipeline.work_done()[i] - before[i]);
            assert!(bytes <= limits().document_bytes as u64, "{what}: {bytes} bytes");
            assert!(tokens <= limits().tokens as u64 + 1, "{what}: {tokens} tokens");
            // Each selection in the text is visited once, and what is within the limits written once.
            assert!(nodes <= tokens + limits().selections * translate::SPREAD, "{what}: {nodes} nodes");
            assert!(error.message.chars().count() <= 401, "{what} told {}", error.message);
        }
    });
}

#[test]
fn a_refused_document_is_not_kept_and_an_accepted_one_is() {
    let pipeline = pipeline();
    for _ in 0..2 {
        pipeline.prepare("{ nothing }", None, &JsonMap::new()).unwrap_err();
        assert_eq!(pipeline.0.cache.len(), 0);
    }
    for _ in 0..2 {
        pipeline.prepare("{ viewer { id } }", None, &JsonMap::new()).unwrap();
        assert_eq!(pipeline.0.cache.len(), 1);
    }
}

#[test]
fn the_cache_is_bounded() {
    let pipeline = pipeline();
    for i in 0..5_000 {
        let query = format!("{{ viewer {{ id }} }} # {i} {}", "x".repeat(1_000));
        pipeline.prepare(&query, None, &JsonMap::new()).unwrap();
    }
    assert!(pipeline.0.cache.weight() <= limits().cache_bytes);
}

/// The largest common introspection query: graphql-js's with all options, nine levels of `ofType`.
const INTROSPECTION: &str = "query IntrospectionQuery { __schema { description queryType { name kind } \
  mutationType { name kind } subscriptionType { name kind } types { ...FullType } directives { name description \
  isRepeatable locations args(includeDeprecated: true) { ...InputValue } } } } \
  fragment FullType on __Type { kind name description specifiedByURL isOneOf fields(includeDeprecated: true) { name \
  description args(includeDeprecated: true) { ...InputValue } type { ...TypeRef } isDeprecated deprecationReason } \
  inputFields(includeDeprecated: true) { ...InputValue } interfaces { ...TypeRef } \
  enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason } \
  possibleTypes { ...TypeRef } } \
  fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue isDeprecated \
  deprecationReason } \
  fragment TypeRef on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name \
  ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } } } }";

#[test]
fn introspection_by_tools_passes_and_is_known_as_such() {
    // apollo-compiler does not know `isOneOf` yet.
    let prepared = prepare(&INTROSPECTION.replace(" isOneOf", "")).unwrap();
    assert_eq!(prepared.asks, Asks::Schema);
    let asks = |query| prepare(query).unwrap().asks;
    assert_eq!(asks("{ __typename }"), Asks::Typename);
    assert_eq!(asks("{ __type(name: \"Query\") { name } __typename }"), Asks::Schema);
    assert_eq!(asks("{ __typename viewer { id } }"), Asks::Data);
    assert_eq!(asks("{ ...A } fragment A on Query { viewer { id } }"), Asks::Data);
}

#[test]
fn the_operation_is_chosen_by_name() {
    let pipeline = pipeline();
    let two = "query A { viewer { id } } mutation B { rename(name: \"x\") { id } }";
    let chosen = |name| pipeline.prepare(two, name, &JsonMap::new());
    assert_eq!(chosen(Some("B")).unwrap().operation_type, OperationType::Mutation);
    assert_eq!(refusal(chosen(None)).code, ErrorCode::OperationResolutionFailure);
    assert_eq!(refusal(chosen(Some("C"))).code, ErrorCode::OperationResolutionFailure);
    let named = pipeline.prepare("query A { viewer { id } }", None, &JsonMap::new()).unwrap();
    assert_eq!(named.operation_name.as_deref(), Some("A"));
}

#[test]
fn errors_carry_code_and_place() {
    let error = refusal(prepare("{ viewer {"));
    assert_eq!(error.code, ErrorCode::GraphqlParseFailed);
    let error = refusal(prepare("{\n  viewer { id\n   surname } }"));
    assert_eq!(error.code, ErrorCode::GraphqlValidationFailed);
    assert_eq!(error.locations, [Pos { line: 3, column: 4 }]);
    assert!(error.message.contains("surname"), "{}", error.message);
}

#[test]
fn an_argument_without_a_value_is_no_graphql() {
    let error = refusal(prepare("{ person(id: 1) { friends(first: 1\n  last) { totalCount } } }"));
    assert_eq!(error.code, ErrorCode::GraphqlParseFailed);
    assert_eq!(error.locations, [Pos { line: 2, column: 3 }]);
    assert!(error.message.contains("`last`"), "{}", error.message);
}

#[test]
fn a_variable_within_a_list_has_to_fit() {
    let item = |definition: &str| prepare(&format!("query($v: {definition}) {{ echo(texts: [\"a\", $v]) }}"));
    for good in ["String! = \"b\"", "String = \"b\""] {
        assert!(item(good).is_ok(), "{good}: {:?}", item(good));
    }
    for bad in ["String", "String = null", "Int!", "[String!]!"] {
        assert_eq!(refusal(item(bad)).code, ErrorCode::GraphqlValidationFailed, "{bad}");
    }
}

#[test]
fn the_same_fault_in_several_places_is_one_error() {
    let errors = prepare("{ viewer @no { id @no } viewer @other { id } }").unwrap_err();
    let told: Vec<_> = errors.iter().map(|error| error.locations.len()).collect();
    assert_eq!(told, [2, 1], "{errors:?}");
}

#[test]
fn positions_count_characters_and_any_line_end() {
    let positions = translate::Positions::of("a😀b\r\nc\rd\ne");
    let places: Vec<_> = "a😀b\r\nc\rd\ne".char_indices().map(|(i, c)| (c, positions.0[i])).collect();
    let expected =
        [('a', (1, 1)), ('😀', (1, 2)), ('b', (1, 3)), ('\r', (1, 4)), ('\n', (1, 4)), ('c', (2, 1))];
    assert_eq!(places[..6], expected);
    assert_eq!(places[7..], [('d', (3, 1)), ('\n', (3, 2)), ('e', (4, 1))]);
}

#[test]
fn exactly_one_key_of_a_one_of_is_demanded_in_literals() {
    let literal = |action: &str| {
        prepare(&format!(
            "query($v: String $w: String! = \"\") {{ echo(action: {action}) a: echo(text: $v) b: echo(text: $w) }}"
        ))
    };
    for good in ["{wait: \"a\"}", "{jump: 1}", "{then: [{jump: 1}]}", "{wait: $w}", "null"] {
        assert!(literal(good).is_ok(), "{good}: {:?}", literal(good));
    }
    for bad in ["{}", "{wait: \"a\", jump: 1}", "{wait: null}", "{then: [{jump: 1}, {}]}", "{wait: $v}"] {
        let error = refusal(literal(bad));
        assert_eq!(error.code, ErrorCode::GraphqlValidationFailed, "{bad}");
        assert!(error.message.contains("exactly one key"), "{bad}: {}", error.message);
    }
}

#[test]
fn exactly_one_key_of_a_one_of_is_demanded_in_variables() {
    let query = "query($f: Filter) { echo(filter: $f) }";
    let given = |action: serde_json::Value| {
        bind(query, serde_json::json!({"f": {"depth": 1, "and": [{"depth": 2, "action": action}]}}))
    };
    assert!(given(serde_json::json!({"wait": "a"})).is_ok());
    for bad in [
        serde_json::json!({}),
        serde_json::json!({"wait": "a", "jump": 1}),
        serde_json::json!({"wait": null}),
    ] {
        let error = refusal(given(bad));
        assert_eq!(error.code, ErrorCode::BadUserInput);
        assert_eq!(error.path.as_deref(), Some("variables.f.and.0.action"));
    }
}

#[test]
fn variables_are_coerced_before_anything_runs() {
    let query = "query($f: Filter, $t: [String!]) { echo(filter: $f, texts: $t) }";
    let prepared = bind(query, serde_json::json!({"f": {"depth": 1}, "t": "one"})).unwrap();
    let f = prepared.request.variables.get("f").unwrap();
    assert_eq!(f.to_string(), "{depth: 1, mood: \"GOOD\"}");
    assert_eq!(prepared.request.variables.get("t").unwrap(), &Value::from(vec!["one"]));
    for bad in [
        serde_json::json!({"f": {}}),
        serde_json::json!({"f": {"depth": 1, "surname": 2}}),
        serde_json::json!({"f": {"depth": "deep"}}),
        serde_json::json!({"f": {"depth": 3_000_000_000_u64}}),
        serde_json::json!({"f": {"depth": 1, "mood": "MIXED"}}),
        serde_json::json!({"t": [null]}),
        serde_json::json!({"t": ["x".repeat(100_000), 1]}),
        serde_json::json!({"f": "x".repeat(100_000)}),
    ] {
        let error = refusal(bind(query, bad));
        assert_eq!(error.code, ErrorCode::BadUserInput);
        assert!(error.message.chars().count() <= 401);
    }
    let error = refusal(bind("mutation($n: String!) { rename(name: $n) { id } }", serde_json::json!({})));
    assert_eq!(error.code, ErrorCode::BadUserInput);
    assert_eq!(error.locations.len(), 1);
}

#[test]
fn nul_is_refused_wherever_it_hides() {
    for literal in [
        "text: \"a\\u0000\"",
        "texts: [\"\\u{0}\"]",
        "json: {a: [\"\\u0000\"]}",
        "filter: {depth: 1, text: \"\\u0000\"}",
    ] {
        let error = refusal(prepare(&format!("{{ echo({literal}) }}")));
        assert_eq!(error.code, ErrorCode::GraphqlValidationFailed, "{literal}");
        assert!(error.message.contains("U+0000"), "{literal}: {}", error.message);
    }
    refusal(prepare("query($t: String = \"\\u0000\") { echo(text: $t) }"));
    let query = "query($t: String, $j: JSON) { echo(text: $t, json: $j) }";
    for (bad, path) in [
        (serde_json::json!({"t": "a\0"}), "variables.t"),
        (serde_json::json!({"j": {"a": ["b", "\0"]}}), "variables.j.a.1"),
        (serde_json::json!({"j": {"a\0": 1}}), "variables.j"),
    ] {
        let error = refusal(bind(query, bad));
        assert_eq!(error.code, ErrorCode::BadUserInput);
        assert_eq!(error.path.as_deref(), Some(path));
    }
}

#[test]
fn escapes_of_the_current_specification_are_understood_and_lone_surrogates_refused() {
    prepare(r#"{ echo(text: "\u{1F600} \uD83D\uDE00") }"#).unwrap();
    for lone in [r"\uD800", r"\uDC00", r"\uD800\uD800", r"\uD800x", r"\u{D800}", r"\u{110000}"] {
        let error = refusal(prepare(&format!(r#"{{ echo(text: "{lone}") }}"#)));
        assert_eq!(error.code, ErrorCode::GraphqlParseFailed, "{lone}");
    }
    assert!(serde_json::from_str::<JsonMap>(r#"{"t": "\ud800"}"#).is_err());
    assert!(serde_json::from_str::<JsonMap>(r#"{"\ud800": 1}"#).is_err());
}

#[test]
fn a_variable_whose_default_is_null_stands_only_where_null_may_be() {
    for refused in [
        "mutation M($n: String = null) { a: rename(name: \"x\") { id } b: rename(name: $n) { id } }",
        "query Q($id: ID = null) { nodes(ids: [$id]) { id } }",
        "query Q($ids: [ID!] = null) { nodes(ids: $ids) { id } }",
        "query Q($depth: Int = null) { echo(filter: { depth: $depth }) }",
        "query Q($if: Boolean = null) { viewer @skip(if: $if) { id } }",
        "query Q($if: Boolean = null) { ...F @include(if: $if) } fragment F on Query { viewer { id } }",
    ] {
        assert_eq!(refusal(prepare(refused)).code, ErrorCode::GraphqlValidationFailed, "{refused}");
    }
    for accepted in [
        "query Q($text: String = null) { echo(text: $text) }",
        "query Q($limit: Int = null) { recall(limit: $limit) { id } }",
        "query Q($mood: Mood = null) { echo(filter: { depth: 1, mood: $mood }) }",
        "query Q($id: ID = \"1\") { person(id: $id) { id } }",
    ] {
        prepare(accepted).unwrap();
    }
}
