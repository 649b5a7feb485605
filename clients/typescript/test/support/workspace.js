// A workspace in which several people do this and that, as a die decides.
import { setTimeout as pause } from "node:timers/promises";
import * as aifirst from "../../dist/index.js";

const { done } = aifirst;

const INVITE = `mutation($input: InviteMemberInput!) { inviteMember(input: $input) { token userErrors { code field message } } }`;
const ACCEPT = `mutation($token: String!) { acceptInvitation(input: { token: $token }) { membership { id } userErrors { code field message } } }`;
const REMOVE = `mutation($id: ID!) { removeMember(input: { membershipId: $id }) { removedMembershipId userErrors { code field message } } }`;
const ROLE = `mutation($id: ID!, $role: Role!) { changeRole(input: { membershipId: $id, role: $role }) { membership { id } userErrors { code field message } } }`;
const IMPORT = `mutation($input: ImportMemoriesInput!) { importMemories(input: $input) { created userErrors { code field message } } }`;
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

  /** Makes somebody a member. */
  async join(person, role) {
    const input = { workspaceId: this.id, email: "somebody@example.com", role };
    const { token } = done((await this.owner.request(INVITE, { input })).inviteMember);
    return done((await person.request(ACCEPT, { token })).acceptInvitation).membership.id;
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
    const { memory } = done((await who.request(aifirst.RememberDocument, { input })).remember);
    this.memories.push({ who, id: memory.id });
  }

  /** Some are new, some are there already with another text. */
  async import(who) {
    const items = [0, 1, 2].map(() => ({ externalId: `e${this.dice.throw(6)}`, text: `bat ${this.dice.throw(1000)}` }));
    const each = [...new Map(items.map((item) => [item.externalId, item])).values()];
    const input = { workspaceId: this.id, scope: this.dice.pick(["USER", "WORKSPACE"]), items: each };
    done((await who.request(IMPORT, { input })).importMemories);
  }

  async forget() {
    if (this.memories.length === 0) return;
    const [{ who, id }] = this.memories.splice(this.dice.throw(this.memories.length), 1);
    done((await who.request(aifirst.ForgetDocument, { memory: id })).forgetMemory);
  }

  async talk(who) {
    if (this.sessions.length === 0 || this.dice.throw(2) === 0) {
      const input = { workspaceId: this.id, topic: `week ${this.dice.throw(50)}` };
      const { session } = done((await who.request(aifirst.StartSessionDocument, { input })).startCoachingSession);
      this.sessions.push({ who, id: session.id });
    }
    const session = this.dice.pick(this.sessions);
    const input = { sessionId: session.id, text: `What of owl ${this.dice.throw(1000)}?` };
    const { turn } = done((await session.who.request(aifirst.SendMessageDocument, { input })).sendMessage);
    this.turns.push({ who: session.who, id: turn.id });
  }

  async endSession() {
    if (this.sessions.length === 0) return;
    const [{ who, id }] = this.sessions.splice(this.dice.throw(this.sessions.length), 1);
    done((await who.request(aifirst.EndSessionDocument, { session: id })).endCoachingSession);
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
    const { workflow } = done((await who.request(aifirst.CreateWorkflowDocument, { input })).createWorkflow);
    done((await who.request(aifirst.PublishWorkflowDocument, { workflow: workflow.id })).publishWorkflow);
    this.workflow = workflow.id;
  }

  async start(who) {
    if (!this.workflow) return;
    const { run } = done((await who.request(aifirst.StartRunDocument, { input: { workflowId: this.workflow } })).startRun);
    this.runs.push({ who, id: run.id });
  }

  /** Waits for a run that asks, and decides. */
  async decide(who) {
    const run = this.dice.pick(this.runs);
    if (!run) return;
    for await (const event of who.follow(aifirst.RunEventsDocument, { run: run.id })) {
      if (event.__typename !== "ApprovalRequested") continue;
      const input = { approvalId: event.approval.id, decision: this.dice.pick(["APPROVE", "REJECT"]) };
      done((await who.request(aifirst.DecideApprovalDocument, { input })).decideApproval);
      return;
    }
  }

  async cancel() {
    const run = this.dice.pick(this.runs);
    if (run) done((await run.who.request(aifirst.CancelRunDocument, { run: run.id })).cancelRun);
  }

  async come() {
    this.guest.membership ??= await this.join(this.guest.client, "MEMBER");
  }

  async go() {
    if (!this.guest.membership) return;
    done((await this.owner.request(REMOVE, { id: this.guest.membership })).removeMember);
    this.guest.membership = undefined;
  }

  async role() {
    const id = this.guest.membership;
    if (id) done((await this.owner.request(ROLE, { id, role: this.dice.pick(["VIEWER", "MEMBER", "ADMIN"]) })).changeRole);
  }

  async goal(who) {
    done((await who.request(GOAL, { input: { workspaceId: this.id, title: `fly ${this.dice.throw(9)}` } })).createGoal);
  }

  /** Waits until nothing happens by itself any more: each turn is over, each run is over or asks somebody who has for ever. */
  async rest() {
    const status = async ({ who, id }, type) => {
      const query = `query($id: ID!) { node(id: $id) { ... on ${type} { status } } }`;
      return (await who.request(query, { id })).node?.status;
    };
    for (const turn of this.turns) await until(async () => !["QUEUED", "RUNNING"].includes(await status(turn, "Turn")));
    for (const run of this.runs) await until(async () => !["QUEUED", "RUNNING"].includes(await status(run, "Run")));
    for (const run of this.runs) {
      if ((await status(run, "Run")) !== "WAITING") continue;
      for await (const event of run.who.follow(aifirst.RunEventsDocument, { run: run.id })) {
        if (event.__typename !== "ApprovalRequested") continue;
        const { id, expiresAt } = event.approval;
        if (!this.approvals.includes(id)) this.approvals.push(id);
        if (expiresAt === null) break;
        // It expires, and the run's end follows.
      }
    }
  }
}
