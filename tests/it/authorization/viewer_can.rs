//! `viewerCan` holds what it says: for each mutation, by the table of cases, as each role, of one's own things and of
//! others', with each scope of a key.
use super::{
    World,
    cases::{self, NODES},
    code, schema,
};
use crate::{
    counted_on_both, on_both,
    support::{Person, TestApp, text},
};
use apollo_compiler::{
    Schema,
    schema::{ExtendedType, ObjectType},
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Mutations that are about nothing that the caller sees yet.
const OF_NOTHING: &[(&str, &str)] = &[("acceptInvitation", "the token is the leave")];

fn object<'s>(schema: &'s Schema, name: &str) -> &'s ObjectType {
    schema.types.get(name).and_then(ExtendedType::as_object).unwrap()
}

/// The type whose `viewerCan` tells of it, by the mutation's name.
fn told_by(schema: &Schema) -> BTreeMap<String, String> {
    let mut told = BTreeMap::new();
    for (name, ty) in &schema.types {
        let Some(can) = ty.as_object().and_then(|object| object.fields.get("viewerCan")) else { continue };
        assert_eq!(can.ty.to_string(), format!("{name}ViewerCan!"));
        for (mutation, field) in &object(schema, can.ty.inner_named_type()).fields {
            assert_eq!(field.ty.to_string(), "Boolean!", "{name}.viewerCan.{mutation}");
            let twice = told.insert(mutation.to_string(), name.to_string());
            assert_eq!(twice, None, "{mutation} is told of twice");
        }
    }
    told
}

#[test]
fn every_mutation_is_told_of_by_what_it_is_about() {
    let schema = schema();
    let told: BTreeSet<_> = told_by(&schema).into_keys().collect();
    let mutations = object(&schema, "Mutation").fields.keys().map(ToString::to_string);
    let exempt = |name: &String| OF_NOTHING.iter().any(|(of, _)| of == name);
    assert_eq!(told, mutations.filter(|name| !exempt(name)).collect());
}

/// What `viewerCan` of the thing says; `None` where the person does not see the thing.
async fn told(app: &TestApp, person: &Person, id: &Value, ty: &str, mutation: &str) -> Option<bool> {
    let document =
        format!("query($id: ID!) {{ node(id: $id) {{ ... on {ty} {{ viewerCan {{ {mutation} }} }} }} }}");
    let data = app.ok(person, &document, json!({ "id": id })).await;
    data["node"]["viewerCan"][mutation].as_bool()
}

/// Whether it was refused for want of a right; whatever else may be in its way.
fn is_refused(answer: &Value) -> bool {
    match code(answer) {
        None => false,
        Some("FORBIDDEN" | "NOT_FOUND") => true,
        Some(other) => panic!("{other}: {answer:#}"),
    }
}

/// Asks for the right, then does it, for each mutation that is told of.
async fn holds(app: &TestApp, world: &World<'_>, person: &Person, who: &str) {
    let by = told_by(&schema());
    for case in cases::all().into_iter().filter(|case| case.field.starts_with("Mutation.")) {
        let Some(ty) = by.get(case.name()) else { continue };
        let id = match ty.as_str() {
            // About oneself, whoever made the world.
            "Viewer" => json!(person.id),
            ty => world.variables[NODES.iter().find(|(name, _)| *name == ty).unwrap().1].clone(),
        };
        let told = told(app, person, &id, ty, case.name()).await;
        let answer = world.ask(&case, Some(person)).await;
        let refused = is_refused(&answer);
        assert_eq!(told.unwrap_or(false), !refused, "{}: {who}, told {told:?}\n{answer:#}", case.field);
    }
}

async fn change_role(app: &TestApp, membership: &str, role: &str) {
    let change = "mutation($m: ID!, $role: Role!) { changeRole(input: {membershipId: $m, role: $role}) {
        userErrors { code } } }";
    let changed = app.ok(&app.owner, change, json!({ "m": membership, "role": role })).await;
    assert_eq!(changed["changeRole"]["userErrors"], json!([]));
}

/// The same person with a key of this scope alone.
async fn limited(app: &TestApp, person: &Person, input: Value) -> Person {
    let create = "mutation($input: CreateApiKeyInput!) { createApiKey(input: $input) { token } }";
    let made = app.ok(person, create, json!({ "input": input })).await;
    Person { id: person.id.clone(), token: text(&made, "/createApiKey/token") }
}

on_both! {
    async fn what_the_viewer_can_is_what_is_not_refused_to_them(app: TestApp) {
        for role in ["OWNER", "ADMIN", "MEMBER", "VIEWER"] {
            let maker = app.person("Mia Maker").await;
            let membership = app.join(&maker, "ADMIN").await;
            let world = World::made_by(&app, &maker).await;
            change_role(&app, &membership, role).await;
            holds(&app, &world, &maker, &format!("{role}, of what they made themselves")).await;
        }
        for role in ["OWNER", "ADMIN", "MEMBER", "VIEWER"] {
            let world = World::made_by(&app, &app.owner).await;
            let person = app.person("Nils Newcomer").await;
            app.join(&person, role).await;
            holds(&app, &world, &person, &format!("{role}, of what another made")).await;
        }
    }
}

