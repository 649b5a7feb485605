//! The table. A document may use each variable of [`super::world::World::variables`]; they name real things of the
//! owner's workspace. The owner carries the cases out in this order, once everybody else was refused: what destroys
//! stands last.

pub struct Case {
    /// `Mutation.remember`
    pub field: &'static str,
    pub document: &'static str,
    /// A member with the role VIEWER.
    pub viewer: May,
    /// The owner of another workspace.
    pub stranger: May,
}

pub enum May {
    Nobody,
    /// It is not shown to them, so it does not exist for them.
    Unseen,
    /// And why that is right.
    Everybody(&'static str),
}

impl Case {
    /// A viewer may, another tenant sees nothing.
    const fn read(field: &'static str, document: &'static str) -> Self {
        Self {
            field,
            document,
            viewer: May::Everybody("reading is what a viewer is for"),
            stranger: May::Nobody,
        }
    }

    /// Neither a viewer nor another tenant may.
    const fn write(field: &'static str, document: &'static str) -> Self {
        Self { field, document, viewer: May::Nobody, stranger: May::Nobody }
    }

    const fn unseen_by_viewers(self) -> Self {
        Self { viewer: May::Unseen, ..self }
    }

    const fn everybody_may(self, why: &'static str) -> Self {
        Self { viewer: May::Everybody(why), stranger: May::Everybody(why), ..self }
    }

    /// `remember`
    pub fn name(&self) -> &'static str {
        self.field.split_once('.').unwrap().1
    }
}

/// Each type that implements `Node`, and the variable that holds the id of one in the owner's workspace.
pub const NODES: &[(&str, &str)] = &[
    ("ApiKey", "key"),
    ("CoachingSession", "session"),
    ("Goal", "goal"),
    ("ActionItem", "actionItem"),
    ("Message", "message"),
    ("Turn", "turn"),
    ("AuditEntry", "audit"),
    ("ErasureReceipt", "receipt"),
    ("Invitation", "invitation"),
    ("LlmCall", "call"),
    ("Route", "route"),
    ("Budget", "budget"),
    ("Membership", "membership"),
    ("Memory", "memory"),
    ("Document", "document"),
    ("DocumentChunk", "chunk"),
    ("ServiceAccount", "service"),
    ("Viewer", "user"),
    ("Approval", "approval"),
    ("Run", "run"),
    ("StepRun", "step"),
    ("Workflow", "workflow"),
    ("WorkflowVersion", "version"),
    ("Workspace", "ws"),
];

pub fn all() -> Vec<Case> {
    [account(), memory(), workflow(), coaching(), gateway(), node(), endings()]
        .into_iter()
        .flatten()
        .collect()
}

