//! What cannot be a workflow, a run or a decision is refused by name and place, and nothing of it stays.
use super::{CREATE, DECIDE, ENDS, START, create, events, play, publish, start, statuses};
use crate::{
    contract::operations,
    on_both,
    support::{TestApp, text},
};
use serde_json::{Value, json};

fn transform(expression: &str) -> Value {
    json!({ "transform": { "expression": expression } })
}

fn llm(prompt: &str) -> Value {
    json!({ "llm": { "prompt": prompt } })
}

/// One step "a", after the given ones.
fn step(after: Value, action: Value) -> Value {
    json!({ "key": "a", "after": after, "action": action })
}

/// How many workflows and runs the workspace has.
async fn counts(app: &TestApp) -> Value {
    let counts = "query($ws: ID!) { workspace(id: $ws) { workflows { totalCount } runs { totalCount } } }";
    app.ok(&app.owner, counts, json!({ "ws": app.workspace })).await["workspace"].clone()
}

on_both! {
    async fn a_graph_that_cannot_run_says_where_and_why_and_is_not_published(app: TestApp) {
        let b = json!({ "key": "b", "action": transform("1") });
        let cases = [
            (json!([]), "graph.steps", "EMPTY_GRAPH"),
            (json!([step(json!(["a"]), transform("1"))]), "graph.steps.0.after", "CYCLE"),
            (json!([step(json!(["b"]), transform("1")), { "key": "b", "after": ["a"], "action": transform("1") }]), "graph.steps.0.after", "CYCLE"),
            (json!([step(json!(["nobody"]), transform("1"))]), "graph.steps.0.after.0", "UNKNOWN_STEP"),
            (json!([b, b]), "graph.steps.1.key", "DUPLICATE_KEY"),
            (json!([{ "key": "a b", "action": transform("1") }]), "graph.steps.0.key", "INVALID_KEY"),
            (json!([step(json!([]), transform("steps.nobody.output"))]), "graph.steps.0.action.transform.expression", "UNKNOWN_STEP"),
            (json!([step(json!([]), transform("steps['nobody'].output"))]), "graph.steps.0.action.transform.expression", "UNKNOWN_STEP"),
            (json!([step(json!([]), llm("{{ steps.nobody.output }}"))]), "graph.steps.0.action.llm.prompt", "UNKNOWN_STEP"),
            (json!([step(json!([]), llm("{{ steps.b.output }}")), b]), "graph.steps.0.action.llm.prompt", "NOT_AN_ANCESTOR"),
            (json!([step(json!([]), llm("{{ secrets }}"))]), "graph.steps.0.action.llm.prompt", "UNKNOWN_NAME"),
            (json!([step(json!([]), llm("{{ input. }}"))]), "graph.steps.0.action.llm.prompt", "INVALID_TEMPLATE"),
            (json!([step(json!([]), llm("{% for x in input.list %}"))]), "graph.steps.0.action.llm.prompt", "INVALID_TEMPLATE"),
            (json!([step(json!([]), llm(" "))]), "graph.steps.0.action.llm.prompt", "EMPTY"),
            (json!([step(json!([]), transform("1 +"))]), "graph.steps.0.action.transform.expression", "INVALID_EXPRESSION"),
            (json!([step(json!([]), transform("input.text.matches('(a*)*b')"))]), "graph.steps.0.action.transform.expression", "INVALID_EXPRESSION"),
            (json!([step(json!([]), transform(&"[".repeat(1_900)))]), "graph.steps.0.action.transform.expression", "INVALID_EXPRESSION"),
            (json!([step(json!([]), llm(&format!("{{{{ {} }}}}", "(".repeat(15_000))))]), "graph.steps.0.action.llm.prompt", "INVALID_TEMPLATE"),
            (json!([{ "key": "a", "when": "steps.a.output", "action": transform("1") }]), "graph.steps.0.when", "NOT_AN_ANCESTOR"),
            (json!([{ "key": "a", "retry": { "maxAttempts": 1000 }, "action": transform("1") }]), "graph.steps.0.retry.maxAttempts", "OUT_OF_RANGE"),
            (json!([{ "key": "a", "timeout": "P2D", "action": transform("1") }]), "graph.steps.0.timeout", "OUT_OF_RANGE"),
            (json!([step(json!([]), json!({ "wait": { "until": "tomorrow" } }))]), "graph.steps.0.action.wait.until", "INVALID_TIME"),
            (json!([step(json!([]), json!({ "memoryRecall": { "query": "x", "limit": 1000 } }))]), "graph.steps.0.action.memoryRecall.limit", "OUT_OF_RANGE"),
        ];
        for (steps, path, code) in cases {
            let created = create(&app, "Bad", steps).await;
            let draft = &created["workflow"]["draft"];
            let problem = &draft["problems"][0];
            assert_eq!((&draft["valid"], &problem["path"], &problem["code"]), (&json!(false), &json!(path), &json!(code)), "{created:#}");
            assert!(text(problem, "/message").len() > 4, "{problem:#}");
            let workflow = text(&created, "/workflow/id");
            let refused = app.ok(&app.owner, operations()["Publish"], json!({ "w": workflow })).await["publishWorkflow"].clone();
            assert_eq!((&refused["version"], &refused["userErrors"][0]["field"]), (&Value::Null, &json!(path)), "{refused:#}");
            let started = app.ok(&app.owner, START, json!({ "input": { "workflowId": workflow } })).await["startRun"].clone();
            assert_eq!((&started["run"], &started["userErrors"][0]["code"]), (&Value::Null, &json!("CONFLICT")), "{started:#}");
            assert!(text(&started, "/userErrors/0/message").contains("publish"), "{started:#}");
        }
    }
}

