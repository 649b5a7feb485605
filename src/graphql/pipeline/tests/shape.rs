//! Random documents over a schema whose fields fail, and come late, answered by async-graphql behind the pipeline and,
//! as the judge, by apollo-compiler's own execution.
mod writer;

use super::limits;
use crate::{
    config::Limits,
    graphql::pipeline::{JsonMap, Pipeline},
    graphql_kit::{ApiError, AtOnce, ErrorCode, List, whole},
};
use apollo_compiler::{
    ExecutableDocument, Schema as ApolloSchema,
    resolvers::{Execution, FieldError, ObjectValue, ResolveInfo, ResolvedValue},
    response::JsonValue,
    validation::Valid,
};
use async_graphql::{
    EmptyMutation, EmptySubscription, Interface, Object, PathSegment, Request, Response, Schema, Union,
    ValidationMode, Value,
};
use proptest::prelude::*;
use std::collections::BTreeSet;
use writer::Writer;

type Failing<T> = Result<T, ApiError>;

fn failure<T>() -> Failing<T> {
    Err(ApiError::new(ErrorCode::Internal, "failed"))
}

async fn later(turns: Option<i32>) {
    for _ in 0..turns.unwrap_or(0) {
        tokio::task::yield_now().await;
    }
}

/// By its place in a list.
#[derive(Clone, Copy)]
struct Thing(i32);

#[Object]
impl Thing {
    async fn n(&self, late: Option<i32>) -> i32 {
        later(late).await;
        1
    }
    async fn none(&self, late: Option<i32>) -> Option<i32> {
        later(late).await;
        None
    }
    async fn fails(&self, late: Option<i32>) -> Failing<Option<i32>> {
        later(late).await;
        failure()
    }
    async fn fails_hard(&self, late: Option<i32>) -> Failing<i32> {
        later(late).await;
        failure()
    }
    /// Fails in every second one of a list.
    async fn odd(&self, late: Option<i32>) -> Failing<Option<i32>> {
        later(late).await;
        if self.0 % 2 == 1 { failure() } else { Ok(Some(self.0)) }
    }
    async fn odd_hard(&self, late: Option<i32>) -> Failing<i32> {
        later(late).await;
        if self.0 % 2 == 1 { failure() } else { Ok(self.0) }
    }
    async fn thing(&self, late: Option<i32>) -> Option<Thing> {
        later(late).await;
        Some(Self(0))
    }
    async fn hard_thing(&self, late: Option<i32>) -> Thing {
        later(late).await;
        Self(0)
    }
    async fn things(&self, late: Option<i32>) -> List<Thing> {
        later(late).await;
        (0..2).map(Self).collect()
    }
    async fn maybe_things(&self, late: Option<i32>) -> Option<Vec<Option<Thing>>> {
        later(late).await;
        Some(vec![Some(Self(0)), None, Some(Self(2))])
    }
    async fn any(&self, late: Option<i32>) -> Option<Any> {
        later(late).await;
        Some(Any::Other(Other))
    }
    async fn anys(&self, late: Option<i32>) -> Vec<Any> {
        later(late).await;
        vec![Any::Thing(Self(0)), Any::Other(Other)]
    }
    async fn counted(&self, late: Option<i32>) -> Counted {
        later(late).await;
        Counted::Other(Other)
    }
    async fn either(&self, late: Option<i32>) -> Option<Either> {
        later(late).await;
        Some(Either::Other(Other))
    }
    async fn eithers(&self, late: Option<i32>) -> Vec<Either> {
        later(late).await;
        vec![Either::Thing(Self(0)), Either::Other(Other)]
    }
}

#[derive(Clone, Copy)]
struct Other;

#[Object]
impl Other {
    async fn n(&self, late: Option<i32>) -> i32 {
        later(late).await;
        2
    }
    async fn fails(&self, late: Option<i32>) -> Failing<Option<i32>> {
        later(late).await;
        failure()
    }
    async fn thing(&self, late: Option<i32>) -> Option<Thing> {
        later(late).await;
        Some(Thing(0))
    }
}

#[derive(Interface)]
#[expect(clippy::duplicated_attributes, reason = "two fields have an argument of the same name")]
#[graphql(
    field(name = "n", ty = "i32", arg(name = "late", ty = "Option<i32>")),
    field(name = "thing", ty = "Option<Thing>", arg(name = "late", ty = "Option<i32>"))
)]
enum Any {
    Thing(Thing),
    Other(Other),
}