on_both! {
    async fn what_a_key_and_a_service_account_can_is_what_is_not_refused_to_them(app: TestApp) {
        for scopes in [json!(["READ"]), json!(["READ", "WRITE"])] {
            let world = World::made_by(&app, &app.owner).await;
            let key = limited(&app, &app.owner, json!({ "name": "k", "scopes": scopes })).await;
            holds(&app, &world, &key, &format!("the owner with a key for {scopes}")).await;
        }
        let world = World::made_by(&app, &app.owner).await;
        let confined = json!({ "name": "k", "scopes": ["ADMIN"], "workspaceId": app.workspace });
        let key = limited(&app, &app.owner, confined).await;
        holds(&app, &world, &key, "the owner with a key for one workspace").await;

        let world = World::made_by(&app, &app.owner).await;
        let make = "mutation($ws: ID!) { createServiceAccount(input: {workspaceId: $ws, name: \"Robot\", role: ADMIN}) {
            serviceAccount { id } } }";
        let made = app.ok(&app.owner, make, json!({ "ws": app.workspace })).await;
        let id = text(&made, "/createServiceAccount/serviceAccount/id");
        let input = json!({ "name": "k", "scopes": ["ADMIN"], "serviceAccountId": id });
        let Person { token, .. } = limited(&app, &app.owner, input).await;
        holds(&app, &world, &Person { id, token }, "a service account, ADMIN").await;
    }
}

on_both! {
    async fn owners_come_and_go_by_owners_alone_and_everybody_is_told_so(app: TestApp) {
        let remove = "mutation($m: ID!) { removeMember(input: {membershipId: $m}) { userErrors { code } } }";
        let same = "mutation($m: ID!, $role: Role!) { changeRole(input: {membershipId: $m, role: $role}) {
            userErrors { code } } }";
        for role in ["OWNER", "ADMIN", "MEMBER", "VIEWER"] {
            for target in ["OWNER", "ADMIN", "MEMBER", "themselves"] {
                let person = app.person("Nils Newcomer").await;
                let own = app.join(&person, role).await;
                let (membership, target_role) = match target {
                    "themselves" => (own, role),
                    other => (app.join(&app.person("Tia Target").await, other).await, other),
                };
                let who = format!("{role} of {target}");
                let id = json!(membership);
                let change = told(&app, &person, &id, "Membership", "changeRole").await.unwrap();
                let variables = json!({ "m": membership, "role": target_role });
                let answer = app.ask(Some(&person.token), same, variables).await;
                assert_eq!(change, !is_refused(&answer), "changeRole: {who}\n{answer:#}");
                let can = told(&app, &person, &id, "Membership", "removeMember").await.unwrap();
                let answer = app.ask(Some(&person.token), remove, json!({ "m": membership })).await;
                assert_eq!(can, !is_refused(&answer), "removeMember: {who}\n{answer:#}");
            }
        }
    }
}

counted_on_both! {
    async fn to_be_told_what_one_can_costs_no_statement(app: TestApp) {
        let make = "mutation($ws: ID!) { remember(input: {workspaceId: $ws, text: \"x\"}) { memory { id } }
            createGoal(input: {workspaceId: $ws, title: \"Run\"}) { goal { id } }
            startCoachingSession(input: {workspaceId: $ws}) { session { id } }
            createWorkflow(input: {workspaceId: $ws, name: \"W\", graph: {steps: [
                {key: \"a\", action: {transform: {expression: \"1\"}}}]}}) { workflow { id } } }";
        let ws = json!({ "ws": app.workspace });
        let made = app.ok(&app.owner, make, ws.clone()).await;
        let publish = json!({ "w": made["createWorkflow"]["workflow"]["id"] });
        app.ok(&app.owner, "mutation($w: ID!) { publishWorkflow(input: {workflowId: $w}) { version { id } } }", publish).await;
        let query = |can: bool| {
            let can = |fields: &str| if can { format!("viewerCan {{ {fields} }}") } else { String::new() };
            format!(
                "query($ws: ID!) {{ workspace(id: $ws) {{ name {} members {{ nodes {{ id {} }} }}
                    memories {{ nodes {{ id {} }} }} workflows {{ nodes {{ id {} }} }} runs {{ nodes {{ id {} }} }}
                    coachingSessions {{ nodes {{ id {} }} }} }} }}",
                can("updateWorkspace inviteMember remember createGoal createWorkflow"),
                can("changeRole removeMember"),
                can("forgetMemory"),
                can("updateWorkflow publishWorkflow startRun"),
                can("cancelRun"),
                can("sendMessage interruptTurn"),
            )
        };
        let (_, without) = app.cost(&app.owner, &query(false), ws.clone()).await;
        let (told, with) = app.cost(&app.owner, &query(true), ws).await;
        assert_eq!(told["workspace"]["memories"]["nodes"][0]["viewerCan"]["forgetMemory"], true);
        assert_eq!(with, without);
    }
}
