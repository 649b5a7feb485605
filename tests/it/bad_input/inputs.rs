//! Every text and every id in the input of every mutation of the schema, each made bad alone while the rest is good.
//! A mutation that is new is in here by itself.
use super::{codes, is_well};
use crate::{
    authorization::World,
    on_both,
    support::{Database, TestApp},
};
use apollo_compiler::{
    Schema,
    ast::Type,
    schema::{ExtendedType, InputObjectType},
};
use serde_json::{Map, Value, json};

/// What may be left out by the schema, and is needed all the same: one of several that do not go together.
const NEEDED: &[(&str, &str)] = &[("ImportMemoriesInput", "items")];
/// Where a megabyte is what is asked for.
const LONG: &[(&str, &str)] = &[("addDocument", "text")];

/// One place in the input of a mutation.
#[derive(Clone, Debug)]
struct Place {
    mutation: String,
    input: String,
    path: Vec<String>,
    scalar: String,
}

struct Inputs<'a> {
    schema: &'a Schema,
    world: &'a World<'a>,
}

impl Inputs<'_> {
    fn object(&self, name: &str) -> Option<&InputObjectType> {
        self.schema.types.get(name).and_then(ExtendedType::as_input_object)
    }

    /// Of all mutations, by the names of the scalars.
    fn places(&self, scalars: &[&str]) -> Vec<Place> {
        let mutations = self.schema.types["Mutation"].as_object().unwrap().fields.values();
        let mut places = vec![];
        for mutation in mutations {
            let input = mutation.argument_by_name("input").unwrap().ty.inner_named_type().to_string();
            self.collect(&mutation.name, &input, &input, &mut vec![], scalars, &mut places);
        }
        places
    }

    fn collect(
        &self,
        mutation: &str,
        input: &str,
        at: &str,
        path: &mut Vec<String>,
        scalars: &[&str],
        places: &mut Vec<Place>,
    ) {
        for (name, field) in &self.object(at).unwrap().fields {
            let ty = field.ty.inner_named_type().as_str();
            path.push(name.to_string());
            if scalars.contains(&ty) {
                let place = Place {
                    mutation: mutation.into(),
                    input: input.into(),
                    path: path.clone(),
                    scalar: ty.into(),
                };
                places.push(place);
            } else if self.object(ty).is_some() {
                self.collect(mutation, input, ty, path, scalars, places);
            }
            path.pop();
        }
    }

    /// An input with what it needs and, at `path`, `value`.
    fn with(&self, input: &str, path: &[String], value: &Value) -> Value {
        let object = self.object(input).unwrap();
        let one_of = object.directives.has("oneOf");
        let mut built = Map::new();
        for (name, field) in &object.fields {
            let given = match path.split_first() {
                Some((first, [])) if first == name.as_str() => value.clone(),
                Some((first, rest)) if first == name.as_str() => {
                    self.with(field.ty.inner_named_type(), rest, value)
                }
                _ if one_of && (!path.is_empty() || !built.is_empty()) => continue,
                _ if one_of
                    || (field.ty.is_non_null() && field.default_value.is_none())
                    || NEEDED.contains(&(input, name.as_str())) =>
                {
                    self.sample(name, field.ty.inner_named_type())
                }
                _ => continue,
            };
            built.insert(name.to_string(), in_lists(&field.ty, given));
        }
        Value::Object(built)
    }

    fn sample(&self, name: &str, ty: &str) -> Value {
        if self.object(ty).is_some() {
            return self.with(ty, &[], &Value::Null);
        }
        if let Some(values) = self.schema.types.get(ty).and_then(ExtendedType::as_enum) {
            return json!(values.values.keys().next().unwrap().as_str());
        }
        match (ty, name) {
            ("ID", name) => self.id(name),
            ("String", "email") => json!("somebody@example.org"),
            ("String", "expression" | "when") => json!("true"),
            ("String", "currency") => json!("USD"),
            ("String", "mediaType") => json!("text/plain"),
            ("Decimal", _) => json!("1"),
            ("String", _) => json!("text"),
            ("Int", _) => json!(1),
            ("Boolean", _) => json!(true),
            ("Duration", _) => json!("PT1S"),
            other => panic!("write a sample for {other:?}"),
        }
    }

    /// Of the real thing that the field is named for: `workflowId`.
    fn id(&self, field: &str) -> Value {
        let name = match field {
            "workspaceId" => "ws",
            "apiKeyId" => "key",
            "serviceAccountId" => "service",
            other => other.strip_suffix("Ids").or(other.strip_suffix("Id")).unwrap(),
        };
        let id = &self.world.variables[name];
        assert!(id.is_string(), "the world has no {name}, for {field}");
        id.clone()
    }
}

