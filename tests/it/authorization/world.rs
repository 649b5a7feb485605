//! A workspace with one of everything in it, and the people who ask.
use super::{Case, code};
use crate::support::{Person, TestApp, text};
use serde_json::{Value, json};

pub struct World<'a> {
    app: &'a TestApp,
    /// The ids of real things, by the names that documents call them.
    pub variables: Value,
    /// Who made them.
    maker: Person,
    pub viewer: Person,
    /// The owner of another workspace.
    pub stranger: Person,
}

impl<'a> World<'a> {
    pub async fn new(app: &'a TestApp) -> Self {
        let stranger = app.person("Sam Stranger").await;
        app.create_workspace(&stranger, "elsewhere").await;
        let viewer = app.person("Vic Viewer").await;
        app.join(&viewer, "VIEWER").await;
        Self::fill(app, app.owner.clone(), viewer, stranger).await
    }

    /// Of things that somebody else made, who must be an admin at that time.
    pub async fn made_by(app: &'a TestApp, maker: &Person) -> Self {
        let nobody = Person { id: String::new(), token: String::new() };
        Self::fill(app, maker.clone(), nobody.clone(), nobody).await
    }

    async fn fill(app: &'a TestApp, maker: Person, viewer: Person, stranger: Person) -> Self {
        let other = app.person("Mo Member").await;
        let membership = app.join(&other, "MEMBER").await;
        let mut world = Self { app, variables: json!({}), maker, viewer, stranger };
        world.set("ws", app.workspace.clone());
        world.make("cursor", "/workspace/cursor", "query($ws: ID!) { workspace(id: $ws) { cursor } }").await;
        world.set("user", world.maker.id.clone());
        world.set("membership", membership);
        world.account().await;
        world.memory().await;
        world.workflow().await;
        world.coaching().await;
        world.gateway().await;
        world
    }

    fn set(&mut self, name: &str, id: String) {
        self.variables[name] = id.into();
    }

    /// The id at `pointer` of what the maker makes by `document`.
    async fn make(&mut self, name: &str, pointer: &str, document: &str) {
        let data = self.app.ok(&self.maker, document, self.variables.clone()).await;
        self.set(name, text(&data, pointer));
    }