/// Of the same objects, with less in it.
#[derive(Interface)]
#[graphql(field(name = "n", ty = "i32", arg(name = "late", ty = "Option<i32>")))]
enum Counted {
    Thing(Thing),
    Other(Other),
}

#[derive(Union)]
enum Either {
    Thing(Thing),
    Other(Other),
}

/// What the resolvers above give, for the judge.
struct Judged(&'static str, i32);

impl ObjectValue for Judged {
    fn type_name(&self) -> &str {
        self.0
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Result<ResolvedValue<'a>, FieldError> {
        let object = |ty| ResolvedValue::Object(Box::new(Judged(ty, 0)));
        let list = |items: Vec<Option<&'static str>>| {
            let item = move |(place, ty): (i32, Option<&'static str>)| {
                Ok(ty.map_or(ResolvedValue::Leaf(JsonValue::Null), |ty| {
                    ResolvedValue::Object(Box::new(Judged(ty, place)))
                }))
            };
            ResolvedValue::List(Box::new((0..).zip(items).map(item)))
        };
        Ok(match info.field_name() {
            "n" => ResolvedValue::Leaf(if self.0 == "Thing" { 1 } else { 2 }.into()),
            "none" => ResolvedValue::Leaf(JsonValue::Null),
            "odd" | "oddHard" if self.1 % 2 == 0 => ResolvedValue::Leaf(self.1.into()),
            "thing" | "hardThing" => object("Thing"),
            "things" => list(vec![Some("Thing"), Some("Thing")]),
            "maybeThings" => list(vec![Some("Thing"), None, Some("Thing")]),
            "any" | "counted" | "either" => object("Other"),
            "anys" | "eithers" => list(vec![Some("Thing"), Some("Other")]),
            _ => return Err(FieldError { message: "failed".to_owned() }),
        })
    }
}

struct Both {
    schema: Schema<Thing, EmptyMutation, EmptySubscription>,
    pipeline: Pipeline,
    apollo: Valid<ApolloSchema>,
    runtime: tokio::runtime::Runtime,
}

impl Both {
    fn new() -> Self {
        let schema = Schema::build(Thing(0), EmptyMutation, EmptySubscription)
            .validation_mode(ValidationMode::Fast)
            .finish();
        let sdl = schema.sdl();
        Self {
            pipeline: Pipeline::new(&sdl, Limits { directives: 10_000, root_fields: 10_000, ..limits() })
                .unwrap(),
            apollo: ApolloSchema::parse_and_validate(sdl, "schema.graphql").unwrap(),
            runtime: tokio::runtime::Builder::new_current_thread().build().unwrap(),
            schema,
        }
    }

    fn ours(&self, document: &str, variables: &JsonMap) -> Response {
        self.executed(document, variables, |request| request)
    }

    /// As it is written, parts of it as soon as they are made.
    fn at_once(&self, document: &str, variables: &JsonMap) -> String {
        let response = self.executed(document, variables, |request| request.data(AtOnce));
        written(&response.data)
    }

    fn executed(&self, document: &str, variables: &JsonMap, with: impl Fn(Request) -> Request) -> Response {
        let prepared = self.pipeline.prepare(document, None, variables).unwrap();
        let mut response = self.runtime.block_on(self.schema.execute(with(prepared.request)));
        prepared.shape.complete(&mut response);
        response
    }

    /// Data as text, for the order counts; and the places that became null by an error.
    fn judged(&self, document: &str, variables: &JsonMap) -> (String, BTreeSet<String>) {
        let document = ExecutableDocument::parse_and_validate(&self.apollo, document, "document").unwrap();
        let execution = Execution::new(&self.apollo, &document).raw_variable_values(variables);
        let response = execution.execute_sync(&Judged("Thing", 0)).unwrap();
        let answer = serde_json::to_value(&response).unwrap();
        let paths = answer.get("errors").and_then(|errors| errors.as_array()).cloned().unwrap_or_default();
        let nulls = paths.iter().map(|error| {
            let path = error["path"].as_array().unwrap();
            let steps = path.iter().map(|step| step.as_str().map_or_else(|| step.to_string(), str::to_owned));
            null_on(&answer["data"], steps.collect())
        });
        (serde_json::to_string(&response.data).unwrap(), nulls.collect())
    }
}