fn in_lists(ty: &Type, value: Value) -> Value {
    if ty.is_list() { json!([in_lists(ty.item_type(), value)]) } else { value }
}

async fn ask(app: &TestApp, inputs: &Inputs<'_>, place: &Place, value: &Value) -> Value {
    let Place { mutation, input, path, .. } = place;
    let document = format!(
        "mutation($input: {input}!) {{ {mutation}(input: $input) {{ userErrors {{ code message }} }} }}"
    );
    let variables = json!({ "input": inputs.with(input, path, value) });
    app.ask(Some(&app.owner.token), &document, variables).await
}

fn schema() -> Schema {
    Schema::parse(include_str!("../../../schema.graphql"), "schema.graphql").unwrap()
}

on_both! {
    async fn a_megabyte_of_text_is_refused_wherever_a_mutation_takes_text(app: TestApp) {
        let world = World::new(&app).await;
        let inputs = Inputs { schema: &schema(), world: &world };
        let (before, long) = (world.trace().await, json!("x".repeat(1_000_000)));
        let places = inputs.places(&["String", "ID"]);
        assert!(places.len() > 40, "{places:#?}");
        let takes = |place: &Place| LONG.iter().any(|(mutation, path)| *mutation == place.mutation && place.path == [*path]);
        for place in places.iter().filter(|place| !takes(place)) {
            let answer = ask(&app, &inputs, place, &long).await;
            let codes = codes(&answer);
            assert!(!codes.is_empty(), "{place:?} takes it: {answer:#}");
            let typed = ["INVALID", "BAD_USER_INPUT", "INVALID_CURSOR", "LIMIT_REACHED"];
            assert!(codes.iter().all(|code| typed.contains(&code.as_str())), "{place:?}: {codes:?}");
            assert!(answer.to_string().len() < 4_000, "{place:?} is answered at length");
            assert_eq!(world.trace().await, before, "{place:?} left a trace");
        }
    }
}

on_both! {
    async fn ids_that_are_wrong_are_told_from_those_that_lead_nowhere(app: TestApp) {
        let world = World::new(&app).await;
        let inputs = Inputs { schema: &schema(), world: &world };
        let before = world.trace().await;
        for place in inputs.places(&["ID"]).into_iter().filter(|place| place.path.last().unwrap() != "clientId") {
            let good = inputs.id(place.path.last().unwrap());
            let good = good.as_str().unwrap();
            let other = world.variables[if good.starts_with("ws_") { "user" } else { "ws" }].clone();
            let cut = &good[..good.len() - 1];
            let (prefix, _) = good.rsplit_once('_').unwrap();
            for bad in [json!(""), json!("?"), json!(cut), json!(prefix), json!(format!("{good}0")), json!(good.to_uppercase()), other, json!(1), json!("' OR 1=1; --"), json!("\u{feff}")] {
                let answer = ask(&app, &inputs, &place, &bad).await;
                assert_eq!(codes(&answer), ["BAD_USER_INPUT"], "{place:?} {bad}: {answer:#}");
            }
            // Well formed, of nothing that there is: 26 characters of which the first is at most 7.
            let nothing = json!(format!("{prefix}_{}", "0".repeat(26)));
            let answer = ask(&app, &inputs, &place, &nothing).await;
            let codes = codes(&answer);
            assert!(codes == ["NOT_FOUND"] || codes == ["INVALID"], "{place:?} {nothing}: {answer:#}");
            assert_eq!(world.trace().await, before, "{place:?} left a trace");
        }
        is_well(&app).await;
    }
}