on_both! {
    async fn a_graph_that_is_too_large_is_not_even_kept(app: TestApp) {
        let before = counts(&app).await;
        let megabyte = "ä".repeat(500_000);
        let many = |count: usize| (0..count).map(|n| json!({ "key": format!("s{n}"), "action": transform("1") })).collect::<Vec<_>>();
        let schema = json!({ "description": "x".repeat(17_000) });
        let cases = [
            (json!(many(101)), "graph.steps"),
            (json!([step(json!([]), transform(&"1+".repeat(1_001)))]), "graph.steps.0.action.transform.expression"),
            (json!([step(json!([]), transform(&megabyte))]), "graph.steps.0.action.transform.expression"),
            (json!([step(json!([]), llm(&megabyte))]), "graph.steps.0.action.llm.prompt"),
            (json!([step(json!([]), llm(&"x".repeat(20_001)))]), "graph.steps.0.action.llm.prompt"),
            (json!([{ "key": megabyte, "action": transform("1") }]), "graph.steps.0.key"),
            (json!([{ "key": "a", "when": megabyte, "action": transform("1") }]), "graph.steps.0.when"),
            (json!([step(json!([megabyte]), transform("1"))]), "graph.steps.0.after.0"),
            (json!([step(json!(vec!["a"; 101]), transform("1"))]), "graph.steps.0.after"),
            (json!([step(json!([]), json!({ "memoryWrite": { "text": megabyte } }))]), "graph.steps.0.action.memoryWrite.text"),
            (json!([step(json!([]), json!({ "approval": { "title": megabyte } }))]), "graph.steps.0.action.approval.title"),
            (json!([step(json!([]), json!({ "approval": { "title": "?", "form": schema } }))]), "graph.steps.0.action.approval.form"),
            (json!([step(json!([]), json!({ "llm": { "prompt": "x", "outputSchema": schema } }))]), "graph.steps.0.action.llm.outputSchema"),
        ];
        for (steps, field) in cases {
            let refused = create(&app, "Large", steps).await;
            let error = &refused["userErrors"][0];
            assert_eq!((&refused["workflow"], &error["field"], &error["code"]), (&Value::Null, &json!(field), &json!("INVALID")), "{error:#}");
            assert!(text(error, "/message").contains("at most") && text(error, "/message").len() < 200, "{error:#}");
        }
        let good = json!([step(json!([]), transform("1"))]);
        for (changed, field) in [
            (json!({ "name": megabyte }), "name"),
            (json!({ "name": " \t " }), "name"),
            (json!({ "slug": "Not a slug" }), "slug"),
            (json!({ "slug": "x".repeat(51) }), "slug"),
            (json!({ "inputSchema": schema }), "inputSchema"),
            (json!({ "idempotencyKey": "" }), "idempotencyKey"),
            (json!({ "idempotencyKey": megabyte }), "idempotencyKey"),
        ] {
            let mut input = json!({ "workspaceId": app.workspace, "name": "Odd", "graph": { "steps": good } });
            input.as_object_mut().unwrap().extend(changed.as_object().unwrap().clone());
            let refused = app.ok(&app.owner, CREATE, json!({ "input": input })).await["createWorkflow"].clone();
            assert_eq!((&refused["workflow"], &refused["userErrors"][0]["field"]), (&Value::Null, &json!(field)), "{refused:#}");
        }
        assert_eq!(counts(&app).await, before);
    }
}

/// The code of the answer to a body that is sent as it is, and the whole answer.
async fn raw(app: &TestApp, body: String) -> (String, Value) {
    let request = app
        .http
        .post(app.url())
        .bearer_auth(&app.owner.token)
        .header("content-type", "application/json")
        .body(body);
    let answer: Value = request.send().await.unwrap().json().await.unwrap();
    (answer["errors"][0]["extensions"]["code"].as_str().unwrap_or_default().to_owned(), answer)
}