fn account() -> Vec<Case> {
    vec![
        Case::read("Query.viewer", "{ viewer { id } }").everybody_may("it is oneself"),
        Case::read("Query.workspace", "query($ws: ID!) { workspace(id: $ws) { id name } }"),
        Case::write(
            "Mutation.createWorkspace",
            "mutation { createWorkspace(input: {name: \"Mine\"}) { workspace { id } userErrors { code } } }",
        )
        .everybody_may("a workspace of one's own touches nobody else's"),
        Case::write(
            "Mutation.updateWorkspace",
            "mutation($ws: ID!) { updateWorkspace(input: {workspaceId: $ws, name: \"Ours\"}) {
                workspace { name } userErrors { code } } }",
        ),
        Case::write(
            "Mutation.inviteMember",
            "mutation($ws: ID!) { inviteMember(input: {workspaceId: $ws, email: \"a@example.org\"}) {
                invitation { id } userErrors { code } } }",
        ),
        Case::write(
            "Mutation.createServiceAccount",
            "mutation($ws: ID!) { createServiceAccount(input: {workspaceId: $ws, name: \"Robot\"}) {
                serviceAccount { id } userErrors { code } } }",
        ),
        Case::write(
            "Mutation.createApiKey",
            "mutation($service: ID!) { createApiKey(input: {serviceAccountId: $service, name: \"k\"}) {
                apiKey { id } userErrors { code } } }",
        ),
        Case::write(
            "Mutation.registerTrustedDocuments",
            "mutation($ws: ID!) { registerTrustedDocuments(input: {workspaceId: $ws, application: \"web\",
                documents: [{id: \"1\", text: \"{ viewer { id } }\"}]}) { registered userErrors { code } } }",
        ),
        Case::write(
            "Mutation.retireTrustedDocuments",
            "mutation($ws: ID!) { retireTrustedDocuments(input: {workspaceId: $ws, documentIds: [\"1\"]}) {
                retired userErrors { code } } }",
        ),
        Case::write(
            "Mutation.setGuardrailPolicy",
            "mutation($ws: ID!) { setGuardrailPolicy(input: {workspaceId: $ws, name: \"keys\", stage: INPUT,
                rules: [{check: SECRET, action: MASK}]}) { guardrailPolicy { name } userErrors { code } } }",
        ),
        Case::write(
            "Mutation.keepCallContents",
            "mutation($ws: ID!) { keepCallContents(input: {workspaceId: $ws, keep: true}) {
                keepsCallContents userErrors { code } } }",
        ),
        Case::write(
            "Query.testGuardrails",
            "query($ws: ID!) { testGuardrails(workspaceId: $ws, text: \"x\", stage: INPUT) { action } }",
        ),
        Case::write(
            "Mutation.removeGuardrailPolicy",
            "mutation($ws: ID!) { removeGuardrailPolicy(input: {workspaceId: $ws, name: \"keys\"}) {
                removedName userErrors { code } } }",
        ),
        Case::write(
            "Mutation.changeRole",
            "mutation($membership: ID!) { changeRole(input: {membershipId: $membership, role: ADMIN}) {
                membership { role } userErrors { code } } }",
        ),
        Case::write(
            "Mutation.acceptInvitation",
            "mutation { acceptInvitation(input: {token: \"aifinv_\"}) { membership { id } userErrors { code } } }",
        )
        .everybody_may("the token is the leave; this one is none"),
    ]
}

fn memory() -> Vec<Case> {
    vec![
        Case::write(
            "Mutation.remember",
            "mutation($ws: ID!) { remember(input: {workspaceId: $ws, text: \"x\"}) {
                memory { id } userErrors { code } } }",
        ),
        Case::write(
            "Mutation.importMemories",
            "mutation($ws: ID!) { importMemories(input: {workspaceId: $ws, items: [{externalId: \"1\", text: \"x\"}]}) {
                created userErrors { code } } }",
        ),
        Case::write(
            "Mutation.addDocument",
            "mutation($ws: ID!) { addDocument(input: {workspaceId: $ws, title: \"x\", mediaType: \"text/plain\", text: \"x\"}) {
                document { id } userErrors { code } } }",
        ),
        Case::write(
            "Mutation.createUpload",
            "mutation($ws: ID!) { createUpload(input: {workspaceId: $ws, name: \"x\", mediaType: \"text/plain\", size: 1}) {
                upload { url } userErrors { code } } }",
        ),
        Case::write(
            "Mutation.extractMemories",
            "mutation($ws: ID!) { extractMemories(input: {workspaceId: $ws, dryRun: false, source: {text: {
                text: \"I prefer tea over coffee.\"}}}) { memories { id } userErrors { code } } }",
        ),
        Case::write(
            "Mutation.acceptMemories",
            "mutation($memory: ID!) { acceptMemories(input: {memoryIds: [$memory]}) {
                memories { id } userErrors { code } } }",
        ),
        Case::write(
            "Mutation.supersedeMemory",
            "mutation($memory: ID!) { supersedeMemory(input: {memoryId: $memory, by: {text: \"at nine\"}}) {
                memory { id } userErrors { code } } }",
        ),
        Case::write(
            "Mutation.rejectMemories",
            "mutation($memory: ID!) { rejectMemories(input: {memoryIds: [$memory]}) {
                memories { id } userErrors { code } } }",
        ),
    ]
}