fn written(value: &Value) -> String {
    let mut json = vec![];
    whole(value, &mut json).unwrap();
    String::from_utf8(json).unwrap()
}

/// Where on the way down the path the data ends in null.
fn null_on(data: &serde_json::Value, path: Vec<String>) -> String {
    let (mut at, mut way) = (data, String::new());
    for step in path {
        if at.is_null() {
            return way;
        }
        at = match step.parse::<usize>() {
            Ok(index) if at.is_array() => &at[index],
            _ => at.get(&step).unwrap_or_else(|| panic!("no {step} after {way} in {data}")),
        };
        way = format!("{way}/{step}");
    }
    assert!(at.is_null(), "{way} failed and is not null in {data}");
    way
}

fn given() -> JsonMap {
    super::variables(serde_json::json!({ "yes": true }))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_answer_has_the_documents_form_whatever_fails_or_comes_late(choices in prop::collection::vec(any::<u8>(), 0..200)) {
        thread_local!(static BOTH: Both = Both::new());
        let document = Writer(choices.iter()).document();
        BOTH.with(|both| -> Result<(), TestCaseError> {
            let response = both.ours(&document, &given());
            let (data, nulls) = both.judged(&document, &given());
            prop_assert_eq!(serde_json::to_string(&response.data).unwrap(), &data[..], "{}", document);
            prop_assert_eq!(both.at_once(&document, &given()), data, "at once: {}", document);
            let told: Vec<_> = response.errors.iter().map(|error| {
                let steps = error.path.iter().map(|step| match step {
                    PathSegment::Field(name) => name.clone(),
                    PathSegment::Index(index) => index.to_string(),
                });
                null_on(&serde_json::to_value(&response.data).unwrap(), steps.collect())
            }).collect();
            prop_assert_eq!(told.len(), told.iter().collect::<BTreeSet<_>>().len(), "an error twice: {}", document);
            prop_assert_eq!(told.into_iter().collect::<BTreeSet<_>>(), nulls, "{}", document);
            Ok(())
        })?;
    }
}

#[track_caller]
fn assert_answer(document: &str, data: &str, errors: &[&str]) {
    let both = Both::new();
    let response = both.ours(document, &JsonMap::new());
    assert_eq!(serde_json::to_string(&response.data).unwrap(), data, "{document}");
    let paths: Vec<_> = response.errors.iter().map(|e| serde_json::to_string(&e.path).unwrap()).collect();
    assert_eq!(paths, errors, "{document}");
}

#[test]
fn keys_stand_in_the_order_of_the_document_whatever_comes_first() {
    assert_answer(
        "{ b: n(late: 3) a: n thing(late: 2) { n2: n(late: 2) n } }",
        r#"{"b":1,"a":1,"thing":{"n2":1,"n":1}}"#,
        &[],
    );
    assert_answer(
        "{ thing { n(late: 1) } none thing { __typename n(late: 1) } }",
        r#"{"thing":{"n":1,"__typename":"Thing"},"none":null}"#,
        &[],
    );
}

/// Else nothing here would be seen of it.
#[test]
fn a_list_of_plain_fields_is_written_where_it_is_made_and_one_in_which_something_failed_is_not() {
    let both = Both::new();
    let is_written = |document: &str| {
        let response = both.executed(document, &JsonMap::new(), |request| request.data(AtOnce));
        let Value::Object(data) = &response.data else { panic!("no object: {response:?}") };
        matches!(data["things"], Value::Binary(_))
    };
    assert!(is_written(
        "{ things { n(late: 1) none things { n thing { n __typename } } anys: maybeThings { n } } }"
    ));
    assert!(is_written("{ things { __typename n } fails }"));
    assert!(!is_written("{ things { fails } }"));
    assert!(!is_written("{ things { n odd } }"), "of one item of two");
    assert!(!is_written("{ things { things { fails } } }"));
    assert!(!is_written("{ things { any { n ... on Thing { none } } } }"));
    let unasked = both.ours("{ things { n } }", &JsonMap::new());
    assert!(matches!(&unasked.data, Value::Object(data) if matches!(data["things"], Value::List(_))));
}