    async fn account(&mut self) {
        self.make(
            "invitation",
            "/inviteMember/invitation/id",
            "mutation($ws: ID!) { inviteMember(input: {workspaceId: $ws, email: \"i@example.org\"}) {
                invitation { id } } }",
        )
        .await;
        self.make(
            "service",
            "/createServiceAccount/serviceAccount/id",
            "mutation($ws: ID!) { createServiceAccount(input: {workspaceId: $ws, name: \"Robot\"}) {
                serviceAccount { id } } }",
        )
        .await;
        self.make(
            "key",
            "/createApiKey/apiKey/id",
            "mutation($service: ID!) { createApiKey(input: {serviceAccountId: $service, name: \"k\"}) {
                apiKey { id } } }",
        )
        .await;
        self.make(
            "audit",
            "/workspace/auditEntries/nodes/0/id",
            "query($ws: ID!) { workspace(id: $ws) { auditEntries(first: 1) { nodes { id } } } }",
        )
        .await;
    }

    async fn memory(&mut self) {
        let remember = "mutation($ws: ID!) { remember(input: {workspaceId: $ws, scope: WORKSPACE,
            text: \"the stand-up is at ten\"}) { memory { id } } }";
        self.make("memory", "/remember/memory/id", remember).await;
        self.make(
            "receipt",
            "/forgetMemory/receipt/id",
            "mutation($memory: ID!) { forgetMemory(input: {memoryId: $memory}) { receipt { id } } }",
        )
        .await;
        self.make("memory", "/remember/memory/id", remember).await;
        let add = "mutation($ws: ID!) { addDocument(input: {workspaceId: $ws, title: \"Rules\", mediaType: \"text/plain\",
            text: \"The door is shut at ten.\"}) { document { id } } }";
        self.make("document", "/addDocument/document/id", add).await;
        let chunk =
            "query($document: ID!) { node(id: $document) { ... on Document { chunks { nodes { id } } } } }";
        self.make("chunk", "/node/chunks/nodes/0/id", chunk).await;
    }

    /// A run that waits for an approval.
    async fn workflow(&mut self) {
        self.make(
            "workflow",
            "/createWorkflow/workflow/id",
            "mutation($ws: ID!) { createWorkflow(input: {workspaceId: $ws, name: \"Ask\", graph: {steps: [
                {key: \"ok\", action: {approval: {title: \"Go on?\"}}}]}}) { workflow { id } } }",
        )
        .await;
        let publish =
            "mutation($workflow: ID!) { publishWorkflow(input: {workflowId: $workflow}) { version { id } } }";
        self.make("version", "/publishWorkflow/version/id", publish).await;
        let start = "mutation($workflow: ID!) { startRun(input: {workflowId: $workflow}) { run { id } } }";
        self.make("run", "/startRun/run/id", start).await;
        let follow = "subscription($run: ID!) { runEvents(runId: $run) { __typename
            ... on ApprovalRequested { approval { id } } } }";
        let mut events = self.app.subscribe(&self.maker, follow, self.variables.clone()).await;
        let events = events.until("runEvents", |event| event["__typename"] == "ApprovalRequested").await;
        self.set("approval", text(events.last().unwrap(), "/approval/id"));
        self.make(
            "step",
            "/node/steps/nodes/0/id",
            "query($run: ID!) { node(id: $run) { ... on Run { steps { nodes { id } } } } }",
        )
        .await;
    }

    /// A session with one turn that has ended.
    async fn coaching(&mut self) {
        let goal =
            "mutation($ws: ID!) { createGoal(input: {workspaceId: $ws, title: \"Run\"}) { goal { id } } }";
        self.make("goal", "/createGoal/goal/id", goal).await;
        let start =
            "mutation($ws: ID!) { startCoachingSession(input: {workspaceId: $ws}) { session { id } } }";
        self.make("session", "/startCoachingSession/session/id", start).await;
        let item = "mutation($ws: ID!, $session: ID!) { createActionItem(input: {workspaceId: $ws, sessionId: $session,
            text: \"Buy shoes\"}) { actionItem { id } } }";
        self.make("actionItem", "/createActionItem/actionItem/id", item).await;
        let send = "mutation($session: ID!) { sendMessage(input: {sessionId: $session, text: \"Hello\"}) {
            message { id } turn { id } } }";
        let sent = self.app.ok(&self.maker, send, self.variables.clone()).await;
        self.set("message", text(&sent, "/sendMessage/message/id"));
        self.set("turn", text(&sent, "/sendMessage/turn/id"));
        let follow = "subscription($session: ID!) { coachingEvents(sessionId: $session) { __typename } }";
        let mut events = self.app.subscribe(&self.maker, follow, self.variables.clone()).await;
        events.until("coachingEvents", |event| event["__typename"] == "TurnCompleted").await;
    }

    /// The call of a model that the turn made, a route, and what may be spent.
    async fn gateway(&mut self) {
        let set =
            "mutation($ws: ID!) { setRoute(input: {workspaceId: $ws, name: \"own\", settings: {targets: [
            {provider: \"builtin\", model: \"builtin\"}]}}) { route { id } } }";
        self.make("route", "/setRoute/route/id", set).await;
        let document = "query($ws: ID!) { workspace(id: $ws) { llmCalls(first: 1) { nodes { id } } } }";
        let call =
            self.app.until(&self.maker, document, &self.variables, "/workspace/llmCalls/nodes/0/id").await;
        self.set("call", call);
        let budget =
            "mutation($ws: ID!) { setBudget(input: {workspaceId: $ws, period: DAY, limit: {amount: \"1000\",
            currency: \"USD\"}}) { budget { id } } }";
        self.make("budget", "/setBudget/budget/id", budget).await;
    }

    /// What changes with whatever is done in the workspace.
    pub async fn trace(&self) -> Value {
        let document = "query($ws: ID!) { workspace(id: $ws) { cursor auditEntries { totalCount }
            memories { totalCount } documents { totalCount } members { totalCount } } }";
        self.app.ok(&self.app.owner, document, self.variables.clone()).await
    }

    /// The whole answer, or the first message of a subscription.
    pub async fn ask(&self, case: &Case, person: Option<&Person>) -> Value {
        let token = person.map(|person| person.token.as_str());
        if case.field.starts_with("Subscription.") {
            return self.app.first_answer(token, case.document, self.variables.clone()).await;
        }
        self.app.ask(token, case.document, self.variables.clone()).await
    }

    pub async fn code_of(&self, case: &Case, person: Option<&Person>) -> Option<String> {
        code(&self.ask(case, person).await).map(str::to_owned)
    }
}
