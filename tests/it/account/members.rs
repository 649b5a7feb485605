//! How people come, what they become, and how they go.
use super::*;

const ACCEPT: &str = "mutation($token: String!) { acceptInvitation(input: {token: $token}) {
    membership { id role workspace { name members { totalCount } } } userErrors { code message } } }";
const CHANGE: &str = "mutation($m: ID!, $role: Role!) { changeRole(input: {membershipId: $m, role: $role}) {
    membership { role } userErrors { code } } }";
const REMOVE: &str = "mutation($m: ID!) { removeMember(input: {membershipId: $m}) {
    removedMembershipId userErrors { code } } }";
const MEMBERS: &str = "query($ws: ID!) { workspace(id: $ws) { members { nodes { id role user { id } } } } }";

async fn invite(app: &TestApp, role: &str) -> (String, String) {
    let document = "mutation($ws: ID!, $role: Role!) { inviteMember(input: {workspaceId: $ws, role: $role,
        email: \" Mo@Example.org\"}) { invitation { id email status } token userErrors { message } } }";
    let data = app.ok(&app.owner, document, json!({ "ws": app.workspace, "role": role })).await;
    assert_eq!(text(&data, "/inviteMember/invitation/email"), "mo@example.org");
    assert_eq!(text(&data, "/inviteMember/invitation/status"), "PENDING");
    (text(&data, "/inviteMember/token"), text(&data, "/inviteMember/invitation/id"))
}

async fn status(app: &TestApp, invitation: &str) -> String {
    let document = "query($id: ID!) { node(id: $id) { ... on Invitation { status } } }";
    text(&app.ok(&app.owner, document, json!({ "id": invitation })).await, "/node/status")
}

/// The membership of that person in the workspace.
async fn membership(app: &TestApp, person: &Person) -> String {
    let data = app.ok(&app.owner, MEMBERS, json!({ "ws": app.workspace })).await;
    let nodes = data["workspace"]["members"]["nodes"].as_array().unwrap();
    let found = nodes.iter().find(|node| node["user"]["id"] == json!(person.id)).unwrap();
    text(found, "/id")
}

on_both! {
    async fn an_invitation_lets_one_person_in_once(app: TestApp) {
        let (token, id) = invite(&app, "MEMBER").await;
        let (mo, pia) = (app.person("Mo").await, app.person("Pia").await);
        let accepted = app.ok(&mo, ACCEPT, json!({ "token": token })).await;
        let membership = &accepted["acceptInvitation"]["membership"];
        assert_eq!(membership["role"], "MEMBER");
        assert_eq!(membership["workspace"], json!({ "name": "acme", "members": { "totalCount": 2 } }));
        assert_eq!(app.ok(&mo, ACCEPT, json!({ "token": token })).await, accepted, "a repeat changes nothing");
        assert_eq!(app.mends(&pia, ACCEPT, json!({ "token": token })).await, "INVALID");
        assert_eq!(status(&app, &id).await, "ACCEPTED");
        for token in ["", "aifinv_", &token[..token.len() - 1], &mo.token] {
            assert_eq!(app.mends(&pia, ACCEPT, json!({ "token": token })).await, "INVALID");
        }
        let (token, _) = invite(&app, "ADMIN").await;
        assert_eq!(app.mends(&mo, ACCEPT, json!({ "token": token })).await, "CONFLICT", "a member already");
    }
}

on_both! {
    async fn of_two_who_accept_at_once_one_comes_in(app: TestApp) {
        let (token, _) = invite(&app, "MEMBER").await;
        let people = [app.person("Mo").await, app.person("Pia").await, app.person("Lu").await];
        let tries = people.iter().map(|person| app.ok(person, ACCEPT, json!({ "token": token })));
        let answers = futures_util::future::join_all(tries).await;
        let came = answers.iter().filter(|answer| answer["acceptInvitation"]["membership"].is_object()).count();
        assert_eq!(came, 1, "{answers:#?}");
    }
}

