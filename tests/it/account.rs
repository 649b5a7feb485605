use crate::{on_both, support::text};
use serde_json::json;

on_both! {
    async fn a_new_workspace_is_shown_to_its_owner_alone(app: TestApp) {
        let document = "query Viewer { viewer { id displayName memberships(first: 10) {
            nodes { role workspace { id name slug } } } } }";
        let data = app.ok(&app.owner, document, json!({})).await;
        assert_eq!(text(&data, "/viewer/memberships/nodes/0/workspace/id"), app.workspace);
        assert_eq!(text(&data, "/viewer/memberships/nodes/0/role"), "OWNER");

        let stranger = app.person("Sam Stranger").await;
        let query = "query($id: ID!) { workspace(id: $id) { id name slug cursor } }";
        let data = app.ok(&stranger, query, json!({ "id": app.workspace })).await;
        assert_eq!(data, json!({ "workspace": null }));
    }
}
