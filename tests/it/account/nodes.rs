//! What has an id, by its id.
use super::*;

const MANY: usize = 100;

/// As many of everything in the workspace: members with the invitations by which they came, service accounts with a
/// key each, and the entries of all that in the audit trail.
async fn fill(app: &TestApp) {
    let account =
        "mutation($ws: ID!, $name: String!) { createServiceAccount(input: {workspaceId: $ws, name: $name}) {
        serviceAccount { id } userErrors { message } } }";
    let key = "mutation($s: ID!) { createApiKey(input: {name: \"k\", serviceAccountId: $s}) {
        apiKey { id } userErrors { message } } }";
    for number in 0..MANY {
        let name = format!("number {number}");
        app.join(&app.person(&name).await, "MEMBER").await;
        let made = app.ok(&app.owner, account, json!({ "ws": app.workspace, "name": name })).await;
        let made = text(&made, "/createServiceAccount/serviceAccount/id");
        text(&app.ok(&app.owner, key, json!({ "s": made })).await, "/createApiKey/apiKey/id");
    }
}

counted_on_both! {
    async fn a_hundred_nodes_of_a_kind_cost_as_many_statements_as_one(app: TestApp) {
        let cursor = "query($ws: ID!) { workspace(id: $ws) { cursor } }";
        let ws = json!({ "ws": app.workspace });
        let before = app.ok(&app.owner, cursor, ws.clone()).await["workspace"]["cursor"].clone();
        fill(&app).await;
        let lists = "query($ws: ID!) { workspace(id: $ws) {
            Membership: members(first: 100) { nodes { id } } Invitation: invitations(first: 100) { nodes { id } }
            ServiceAccount: serviceAccounts(first: 100) { nodes { id } } ApiKey: apiKeys(first: 100) { nodes { id } }
            AuditEntry: auditEntries(first: 100) { nodes { id } } } }";
        let listed = app.ok(&app.owner, lists, ws.clone()).await;
        let nodes = "query($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }";
        let mut mixed = vec![];
        for (kind, list) in listed["workspace"].as_object().unwrap() {
            let ids: Vec<_> = list["nodes"].as_array().unwrap().iter().map(|node| node["id"].clone()).collect();
            assert_eq!(ids.len(), MANY, "{kind}");
            let (_, one) = app.cost(&app.owner, nodes, json!({ "ids": ids[..1] })).await;
            let (found, hundred) = app.cost(&app.owner, nodes, json!({ "ids": ids })).await;
            let expected: Vec<_> = ids.iter().map(|id| json!({ "__typename": kind, "id": id })).collect();
            assert_eq!(found["nodes"], json!(expected));
            // The credential, and they.
            assert_eq!((one, hundred), (2, 2), "{kind}");
            mixed.extend(ids.into_iter().step_by(5));
        }
        let (found, statements) = app.cost(&app.owner, nodes, json!({ "ids": mixed })).await;
        assert!(found["nodes"].as_array().unwrap().iter().all(Value::is_object), "{found:#}");
        assert_eq!(statements, 1 + 5);

        let changes = "query($ws: ID!, $after: Cursor, $first: Int) { changes(workspaceId: $ws, after: $after, first: $first) {
            changes { node { __typename } } } }";
        let mut costs = vec![];
        for first in [10, 100] {
            let variables = json!({ "ws": app.workspace, "after": before, "first": first });
            let (told, cost) = app.cost(&app.owner, changes, variables).await;
            assert_eq!(told["changes"]["changes"].as_array().unwrap().len(), first);
            costs.push(cost);
        }
        assert_eq!(costs[0], costs[1]);
    }
}