on_both! {
    async fn an_invitation_ends_by_time_and_by_withdrawal(database: Database) {
        let clock = TestClock::default();
        let app = TestApp::start_with(database, "", clock.ambient()).await;
        let mo = app.person("Mo").await;
        let (late, late_id) = invite(&app, "MEMBER").await;
        clock.forward(TimeDelta::days(7));
        assert_eq!(app.mends(&mo, ACCEPT, json!({ "token": late })).await, "INVALID");
        assert_eq!(status(&app, &late_id).await, "EXPIRED");

        let (withdrawn, id) = invite(&app, "MEMBER").await;
        let revoke = "mutation($id: ID!) { revokeInvitation(input: {invitationId: $id}) {
            invitation { status } userErrors { code } } }";
        let data = app.ok(&app.owner, revoke, json!({ "id": id })).await;
        assert_eq!(text(&data, "/revokeInvitation/invitation/status"), "REVOKED");
        assert_eq!(app.mends(&mo, ACCEPT, json!({ "token": withdrawn })).await, "INVALID");
        let (used, id) = invite(&app, "MEMBER").await;
        app.ok(&mo, ACCEPT, json!({ "token": used })).await;
        assert_eq!(app.mends(&app.owner, revoke, json!({ "id": id })).await, "CONFLICT");
    }
}

on_both! {
    async fn an_admin_rules_all_but_owners(app: TestApp) {
        let (admin, member) = (app.person("Ada Admin").await, app.person("Mo Member").await);
        app.join(&admin, "ADMIN").await;
        let member = app.join(&member, "MEMBER").await;
        let owner = membership(&app, &app.owner).await;
        app.ok(&admin, CHANGE, json!({ "m": member, "role": "ADMIN" })).await;
        app.ok(&admin, CHANGE, json!({ "m": member, "role": "VIEWER" })).await;
        assert_eq!(app.code(&admin, CHANGE, json!({ "m": member, "role": "OWNER" })).await, "FORBIDDEN");
        assert_eq!(app.code(&admin, CHANGE, json!({ "m": owner, "role": "MEMBER" })).await, "FORBIDDEN");
        assert_eq!(app.code(&admin, REMOVE, json!({ "m": owner })).await, "FORBIDDEN");
        let invite = "mutation($ws: ID!) { inviteMember(input: {workspaceId: $ws, email: \"a@b.c\", role: OWNER}) {
            token } }";
        assert_eq!(app.code(&admin, invite, json!({ "ws": app.workspace })).await, "FORBIDDEN");
        app.ok(&admin, REMOVE, json!({ "m": member })).await;
        assert_eq!(app.code(&admin, REMOVE, json!({ "m": member })).await, "NOT_FOUND");
    }
}

on_both! {
    async fn the_last_owner_stays(app: TestApp) {
        let owner = membership(&app, &app.owner).await;
        assert_eq!(app.mends(&app.owner, REMOVE, json!({ "m": owner })).await, "CONFLICT");
        assert_eq!(app.mends(&app.owner, CHANGE, json!({ "m": owner, "role": "ADMIN" })).await, "CONFLICT");
        let second = app.person("Otto").await;
        app.join(&second, "OWNER").await;
        app.ok(&app.owner, CHANGE, json!({ "m": owner, "role": "ADMIN" })).await;
        let second_membership = membership(&app, &second).await;
        assert_eq!(app.mends(&second, REMOVE, json!({ "m": second_membership })).await, "CONFLICT");
        // Whoever is no owner may leave.
        app.ok(&app.owner, REMOVE, json!({ "m": owner })).await;
    }
}