#[test]
fn what_fails_alone_is_null() {
    assert_answer("{ n fails none }", r#"{"n":1,"fails":null,"none":null}"#, &[r#"["fails"]"#]);
    assert_answer("{ thing { fails } }", r#"{"thing":{"fails":null}}"#, &[r#"["thing","fails"]"#]);
    assert_answer("{ fails }", r#"{"fails":null}"#, &[r#"["fails"]"#]);
    assert_answer(
        "{ things { a: fails } }",
        r#"{"things":[{"a":null},{"a":null}]}"#,
        &[r#"["things",0,"a"]"#, r#"["things",1,"a"]"#],
    );
}

#[test]
fn what_must_not_be_null_takes_the_nearest_that_may_be_with_one_error() {
    assert_answer("{ n thing { n failsHard } }", r#"{"n":1,"thing":null}"#, &[r#"["thing","failsHard"]"#]);
    assert_answer(
        "{ thing { hardThing { failsHard(late: 1) b: failsHard n } } }",
        r#"{"thing":null}"#,
        &[r#"["thing","hardThing","failsHard"]"#],
    );
    assert_answer(
        "{ maybeThings { failsHard } n }",
        r#"{"maybeThings":[null,null,null],"n":1}"#,
        &[r#"["maybeThings",0,"failsHard"]"#, r#"["maybeThings",2,"failsHard"]"#],
    );
    assert_answer("{ n things { n failsHard } }", "null", &[r#"["things",0,"failsHard"]"#]);
}

#[test]
fn an_object_of_which_nothing_was_asked_is_empty() {
    assert_answer(
        "{ thing { n @skip(if: true) } any { ... on Thing { n } } }",
        r#"{"thing":{},"any":{}}"#,
        &[],
    );
    assert_answer("{ n @include(if: false) }", "{}", &[]);
}

/// What is asked twice is done once.
#[test]
fn repeated_fields_are_executed_once() {
    let prepared = super::prepare("mutation { rename(name: \"a\") { id } ...M } fragment M on Mutation { rename(name: \"a\") { name } }").unwrap();
    let mut request = prepared.request;
    let executed = &request.parsed_query().unwrap().operations;
    let (_, operation) = executed.iter().next().unwrap();
    assert_eq!(operation.node.selection_set.node.items.len(), 1);
}

/// A set on an interface is written once for each kind of object; within each other they multiply.
#[test]
fn fragments_on_interfaces_are_bounded() {
    let sdl = Both::new().schema.sdl();
    let pipeline = Pipeline::new(&sdl, Limits { selections: 60, cost: u64::MAX, ..limits() }).unwrap();
    let fields: String = (0..24).map(|i| format!("a{i}: n ")).collect();
    let nested = |levels: usize, close: &str| {
        format!("{{ {}{fields}{} }}", "any { thing { ".repeat(levels), close.repeat(levels))
    };
    let prepare = |document: String| pipeline.prepare(&document, None, &JsonMap::new());
    // Of each type something else is asked, below the same field: it is written for each.
    let apart = "} ... on Thing { thing { n } } }";
    prepare(nested(3, apart)).unwrap();
    // What is asked of all alike is not.
    prepare(nested(5, "} ... on Thing { n } }")).unwrap();
    let error = prepare(nested(5, apart)).unwrap_err().remove(0);
    assert_eq!(error.code, ErrorCode::QueryTooComplex);
    assert!(error.message.contains("interfaces"), "{}", error.message);
}

#[test]
fn the_objects_of_an_answer_are_counted_whatever_its_types_are() {
    let mut both = Both::new();
    let weights = [("Thing.things".to_owned(), 50)].into();
    both.pipeline = Pipeline::new(&both.schema.sdl(), Limits { weights, ..limits() }).unwrap();
    let count = |document: &str| {
        let prepared = both.pipeline.prepare(document, None, &JsonMap::default()).unwrap();
        prepared.shape.count(&both.runtime.block_on(both.schema.execute(prepared.request)))
    };
    assert_eq!(count("{ n none fails }"), 0);
    assert_eq!(count("{ __typename __schema { types { name } } }"), 0);
    assert_eq!(count("{ thing { n } a: thing { n hardThing { n } } }"), 3);
    assert_eq!(count("{ maybeThings { n thing { n } } }"), 4);
    assert_eq!(count("{ anys { n ... on Other { thing { n } } } any { ... on Thing { n } } }"), 4);
    assert_eq!(count("{ thing { things { n thing { n } } } }"), 1 + 50 + 2);
    assert_eq!(count("{ thing { failsHard thing { n } } }"), 2, "what was fetched and not shown");
}