on_both! {
    async fn texts_that_no_database_keeps_are_refused_in_every_field(app: TestApp) {
        let workflow = publish(&app, json!([step(json!([]), transform("1"))])).await;
        let before = counts(&app).await;
        let good = json!([step(json!([]), transform("1"))]);
        let input = |steps: Value, name: &str| json!({ "workspaceId": app.workspace, "name": name, "graph": { "steps": steps } });
        let bodies = [
            (CREATE, input(good, "BAD")),
            (CREATE, input(json!([step(json!([]), llm("say BAD"))]), "Good")),
            (CREATE, input(json!([step(json!([]), json!({ "approval": { "title": "?", "form": { "BAD": 1 } } }))]), "Good")),
            (START, json!({ "workflowId": workflow, "input": { "text": ["BAD"] } })),
            (START, json!({ "workflowId": workflow, "idempotencyKey": "BAD" })),
        ];
        for (document, input) in bodies {
            for bad in [r"\u0000", r"\ud800", r"\udc00\ud800"] {
                let body = json!({ "query": document, "variables": { "input": input } }).to_string().replace("BAD", &format!("x{bad}"));
                let (code, answer) = raw(&app, body).await;
                assert!(["BAD_USER_INPUT", "BAD_REQUEST"].contains(&code.as_str()), "{bad}: {answer:#}");
            }
        }
        assert_eq!(counts(&app).await, before);
    }
}

on_both! {
    async fn an_input_that_is_too_large_or_too_deep_starts_nothing(app: TestApp) {
        let workflow = publish(&app, json!([step(json!([]), transform("input"))])).await;
        let before = counts(&app).await;
        let deep = |depth: usize| (0..depth).fold(json!(1), |inner, _| json!([inner]));
        for input in [json!([1]), json!("text"), json!({ "x": "x".repeat(65_536) }), json!({ "x": vec!["x"; 40_000] }), json!({ "x": deep(64) })] {
            let refused = app.ok(&app.owner, START, json!({ "input": { "workflowId": workflow, "input": input } })).await["startRun"].clone();
            let error = &refused["userErrors"][0];
            assert_eq!((&refused["run"], &error["field"], &error["code"]), (&Value::Null, &json!("input"), &json!("INVALID")), "{refused:#}");
        }
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        for depth in [200, 500_000] {
            let body = json!({ "query": START, "variables": { "input": { "workflowId": workflow, "input": { "x": "DEEP" } } } });
            let (code, answer) = raw(&app, body.to_string().replace("\"DEEP\"", &nested(depth))).await;
            assert!(["BAD_USER_INPUT", "BAD_REQUEST"].contains(&code.as_str()), "{answer:#}");
        }
        assert_eq!(counts(&app).await, before);
        let run = start(&app, &workflow, json!({ "x": deep(60) })).await;
        assert_eq!(events(&app, &run, ENDS).await.last().unwrap()["run"]["output"]["a"]["x"], deep(60));
    }
}