fn workflow() -> Vec<Case> {
    vec![
        Case::write(
            "Mutation.createWorkflow",
            "mutation($ws: ID!) { createWorkflow(input: {workspaceId: $ws, name: \"W\", graph: {steps: [
                {key: \"a\", action: {transform: {expression: \"1\"}}}]}}) { workflow { id } userErrors { code } } }",
        ),
        Case::write(
            "Mutation.updateWorkflow",
            "mutation($workflow: ID!) { updateWorkflow(input: {workflowId: $workflow, name: \"V\"}) {
                workflow { name } userErrors { code } } }",
        ),
        Case::write(
            "Mutation.publishWorkflow",
            "mutation($workflow: ID!) { publishWorkflow(input: {workflowId: $workflow}) {
                version { id } userErrors { code } } }",
        ),
        Case::write(
            "Mutation.startRun",
            "mutation($workflow: ID!) { startRun(input: {workflowId: $workflow}) { run { id } userErrors { code } } }",
        ),
        Case::read(
            "Query.changes",
            "query($ws: ID!, $cursor: Cursor) { changes(workspaceId: $ws, after: $cursor) { changes { kind } cursor } }",
        ),
        Case::read(
            "Subscription.changes",
            "subscription($ws: ID!, $cursor: Cursor) { changes(workspaceId: $ws, after: $cursor) { cursor } }",
        ),
        Case::read(
            "Subscription.runEvents",
            "subscription($run: ID!) { runEvents(runId: $run) { cursor } }",
        ),
        Case::write(
            "Mutation.decideApproval",
            "mutation($approval: ID!) { decideApproval(input: {approvalId: $approval, decision: REJECT}) {
                approval { id } userErrors { code } } }",
        ),
        Case::write(
            "Mutation.cancelRun",
            "mutation($run: ID!) { cancelRun(input: {runId: $run}) { run { id } userErrors { code } } }",
        ),
    ]
}

/// A session is its owner's alone: to a viewer of the workspace it does not exist.
fn coaching() -> Vec<Case> {
    vec![
        Case::write(
            "Mutation.createGoal",
            "mutation($ws: ID!) { createGoal(input: {workspaceId: $ws, title: \"Run\"}) { goal { id } userErrors { code } } }",
        ),
        Case::write(
            "Mutation.updateGoal",
            "mutation($goal: ID!) { updateGoal(input: {goalId: $goal, progress: 0.5}) { goal { progress } userErrors { code } } }",
        )
        .unseen_by_viewers(),
        Case::write(
            "Mutation.createActionItem",
            "mutation($ws: ID!) { createActionItem(input: {workspaceId: $ws, text: \"Run\"}) {
                actionItem { id } userErrors { code } } }",
        ),
        Case::write(
            "Mutation.updateActionItem",
            "mutation($actionItem: ID!) { updateActionItem(input: {actionItemId: $actionItem, status: DONE}) {
                actionItem { status } userErrors { code } } }",
        )
        .unseen_by_viewers(),
        Case::write(
            "Mutation.updateCoachingSession",
            "mutation($session: ID!) { updateCoachingSession(input: {sessionId: $session, topic: \"Us\"}) {
                session { topic } userErrors { code } } }",
        )
        .unseen_by_viewers(),
        Case::write(
            "Mutation.startCoachingSession",
            "mutation($ws: ID!) { startCoachingSession(input: {workspaceId: $ws}) { session { id } userErrors { code } } }",
        ),
        Case::read(
            "Subscription.coachingEvents",
            "subscription($session: ID!) { coachingEvents(sessionId: $session) { cursor } }",
        )
        .unseen_by_viewers(),
        Case::write(
            "Mutation.interruptTurn",
            "mutation($turn: ID!) { interruptTurn(input: {turnId: $turn}) { turn { id } userErrors { code } } }",
        )
        .unseen_by_viewers(),
        Case::write(
            "Mutation.sendMessage",
            "mutation($session: ID!) { sendMessage(input: {sessionId: $session, text: \"x\"}) {
                turn { id } userErrors { code } } }",
        )
        .unseen_by_viewers(),
        Case::write(
            "Mutation.endCoachingSession",
            "mutation($session: ID!) { endCoachingSession(input: {sessionId: $session}) {
                session { id } userErrors { code } } }",
        )
        .unseen_by_viewers(),
    ]
}

