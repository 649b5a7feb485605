//! Who may do what, for each root field and each type with ids of its own, whatever slice brings them. What is in
//! the schema and has no case in `authorization/cases.rs` fails here by its name.
mod cases;
mod viewer_can;
mod world;

use crate::on_both;
use apollo_compiler::{Schema, schema::ExtendedType};
use cases::{Case, May, NODES};
use serde_json::{Value, json};
use std::collections::BTreeSet;
pub use world::World;

fn schema() -> Schema {
    Schema::parse(include_str!("../../schema.graphql"), "schema.graphql").unwrap()
}

/// `Mutation.remember` and the like.
fn root_fields(schema: &Schema) -> BTreeSet<String> {
    ["Query", "Mutation", "Subscription"]
        .iter()
        .flat_map(|root| {
            let fields =
                schema.types.get(*root).and_then(ExtendedType::as_object).map(|object| &object.fields);
            fields.into_iter().flat_map(|fields| fields.keys()).map(move |field| format!("{root}.{field}"))
        })
        .collect()
}

fn node_types(schema: &Schema) -> BTreeSet<String> {
    let objects = schema.types.iter().filter_map(|(name, ty)| Some((name, ty.as_object()?)));
    objects
        .filter(|(_, object)| {
            object.implements_interfaces.iter().any(|interface| interface.as_str() == "Node")
        })
        .map(|(name, _)| name.to_string())
        .collect()
}

#[test]
fn every_root_field_has_an_authorisation_case() {
    let cased: BTreeSet<_> = cases::all().iter().map(|case| case.field.to_owned()).collect();
    let fields = root_fields(&schema());
    let without: Vec<_> = fields.difference(&cased).collect();
    assert!(without.is_empty(), "write a case in tests/it/authorization/cases.rs for {without:?}");
    let stale: Vec<_> = cased.difference(&fields).collect();
    assert!(stale.is_empty(), "the schema has no {stale:?}");
}

#[test]
fn every_node_type_has_an_authorisation_case() {
    let cased: BTreeSet<_> = NODES.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(node_types(&schema()), cased, "write a line in NODES of tests/it/authorization/cases.rs");
}

on_both! {
    async fn a_root_field_is_for_who_may_and_for_nobody_else(app: TestApp) {
        let world = World::new(&app).await;
        let before = world.trace().await;
        for case in cases::all() {
            let code = world.code_of(&case, None).await;
            assert_eq!(code.as_deref(), Some("UNAUTHENTICATED"), "{}: anonymous", case.field);
            strangers_see_nothing(&world, &case).await;
            viewers_change_nothing(&world, &case).await;
        }
        assert_eq!(world.trace().await, before, "somebody who was refused left a trace");
        // Else a case could be refused for a slip in its document.
        for case in cases::all() {
            let code = world.code_of(&case, Some(&app.owner)).await;
            assert_eq!(code, None, "{}: the owner", case.field);
        }
    }
}

async fn strangers_see_nothing(world: &World<'_>, case: &Case) {
    if let May::Everybody(_) = case.stranger {
        return;
    }
    let answer = world.ask(case, Some(&world.stranger)).await;
    let code = code(&answer);
    assert!(
        code == Some("NOT_FOUND") || code.is_none() && is_hidden(&answer["data"][case.name()]),
        "{}: another tenant's owner\n{answer:#}",
        case.field
    );
}

async fn viewers_change_nothing(world: &World<'_>, case: &Case) {
    let code = world.code_of(case, Some(&world.viewer)).await;
    match case.viewer {
        May::Nobody => assert_eq!(code.as_deref(), Some("FORBIDDEN"), "{}: a viewer", case.field),
        May::Unseen => assert_eq!(code.as_deref(), Some("NOT_FOUND"), "{}: a viewer", case.field),
        May::Everybody(why) => assert_eq!(code, None, "{}: a viewer, for {why}", case.field),
    }
}

/// The code of the answer's first error.
fn code(answer: &Value) -> Option<&str> {
    let error = answer.pointer("/errors/0")?;
    Some(error.pointer("/extensions/code").and_then(Value::as_str).unwrap_or("an error without code"))
}

fn is_hidden(value: &Value) -> bool {
    value.as_array().map_or(value.is_null(), |items| items.iter().all(Value::is_null))
}

on_both! {
    async fn a_node_is_for_its_tenant_alone(app: TestApp) {
        let world = World::new(&app).await;
        let document = "query($id: ID!) { node(id: $id) { __typename id } nodes(ids: [$id]) { id } }";
        for (name, key) in NODES {
            let id = world.variables[*key].clone();
            let variables = json!({ "id": id });
            let anonymous = app.ask(None, document, variables.clone()).await;
            assert_eq!(code(&anonymous), Some("UNAUTHENTICATED"), "{name}: anonymous");
            let hidden = app.ok(&world.stranger, document, variables.clone()).await;
            assert_eq!(hidden, json!({ "node": null, "nodes": [null] }), "{name}: another tenant's owner");
            let shown = app.ok(&app.owner, document, variables).await;
            let expected = json!({ "node": { "__typename": name, "id": id }, "nodes": [{ "id": id }] });
            assert_eq!(shown, expected, "{name}: the owner");
        }
    }
}