on_both! {
    async fn of_owners_who_remove_each_other_at_once_one_stays(app: TestApp) {
        let otto = app.person("Otto").await;
        let rivals = [app.owner.clone(), otto];
        app.join(&rivals[1], "OWNER").await;
        for round in 0..10 {
            let memberships = [membership(&app, &rivals[0]).await, membership(&app, &rivals[1]).await];
            let (first, second) = tokio::join!(
                app.ask(Some(&rivals[0].token), REMOVE, json!({ "m": memberships[1] })),
                app.ask(Some(&rivals[1].token), REMOVE, json!({ "m": memberships[0] })),
            );
            let won = [&first, &second].map(|answer| answer["data"]["removeMember"]["removedMembershipId"].is_string());
            assert!(won[0] ^ won[1], "round {round}: {first:#} {second:#}");
            // The winner asks the loser back for the next round.
            let (winner, loser) = if won[0] { (0, 1) } else { (1, 0) };
            let invite = "mutation($ws: ID!) { inviteMember(input: {workspaceId: $ws, email: \"a@b.c\", role: OWNER}) {
                token } }";
            let invited = app.ok(&rivals[winner], invite, json!({ "ws": app.workspace })).await;
            let token = text(&invited, "/inviteMember/token");
            app.ok(&rivals[loser], ACCEPT, json!({ "token": token })).await;
        }
    }
}

on_both! {
    async fn who_was_removed_has_nothing_left(app: TestApp) {
        let mo = app.person("Mo").await;
        let place = app.join(&mo, "MEMBER").await;
        let (key, _) = app.create_key(&mo, json!({ "workspaceId": app.workspace })).await;
        let query = "query($ws: ID!, $m: ID!) { workspace(id: $ws) { name } node(id: $m) { id } }";
        let variables = json!({ "ws": app.workspace, "m": place });
        assert!(app.ok(&key, query, variables.clone()).await["workspace"].is_object());
        app.ok(&app.owner, REMOVE, json!({ "m": place })).await;
        let nothing = json!({ "workspace": null, "node": null });
        assert_eq!(app.ok(&mo, query, variables.clone()).await, nothing);
        // A key for that workspace alone is worth nothing, and must not wake when the person comes back.
        app.assert_refused(&key.token).await;
        app.join(&mo, "MEMBER").await;
        app.assert_refused(&key.token).await;
    }
}

on_both! {
    async fn of_others_one_sees_what_one_shares_with_them(app: TestApp) {
        let mo = app.person("Mo").await;
        app.join(&mo, "MEMBER").await;
        app.create_workspace(&mo, "mo-alone").await;
        let query = "query($id: ID!) { node(id: $id) { ... on Viewer { displayName apiKeys { nodes { id } }
            memberships { totalCount nodes { workspace { slug } } } } } }";
        let seen = app.ok(&app.owner, query, json!({ "id": mo.id })).await;
        let expected = json!({ "displayName": "Mo", "apiKeys": null,
            "memberships": { "totalCount": 1, "nodes": [{ "workspace": { "slug": "acme" } }] } });
        assert_eq!(seen["node"], expected);
        let stranger = app.person("Sam Stranger").await;
        assert_eq!(app.ok(&stranger, query, json!({ "id": mo.id })).await, json!({ "node": null }));
    }
}

counted_on_both! {
    async fn the_members_of_a_workspace_cost_no_more_the_more_they_are(app: TestApp) {
        // Of the outer workspace nothing that a loader reads: where that is still under way when the inner ones are asked
        // for, they share it, and it is one statement less.
        let query = "query($ws: ID!) { workspace(id: $ws) { members(first: 50) { totalCount nodes {
            role user { displayName memberships(first: 5) { nodes { workspace { slug } } } } } } } }";
        let ws = json!({ "ws": app.workspace });
        let (_, alone) = app.cost(&app.owner, query, ws.clone()).await;
        let mut members = vec![json!({ "role": "OWNER", "name": "Olga Owner" })];
        for name in ["Ada", "Ben", "Cyd", "Dan", "Eve"] {
            let person = app.person(name).await;
            app.join(&person, "MEMBER").await;
            members.push(json!({ "role": "MEMBER", "name": name }));
        }
        let (data, many) = app.cost(&app.owner, query, ws).await;
        let of_acme = json!({ "nodes": [{ "workspace": { "slug": "acme" } }] });
        let shown = |member: Value| json!({ "role": member["role"],
            "user": { "displayName": member["name"], "memberships": of_acme } });
        let nodes: Vec<_> = members.into_iter().map(shown).collect();
        assert_eq!(data["workspace"]["members"], json!({ "totalCount": 6, "nodes": nodes }));
        assert_eq!((alone, many), (5, 5));
    }
}