fn gateway() -> Vec<Case> {
    vec![
        Case::read(
            "Query.explainRoute",
            "query($ws: ID!) { explainRoute(workspaceId: $ws, route: \"default\") { chosen { model } } }",
        ),
        Case::write(
            "Mutation.setRoute",
            "mutation($ws: ID!) { setRoute(input: {workspaceId: $ws, name: \"other\", settings: {targets: [
                {provider: \"builtin\", model: \"builtin\"}]}}) { route { id } userErrors { code } } }",
        ),
        Case::write(
            "Mutation.setBudget",
            "mutation($ws: ID!) { setBudget(input: {workspaceId: $ws, period: MONTH, limit: {amount: \"9\", currency: \"USD\"}}) {
                budget { id } userErrors { code } } }",
        ),
        Case::write(
            "Subscription.llmCallEvents",
            "subscription($ws: ID!, $cursor: Cursor) { llmCallEvents(workspaceId: $ws, after: $cursor) { cursor } }",
        ),
    ]
}

fn node() -> Vec<Case> {
    vec![
        Case::read("Query.node", "query($memory: ID!) { node(id: $memory) { id } }"),
        Case::read("Query.nodes", "query($memory: ID!) { nodes(ids: [$memory]) { id } }"),
    ]
}

fn endings() -> Vec<Case> {
    vec![
        Case::write(
            "Mutation.removeRoute",
            "mutation($route: ID!) { removeRoute(input: {routeId: $route}) { removedId userErrors { code } } }",
        ),
        Case::write(
            "Mutation.forgetMemory",
            "mutation($memory: ID!) { forgetMemory(input: {memoryId: $memory}) {
                receipt { id } userErrors { code } } }",
        ),
        Case::write(
            "Mutation.mergeEntities",
            "mutation($ws: ID!) { mergeEntities(input: {workspaceId: $ws, into: \"Ana\", names: [\"Annie\"]}) {
                entity { name } userErrors { code } } }",
        ),
        Case::write(
            "Mutation.separateEntities",
            "mutation($ws: ID!) { separateEntities(input: {workspaceId: $ws, names: [\"Annie\"]}) {
                entities { name } userErrors { code } } }",
        ),
        Case::write(
            "Mutation.forgetAbout",
            "mutation($ws: ID!) { forgetAbout(input: {workspaceId: $ws, about: \"nobody\", dryRun: false}) {
                receipt { id } userErrors { code } } }",
        ),
        Case::write(
            "Mutation.forgetDocument",
            "mutation($document: ID!) { forgetDocument(input: {documentId: $document}) {
                receipt { id } userErrors { code } } }",
        ),
        Case::write(
            "Mutation.removeBudget",
            "mutation($budget: ID!) { removeBudget(input: {budgetId: $budget}) {
                removedBudgetId userErrors { code } } }",
        )
        .unseen_by_viewers(),
        Case::write(
            "Mutation.revokeInvitation",
            "mutation($invitation: ID!) { revokeInvitation(input: {invitationId: $invitation}) {
                invitation { status } userErrors { code } } }",
        ),
        Case::write(
            "Mutation.revokeApiKey",
            "mutation($key: ID!) { revokeApiKey(input: {apiKeyId: $key}) { apiKey { id } userErrors { code } } }",
        )
        .unseen_by_viewers(),
        Case::write(
            "Mutation.deleteServiceAccount",
            "mutation($service: ID!) { deleteServiceAccount(input: {serviceAccountId: $service}) {
                deletedServiceAccountId userErrors { code } } }",
        ),
        Case::write(
            "Mutation.removeMember",
            "mutation($membership: ID!) { removeMember(input: {membershipId: $membership}) {
                removedMembershipId userErrors { code } } }",
        ),
    ]
}
