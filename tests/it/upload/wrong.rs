//! Every way to send a file wrong.
use super::*;

/// `(what, status, code, body)`
pub fn wrong(app: &TestApp) -> Vec<(&'static str, u16, &'static str, Vec<u8>)> {
    let good = operations(app);
    let with = |map: Value| Parts::new(&good, &map).and("0", LINES).body();
    let many: Vec<_> = (0..11).map(|n| (n.to_string(), json!(["variables.input.file"]))).collect();
    let two = json!({ "query": "mutation($a: ImportMemoriesInput!, $b: Upload) { importMemories(input: $a) { created } }",
        "variables": { "a": { "workspaceId": app.workspace, "file": null }, "b": null } });
    let text_variable = json!({ "query": "mutation($t: String, $ws: ID!) { importMemories(input: {workspaceId: $ws, idempotencyKey: $t, items: []}) { created } }",
        "variables": { "t": null, "ws": app.workspace } });
    let free = json!({ "query": "mutation($f: JSON, $w: ID!) { startRun(input: {workflowId: $w, input: $f}) { run { id } } }",
        "variables": { "f": null, "w": "wf_00000000000000000000000000" } });
    let forged = json!({ "query": IMPORT, "variables": { "input": { "workspaceId": app.workspace, "file": "file" } } });
    let object = json!({ "query": IMPORT, "variables": { "input": { "workspaceId": app.workspace, "file": { "0": 1 } } } });
    let t = |variable: &str| json!({ "0": [format!("variables.{variable}")] });
    let cut = |body: Vec<u8>, by: usize| body[..body.len() - by].to_vec();
    vec![
        ("nothing", 400, "BAD_REQUEST", vec![]),
        ("no parts", 400, "BAD_REQUEST", b"--XX--\r\n".to_vec()),
        ("no multipart", 400, "BAD_REQUEST", good.to_string().into_bytes()),
        ("cut in the file", 400, "BAD_REQUEST", cut(with(map()), 20)),
        ("cut before the end", 400, "BAD_REQUEST", cut(with(map()), 6)),
        (
            "no map",
            400,
            "BAD_REQUEST",
            Parts(vec![]).and("operations", good.to_string()).and("0", LINES).body(),
        ),
        (
            "no operations",
            400,
            "BAD_REQUEST",
            Parts(vec![]).and("map", map().to_string()).and("0", LINES).body(),
        ),
        (
            "the map first",
            400,
            "BAD_REQUEST",
            Parts(vec![])
                .and("map", map().to_string())
                .and("operations", good.to_string())
                .and("0", LINES)
                .body(),
        ),
        (
            "a file first",
            400,
            "BAD_REQUEST",
            Parts(vec![])
                .and("0", LINES)
                .and("operations", good.to_string())
                .and("map", map().to_string())
                .body(),
        ),
        (
            "operations twice",
            400,
            "BAD_REQUEST",
            Parts::new(&good, &map()).and("operations", good.to_string()).and("0", LINES).body(),
        ),
        (
            "operations that are none",
            400,
            "BAD_REQUEST",
            Parts(vec![]).and("operations", "{").and("map", "{}").body(),
        ),
        (
            "operations that are no UTF-8",
            400,
            "BAD_REQUEST",
            Parts(vec![]).and("operations", b"{\"query\":\"\xff\"}".to_vec()).and("map", "{}").body(),
        ),
        (
            "a batch",
            400,
            "BAD_REQUEST",
            Parts::new(&json!([good]), &json!({ "0": ["0.variables.input.file"] })).and("0", LINES).body(),
        ),
        ("a map that is a list", 400, "BAD_REQUEST", with(json!([["variables.input.file"]]))),
        ("a map to a text", 400, "BAD_REQUEST", with(json!({ "0": "variables.input.file" }))),
        ("a map to a number", 400, "BAD_REQUEST", with(json!({ "0": [1] }))),
        (
            "a map that is none",
            400,
            "BAD_REQUEST",
            Parts(vec![]).and("operations", good.to_string()).and("map", "{").and("0", LINES).body(),
        ),
        (
            "a map with a key twice",
            400,
            "BAD_REQUEST",
            Parts(vec![])
                .and("operations", two.to_string())
                .and("map", "{\"0\":[\"variables.a.file\"],\"0\":[\"variables.b\"]}")
                .and("0", LINES)
                .body(),
        ),
        ("a file that is mapped to nothing", 400, "BAD_REQUEST", with(json!({ "0": [] }))),
        (
            "a file for two variables",
            400,
            "BAD_REQUEST",
            Parts::new(&two, &json!({ "0": ["variables.a.file", "variables.b"] })).and("0", LINES).body(),
        ),
        (
            "two files for one variable",
            400,
            "BAD_REQUEST",
            Parts::new(&good, &json!({ "0": ["variables.input.file"], "1": ["variables.input.file"] }))
                .and("0", LINES)
                .and("1", LINES)
                .body(),
        ),
        (
            "a file that is not in the map",
            400,
            "BAD_REQUEST",
            Parts::new(&good, &map()).and("0", LINES).and("1", LINES).body(),
        ),
        ("a file that does not come", 400, "BAD_REQUEST", Parts::new(&good, &map()).body()),
        (
            "a file that comes twice",
            400,
            "BAD_REQUEST",
            Parts::new(&good, &map()).and("0", LINES).and("0", LINES).body(),
        ),
        ("a file without a name", 400, "BAD_REQUEST", Parts::new(&good, &map()).and("", LINES).body()),
        ("eleven files", 400, "BAD_REQUEST", with(Value::Object(many.into_iter().collect()))),
        ("a path to nothing", 400, "BAD_REQUEST", with(t("input.files"))),
        ("a path into a null", 400, "BAD_REQUEST", with(t("input.file.0"))),
        ("a path into a text", 400, "BAD_REQUEST", with(t("input.workspaceId.0"))),
        ("a path to what is no null", 400, "BAD_REQUEST", with(t("input.workspaceId"))),
        ("a path to all variables", 400, "BAD_REQUEST", with(json!({ "0": ["variables"] }))),
        ("a path out of the variables", 400, "BAD_REQUEST", with(json!({ "0": ["query"] }))),
        ("an empty path", 400, "BAD_REQUEST", with(json!({ "0": [""] }))),
        ("a long path", 400, "BAD_REQUEST", with(t(&"a.".repeat(100_000)))),
        (
            "a file for a text",
            400,
            "BAD_USER_INPUT",
            Parts::new(&text_variable, &t("t")).and("0", LINES).body(),
        ),
        ("a file for free data", 400, "BAD_USER_INPUT", Parts::new(&free, &t("f")).and("0", LINES).body()),
        ("a text for a file", 400, "BAD_USER_INPUT", Parts::new(&forged, &json!({})).body()),
        ("an object for a file", 400, "BAD_USER_INPUT", Parts::new(&object, &json!({})).body()),
    ]
}