on_both! {
    async fn an_id_of_another_kind_or_tenant_is_told_apart_from_a_good_one(app: TestApp) {
        let workflow = publish(&app, json!([step(json!([]), json!({ "approval": { "title": "?" } }))])).await;
        let run = start(&app, &workflow, json!({})).await;
        let asked = events(&app, &run, &["ApprovalRequested"]).await;
        let approval = text(asked.last().unwrap(), "/approval/id");
        let stranger = app.person("Sam Stranger").await;
        app.create_workspace(&stranger, "elsewhere").await;
        let unknown = |prefix: &str| format!("{prefix}_{}", "0".repeat(26));
        let prefix = |id: &str| id.split_once('_').unwrap().0.to_owned();
        for (document, variable, right, wrong) in [
            (START, "workflowId", &workflow, &run),
            ("mutation($input: PublishWorkflowInput!) { publishWorkflow(input: $input) { version { id } userErrors { code } } }", "workflowId", &workflow, &approval),
            ("mutation($input: CancelRunInput!) { cancelRun(input: $input) { run { id } userErrors { code } } }", "runId", &run, &workflow),
            ("mutation($input: DecideApprovalInput!) { decideApproval(input: $input) { approval { id } userErrors { code } } }", "approvalId", &approval, &run),
        ] {
            let input = |id: &str| {
                let mut input = json!({ variable: id });
                if variable == "approvalId" {
                    input["decision"] = json!("APPROVE");
                }
                json!({ "input": input })
            };
            for bad in [wrong.clone(), "nonsense".to_owned(), String::new(), format!("{right}0"), "x".repeat(100_000)] {
                let answer = app.ask(Some(&app.owner.token), document, input(&bad)).await;
                assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{answer:#}");
                assert!(answer.to_string().len() < 2_000, "what was sent is not sent back in full");
            }
            assert_eq!(app.code(&app.owner, document, input(&unknown(&prefix(right)))).await, "NOT_FOUND");
            assert_eq!(app.code(&stranger, document, input(right)).await, "NOT_FOUND");
        }
        let created = "mutation($input: CreateWorkflowInput!) { createWorkflow(input: $input) { workflow { id } userErrors { code } } }";
        let input = json!({ "workspaceId": app.workspace, "name": "Theirs", "graph": { "steps": [step(json!([]), transform("1"))] } });
        assert_eq!(app.code(&stranger, created, json!({ "input": input })).await, "NOT_FOUND");
        assert_eq!(statuses(&app, &run).await, ["WAITING"], "nobody has touched it");
        let comment = "mutation($a: ID!, $c: String) { decideApproval(input: {approvalId: $a, decision: APPROVE, comment: $c}) { approval { id } userErrors { field code } } }";
        let long = app.ok(&app.owner, comment, json!({ "a": approval, "c": "x".repeat(1_000_000) })).await;
        assert_eq!(long["decideApproval"]["userErrors"], json!([{ "field": "comment", "code": "INVALID" }]));
        let decided = app.ok(&app.owner, DECIDE, json!({ "a": approval, "d": "APPROVE" })).await;
        assert_eq!(decided["decideApproval"]["approval"]["status"], "APPROVED");
    }
}

on_both! {
    async fn what_would_use_up_the_server_fails_its_step_instead(app: TestApp) {
        let list = json!({ "list": vec![1; 5_000], "text": "x".repeat(50_000) });
        let loops = "{% for a in range(10000) %}{% for b in range(10000) %}{% for c in range(10000) %}x{% endfor %}{% endfor %}{% endfor %}";
        let cases = [
            (transform("input.list.all(a, input.list.all(b, input.list.all(c, a == b)))"), "EXPRESSION_FAILED"),
            (transform(&format!("[input.text]{}", ".map(x, x + x)".repeat(50))), "EXPRESSION_FAILED"),
            (transform("input.list.map(a, input.text)"), "EXPRESSION_FAILED"),
            (transform("[input.text, input.text, input.text, input.text, input.text, input.text]"), "OUTPUT_TOO_LARGE"),
            (transform("timestamp('9999-12-31T23:59:59Z') + duration('9223372036s')"), "EXPRESSION_FAILED"),
            (llm(loops), "TEMPLATE_FAILED"),
            (llm("{{ input | tojson(1000000000000000) }}"), "TEMPLATE_FAILED"),
            (llm("{{ input.list | map('default', input, true) }}"), "TEMPLATE_FAILED"),
            (llm("{{ input.list | join(input.text) }}"), "TEMPLATE_FAILED"),
            (llm("{{ range(1000000000) | list }}"), "TEMPLATE_FAILED"),
            (llm("{{ input.text }}{{ input.text }}"), "TEMPLATE_FAILED"),
        ];
        for (action, code) in cases {
            let ended = play(&app, json!([step(json!([]), action)]), list.clone()).await;
            assert_eq!(ended.last().unwrap()["run"]["error"], json!({ "code": code, "stepKey": "a" }), "{ended:#?}");
        }
    }
}

on_both! {
    async fn what_no_database_keeps_fails_the_step_that_makes_it(app: TestApp) {
        for (action, code) in [
            (transform(r"'a\u0000b'"), "OUTPUT_NOT_STORABLE"),
            (transform(r"{'a\x00': 1}"), "OUTPUT_NOT_STORABLE"),
            (llm(r#"{{ "a\u0000b" }}"#), "TEMPLATE_FAILED"),
            (json!({ "memoryWrite": { "text": r#"{{ "a\u0000b" }}"# } }), "TEMPLATE_FAILED"),
            (json!({ "approval": { "title": r#"{{ "a\u0000b" }}"# } }), "TEMPLATE_FAILED"),
        ] {
            let ended = play(&app, json!([step(json!([]), action)]), json!({})).await;
            assert_eq!(ended.last().unwrap()["run"]["error"], json!({ "code": code, "stepKey": "a" }), "{ended:#?}");
        }
        // Each wraps the one before it: deeper than a JSON parser reads.
        let wrap = |inner: &str| format!("{}{inner}{}", "[".repeat(20), "]".repeat(20));
        let mut steps = vec![json!({ "key": "s0", "action": transform("1") })];
        for n in 1..10 {
            let before = format!("s{}", n - 1);
            steps.push(json!({ "key": format!("s{n}"), "after": [before], "action": transform(&wrap(&format!("steps.{before}.output"))) }));
        }
        let ended = play(&app, json!(steps), json!({})).await;
        assert_eq!(ended.last().unwrap()["run"]["error"], json!({ "code": "OUTPUT_NOT_STORABLE", "stepKey": "s4" }), "{ended:#?}");
    }
}