on_both! {
    async fn nul_is_refused_wherever_a_mutation_takes_text_or_free_data(app: TestApp) {
        let world = World::new(&app).await;
        let inputs = Inputs { schema: &schema(), world: &world };
        let before = world.trace().await;
        for place in inputs.places(&["String", "ID", "JSON"]) {
            let nul = if place.scalar == "JSON" { json!({ "a": ["b\u{0}"] }) } else { json!("a\u{0}b") };
            let answer = ask(&app, &inputs, &place, &nul).await;
            assert_eq!(codes(&answer), ["BAD_USER_INPUT"], "{place:?}: {answer:#}");
            let path = answer["errors"][0]["extensions"]["inputPath"].as_str().unwrap_or_default();
            assert!(path.starts_with("variables.input."), "{place:?}: {answer:#}");
        }
        assert_eq!(world.trace().await, before);
    }
}

#[tokio::test]
async fn a_text_that_shows_nothing_is_none() {
    let app = TestApp::start(Database::sqlite()).await;
    let remember = "mutation($ws: ID!, $text: String!) { remember(input: {workspaceId: $ws, text: $text}) {
        memory { id } userErrors { code field } } }";
    for blank in ["", " \t", "\u{200b}", "\u{feff}\u{2060}\u{ad}", "\u{a0}\u{3000}\u{202e}"] {
        let answer = app.ok(&app.owner, remember, json!({ "ws": app.workspace, "text": blank })).await;
        assert_eq!(
            answer["remember"]["userErrors"],
            json!([{ "code": "INVALID", "field": "text" }]),
            "{blank:?}"
        );
    }
    // Within a text they have their use.
    let answer = app.ok(&app.owner, remember, json!({ "ws": app.workspace, "text": "👩\u{200d}💻" })).await;
    assert!(answer["remember"]["memory"]["id"].is_string(), "{answer:#}");
}

#[tokio::test]
async fn a_name_or_an_address_that_reads_as_another_is_refused() {
    let app = TestApp::start(Database::sqlite()).await;
    let invite = "mutation($ws: ID!, $text: String!) { inviteMember(input: {workspaceId: $ws, role: VIEWER, email: $text}) {
        userErrors { code field } } }";
    let create =
        "mutation($text: String!) { createWorkspace(input: {name: $text}) { userErrors { code field } } }";
    for bad in
        ["a\u{202e}b@example.org", "a\u{7}b@example.org", "a\u{2066}@example.org", "a@exam\u{1b}ple.org"]
    {
        let answer = app.ok(&app.owner, invite, json!({ "ws": app.workspace, "text": bad })).await;
        let expected = json!([{ "code": "INVALID", "field": "email" }]);
        assert_eq!(answer["inviteMember"]["userErrors"], expected, "{bad:?}");
        let answer = app.ok(&app.owner, create, json!({ "text": bad })).await;
        let expected = json!([{ "code": "INVALID", "field": "name" }]);
        assert_eq!(answer["createWorkspace"]["userErrors"], expected, "{bad:?}");
    }
    // Languages and faces have their signs.
    let answer = app.ok(&app.owner, create, json!({ "text": "می\u{200c}خواهم 👩\u{200d}💻 שלום" })).await;
    assert_eq!(answer["createWorkspace"]["userErrors"], json!([]));
}

on_both! {
    /// As many as a statement has values for would else be an internal error, on one of the two databases.
    async fn a_filter_may_name_a_value_however_often(app: TestApp) {
        let asked = "query($ws: ID!, $items: [ActionItemStatus!], $runs: [RunStatus!], $kinds: [MemoryKind!]) {
            workspace(id: $ws) { actionItems(filter: {status: $items}) { nodes { id } }
                runs(filter: {status: $runs}) { nodes { id } } memories(filter: {kinds: $kinds}) { nodes { id } } } }";
        for list in ["items", "runs", "kinds"] {
            let mut variables = json!({ "ws": app.workspace, "items": ["OPEN"], "runs": ["RUNNING"], "kinds": ["FACT"] });
            let value = variables[list][0].clone();
            variables[list] = json!(vec![value; 40_000]);
            let found = app.ok(&app.owner, asked, variables).await;
            assert_eq!(found["workspace"]["actionItems"]["nodes"], json!([]), "{list}");
        }
    }
}
