// A workspace in which several people do this and that, as a die decides.
import { setTimeout as pause } from "node:timers/promises";
import * as aifirst from "../../dist/index.js";

const { done } = aifirst;

const INVITE = `mutation($input: InviteMemberInput!) { inviteMember(input: $input) { token invitation { id } userErrors { code field message } } }`;
const ACCEPT = `mutation($token: String!) { acceptInvitation(input: { token: $token }) { membership { id } userErrors { code field message } } }`;
const REMOVE = `mutation($id: ID!) { removeMember(input: { membershipId: $id }) { removedMembershipId userErrors { code field message } } }`;
const ROLE = `mutation($id: ID!, $role: Role!) { changeRole(input: { membershipId: $id, role: $role }) { membership { id } userErrors { code field message } } }`;
const IMPORT = `mutation($input: ImportMemoriesInput!) { importMemories(input: $input) { memories { id } userErrors { code field message } } }`;
const GOAL = `mutation($input: CreateGoalInput!) { createGoal(input: $input) { goal { id } userErrors { code field message } } }`;

/** Asks until it is so: for what the server does behind an answer. */
export async function until(what, limitMs = 30_000) {
  for (const end = Date.now() + limitMs; ; await pause(20)) {
    const found = await what();
    if (found) return found;
    if (Date.now() > end) throw new Error(`it did not come to be: ${what}`);
  }
}

export class Workspace {
  /** What there is to do something with: each with whose it is. */
  memories = [];
  sessions = [];
  turns = [];
  runs = [];
  approvals = [];
  workflow;
  guest;
  /** The ids of all that was made. */
  made = new Set();

  constructor(id, dice, owner, others) {
    this.id = id;
    this.dice = dice;
    this.owner = owner;
    this.others = others;
  }

  static async create(dice, owner, name) {
    const { workspace } = done((await owner.request(aifirst.CreateWorkspaceDocument, { input: { name } })).createWorkspace);
    return new Workspace(workspace.id, dice, owner, []);
  }

  /** What a mutation gives; what it made is kept in mind. */
  async do(who, document, variables) {
    const [payload] = Object.values(await who.request(document, variables));
    this.note(done(payload));
    return payload;
  }

  /** The place itself and the people in it are made by nobody here. */
  note(answer) {
    if (typeof answer !== "object" || answer === null) return;
    if (typeof answer.id === "string" && !/^(ws|user)_/.test(answer.id)) this.made.add(answer.id);
    for (const field of Object.values(answer)) this.note(field);
  }

  /** Makes somebody a member. */
  async join(person, role) {
    const input = { workspaceId: this.id, email: "somebody@example.com", role };
    const { token } = await this.do(this.owner, INVITE, { input });
    return (await this.do(person, ACCEPT, { token })).membership.id;
  }

  /** Somebody does something. What a second one was quicker with is refused, and nothing more. */
  async something() {
    const acts = ["remember", "remember", "import", "forget", "talk", "endSession", "define", "start", "start", "decide", "cancel", "come", "go", "role", "goal"];
    const act = this.dice.pick(acts);
    try {
      await this[act](this.dice.pick([this.owner, ...this.others]));
    } catch (error) {
      if (!(error instanceof aifirst.InputError) || error.problems.some(({ code }) => code !== "CONFLICT")) throw error;
    }
    return act;
  }

  async remember(who) {
    const input = { workspaceId: this.id, text: `owl ${this.dice.throw(1000)}`, scope: this.dice.pick(["USER", "WORKSPACE"]) };
    const { memory } = await this.do(who, aifirst.RememberDocument, { input });
    this.memories.push({ who, id: memory.id });
  }

  /** Some are new, some are there already with another text. */
  async import(who) {
    const items = [0, 1, 2].map(() => ({ externalId: `e${this.dice.throw(6)}`, text: `bat ${this.dice.throw(1000)}` }));
    const each = [...new Map(items.map((item) => [item.externalId, item])).values()];
    const input = { workspaceId: this.id, scope: this.dice.pick(["USER", "WORKSPACE"]), items: each };
    await this.do(who, IMPORT, { input });
  }

  async forget() {
    if (this.memories.length === 0) return;
    const [{ who, id }] = this.memories.splice(this.dice.throw(this.memories.length), 1);
    await this.do(who, aifirst.ForgetDocument, { memory: id });
  }

  async talk(who) {
    if (this.sessions.length === 0 || this.dice.throw(2) === 0) {
      const input = { workspaceId: this.id, topic: `week ${this.dice.throw(50)}` };
      const { session } = await this.do(who, aifirst.StartSessionDocument, { input });
      this.sessions.push({ who, id: session.id });
    }
    const session = this.dice.pick(this.sessions);
    const input = { sessionId: session.id, text: `What of owl ${this.dice.throw(1000)}?` };
    const { turn } = await this.do(session.who, aifirst.SendMessageDocument, { input });
    this.turns.push({ who: session.who, id: turn.id });
  }

  async endSession() {
    if (this.sessions.length === 0) return;
    const [{ who, id }] = this.sessions.splice(this.dice.throw(this.sessions.length), 1);
    await this.do(who, aifirst.EndSessionDocument, { session: id });
  }

  async define(who) {
    if (this.workflow && this.dice.throw(4) > 0) return;
    const steps = [
      { key: "seen", action: { memoryRecall: { query: "owl" } } },
      { key: "sum", after: ["seen"], action: { transform: { expression: "1 + 1" } } },
      { key: "ok", after: ["sum"], action: { approval: { title: "Go on?", ...this.dice.pick([{}, { expiresAfter: "PT0.2S", onExpiry: "FAIL" }, { expiresAfter: "PT0.2S" }]) } } },
      { key: "keep", after: ["ok"], when: "steps.ok.output.approved == true", action: { memoryWrite: { text: "owls were looked at" } } },
    ];
    const input = { workspaceId: this.id, name: "Look", slug: `look-${this.dice.throw(1e9)}`, graph: { steps } };
    const { workflow } = await this.do(who, aifirst.CreateWorkflowDocument, { input });
    await this.do(who, aifirst.PublishWorkflowDocument, { workflow: workflow.id });
    this.workflow = workflow.id;
  }

  async start(who) {
    if (!this.workflow) return;
    const { run } = await this.do(who, aifirst.StartRunDocument, { input: { workflowId: this.workflow } });
    this.runs.push({ who, id: run.id });
  }

  /** Waits for a run that asks, and decides. */
  async decide(who) {
    const run = this.dice.pick(this.runs);
    if (!run) return;
    for await (const event of who.follow(aifirst.RunEventsDocument, { run: run.id })) {
      if (event.__typename !== "ApprovalRequested") continue;
      const input = { approvalId: event.approval.id, decision: this.dice.pick(["APPROVE", "REJECT"]) };
      await this.do(who, aifirst.DecideApprovalDocument, { input });
      return;
    }
  }

  async cancel() {
    const run = this.dice.pick(this.runs);
    if (run) await this.do(run.who, aifirst.CancelRunDocument, { run: run.id });
  }

  async come() {
    this.guest.membership ??= await this.join(this.guest.client, "MEMBER");
  }

  async go() {
    if (!this.guest.membership) return;
    await this.do(this.owner, REMOVE, { id: this.guest.membership });
    this.guest.membership = undefined;
  }

  async role() {
    const id = this.guest.membership;
    if (id) await this.do(this.owner, ROLE, { id, role: this.dice.pick(["VIEWER", "MEMBER", "ADMIN"]) });
  }

  async goal(who) {
    await this.do(who, GOAL, { input: { workspaceId: this.id, title: `fly ${this.dice.throw(9)}` } });
  }

  /** Waits until nothing happens by itself any more: each turn is over, each run is over or asks somebody who has for ever. */
  async rest() {
    const status = async ({ who, id }, type) => {
      // What the server made of it, too.
      const parts = { Turn: "message { id } reply { id }", Run: "steps(first: 100) { nodes { id } }" };
      const query = `query($id: ID!) { node(id: $id) { ... on ${type} { status ${parts[type]} } } }`;
      const { node } = await who.request(query, { id });
      this.note(node);
      return node?.status;
    };
    for (const turn of this.turns) await until(async () => !["QUEUED", "RUNNING"].includes(await status(turn, "Turn")));
    for (const run of this.runs) await until(async () => !["QUEUED", "RUNNING"].includes(await status(run, "Run")));
    for (const run of this.runs) {
      if ((await status(run, "Run")) !== "WAITING") continue;
      for await (const event of run.who.follow(aifirst.RunEventsDocument, { run: run.id })) {
        if (event.__typename !== "ApprovalRequested") continue;
        const { id, expiresAt } = event.approval;
        this.note(event.approval);
        if (!this.approvals.includes(id)) this.approvals.push(id);
        if (expiresAt === null) break;
        // It expires, and the run's end follows.
      }
    }
  }
}
