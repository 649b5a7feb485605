// Generated from schema.graphql and operations/ by `npm run generate`. Do not edit.
import { Operation } from "./document.js";
import type { Cursor } from "./scalars.js";
/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
/** What became of an action item. New values may come. */
export type ActionItemStatus =
  /** It is not to be done any more. */
  | 'DISMISSED'
  /** It is done. */
  | 'DONE'
  /** It is to be done. */
  | 'OPEN'
  | '%future added value';

/** What an API key is good for, whatever the role of its bearer; READ, WRITE and ADMIN each include the ones before. */
export type ApiKeyScope =
  /** Change people, keys and settings. */
  | 'ADMIN'
  /**
   * Register trusted documents and read the schema, nothing else: for the build of a frontend. It stands alone; ADMIN
   * includes it.
   */
  | 'DOCUMENTS'
  /** See what its bearer sees. */
  | 'READ'
  /** Change content: memories, sessions, workflows. */
  | 'WRITE'
  | '%future added value';

/** Asks a person, and waits. Output: `{approved, comment, form, decidedBy}`. */
export type ApprovalActionInput = {
  /** How long the person has; for ever if left out. */
  readonly expiresAfter?: string | null | undefined;
  /** What the person is to fill in, as JSON that clients agree upon, at most 16 KB. */
  readonly form?: unknown;
  /** What happens then. */
  readonly onExpiry?: ExpiryOutcome;
  /** What is asked, a template of at most 500 characters. Every member of the workspace can read it. */
  readonly title: string;
};

/** What was decided about an approval. */
export type ApprovalDecision =
  /** Go on. */
  | 'APPROVE'
  /** Do not: the steps after it see `approved: false`. */
  | 'REJECT'
  | '%future added value';

/** Where an approval is in its life. */
export type ApprovalStatus =
  /** Somebody approved. */
  | 'APPROVED'
  /** The run ended before anybody decided. */
  | 'CANCELLED'
  /** Nobody decided in time; the graph says what then. */
  | 'EXPIRED'
  /** Nobody has decided yet. */
  | 'PENDING'
  /** Somebody rejected. */
  | 'REJECTED'
  | '%future added value';

/** What kind of change was made. New ones may come. */
export type AuditAction =
  /** An API key was made. */
  | 'API_KEY_CREATED'
  /** An API key was revoked. */
  | 'API_KEY_REVOKED'
  /** A budget was changed. */
  | 'BUDGET_CHANGED'
  /** A budget was removed. */
  | 'BUDGET_REMOVED'
  /** A budget was set. */
  | 'BUDGET_SET'
  /** From then on contents of calls of models are kept, or are not any more. */
  | 'CALL_CONTENTS_SET'
  /** Trusted documents were registered. */
  | 'DOCUMENTS_REGISTERED'
  /** Trusted documents were retired. */
  | 'DOCUMENTS_RETIRED'
  /** A guardrail found something in a call of a model that somebody is to look at. */
  | 'GUARDRAIL_ESCALATED'
  /** A guardrail policy was removed. */
  | 'GUARDRAIL_POLICY_REMOVED'
  /** A guardrail policy was made or changed. */
  | 'GUARDRAIL_POLICY_SET'
  /** Somebody came in by an invitation. */
  | 'INVITATION_ACCEPTED'
  /** An invitation was withdrawn. */
  | 'INVITATION_REVOKED'
  /** The server's operator made somebody a member. */
  | 'MEMBER_ADDED'
  /** Somebody was invited. */
  | 'MEMBER_INVITED'
  /** A membership ended. */
  | 'MEMBER_REMOVED'
  /** A member got another role. */
  | 'ROLE_CHANGED'
  /** A route was set that was not there before. */
  | 'ROUTE_CREATED'
  /** A route was removed. */
  | 'ROUTE_REMOVED'
  /** A route was set anew, or the server's own of its name holds again. */
  | 'ROUTE_UPDATED'
  /** An account for a program was made. */
  | 'SERVICE_ACCOUNT_CREATED'
  /** An account for a program ended, and its keys with it. */
  | 'SERVICE_ACCOUNT_DELETED'
  /** A person became known to the server. */
  | 'USER_CREATED'
  /** A workspace was made. */
  | 'WORKSPACE_CREATED'
  /** A workspace got another name. */
  | 'WORKSPACE_UPDATED'
  | '%future added value';

/** What becomes of a call that does not fit into a budget any more. */
export type BudgetAction =
  /**
   * It is refused: BUDGET_EXCEEDED. Nothing is ever spent beyond the limit. A model whose price is not known is
   * refused, too.
   */
  | 'BLOCK'
  /** It goes along `downgradeRoute`, and is refused where there is none. */
  | 'DOWNGRADE'
  /** It passes. `exceededAt` and `changes` tell of the first one in a period. */
  | 'WARN'
  | '%future added value';

/** What happened to a thing. */
export type ChangeKind =
  /** It is new: add it, or replace what is there. */
  | 'CREATED'
  /** It is gone: remove it, for good. */
  | 'DELETED'
  /** It is different now: replace it. */
  | 'UPDATED'
  | '%future added value';

/** What a session is for. */
export type CoachingMode =
  /** An open conversation. */
  | 'CHAT'
  /** A short look at how it goes. */
  | 'CHECK_IN'
  /** At the person's side while they work. */
  | 'LIVE_ASSIST'
  /** The coach plays a part, to practise with. */
  | 'ROLE_PLAY'
  | '%future added value';

/** Where a session is in its life. */
export type CoachingSessionStatus =
  /** Messages can be sent. */
  | 'ACTIVE'
  /** It is over, with a summary. */
  | 'ENDED'
  /** It rests; nothing is sent until it goes on. */
  | 'PAUSED'
  | '%future added value';

/** A new workflow. */
export type CreateWorkflowInput = {
  /** A UUID of the client's own, for what it creates offline: the same one again is the same workflow, for ever. */
  readonly clientId?: string | null | undefined;
  /** Its steps. */
  readonly graph: WorkflowGraphInput;
  /** Makes a repeated request give the first one's answer, for 24 hours. */
  readonly idempotencyKey?: string | null | undefined;
  /** A JSON schema that tells what a run's input looks like: templates are checked against its properties, inputs not yet. */
  readonly inputSchema?: unknown;
  /** What people call it, at most 100 characters. */
  readonly name: string;
  /**
   * Its short name in addresses, unique in the workspace: a–z, 0–9 and hyphens, at most 50; made from the name if
   * left out.
   */
  readonly slug?: string | null | undefined;
  /** The workspace that it lies in. */
  readonly workspaceId: string;
};

/** A new workspace. */
export type CreateWorkspaceInput = {
  /** Makes a repeated request give the first one's answer, for 24 hours. */
  readonly idempotencyKey?: string | null | undefined;
  /** What people call it, at most 200 characters. */
  readonly name: string;
  /** Its short name in addresses: a–z, 0–9 and hyphens, at most 50; made from the name if left out. */
  readonly slug?: string | null | undefined;
};

/** A decision. */
export type DecideApprovalInput = {
  /** The approval that is decided. */
  readonly approvalId: string;
  /** Why, at most 2,000 characters. The steps after it see it. */
  readonly comment?: string | null | undefined;
  /** What was decided. */
  readonly decision: ApprovalDecision;
  /** The answers to the approval's form, at most 64 KB. The steps after it see them. */
  readonly form?: unknown;
};

/** Why a file could not be read. New reasons may come. */
export type DocumentFailure =
  /** It is not of the type that it was sent as, or it is damaged. */
  | 'BROKEN'
  /** It is locked with a password. */
  | 'ENCRYPTED'
  /** There are no words in it: pictures of pages, for example. */
  | 'NO_TEXT'
  /** Reading it takes more time or memory than a document may have. */
  | 'TOO_COMPLEX'
  /** It has more than 4 MB of text: send it in parts. */
  | 'TOO_MUCH_TEXT'
  /** It is no text in UTF-8. */
  | 'WRONG_ENCODING'
  | '%future added value';

/** How far a document is. New states may come. */
export type DocumentStatus =
  /** The last file could not be read: `failure` says why. What the document said before is found as ever. */
  | 'FAILED'
  /** A file is being read: its text comes. What the document said before is found until then. */
  | 'PROCESSING'
  /** Recall finds it. */
  | 'READY'
  | '%future added value';

/** Where something may go. */
export type Egress =
  /** To every provider of models. */
  | 'ALLOWED'
  /** To providers alone that the operator marked as internal: on this machine, or in the operator's own house. */
  | 'INTERNAL_ONLY'
  | '%future added value';

/** What happens to an approval that nobody decided in time. */
export type ExpiryOutcome =
  /** As if approved. */
  | 'APPROVE'
  /** The step fails, and with it the run. */
  | 'FAIL'
  /** As if rejected. */
  | 'REJECT'
  | '%future added value';

/** What became of a goal. New values may come. */
export type GoalStatus =
  /** It was given up. */
  | 'ABANDONED'
  /** It is reached. */
  | 'ACHIEVED'
  /** It is being worked towards. */
  | 'ACTIVE'
  | '%future added value';

/** How far an invitation has come. */
export type InvitationStatus =
  /** Somebody came in by it. */
  | 'ACCEPTED'
  /** Nobody accepted it in time. */
  | 'EXPIRED'
  /** It can be accepted. */
  | 'PENDING'
  /** It was withdrawn. */
  | 'REVOKED'
  | '%future added value';

/**
 * Asks a language model. Output: `{text, finishReason, usage: {inputTokens, outputTokens}}`, with an `outputSchema`
 * also `json`.
 */
export type LlmActionInput = {
  /**
   * Set where the answer is to be JSON: a JSON schema of it, draft 06 or later. An answer that does not fit is a failed
   * attempt. References lead to the schema itself alone, and what it asks is bounded.
   */
  readonly outputSchema?: unknown;
  /** What is asked, a template of at most 20,000 characters. */
  readonly prompt: string;
  /** Which route of the gateway is asked. */
  readonly route?: string;
  /**
   * What the model may have done while it answers, as whoever started the run: recall, remember, create_action_item,
   * start_workflow. Takes a model that knows tools. An attempt that is made anew may use them anew.
   */
  readonly tools?: ReadonlyArray<string>;
};

/** Which memories are wanted; what is left out wants all. */
export type MemoryFilter = {
  /** In a collection whose name begins so, upper and lower case being different. */
  readonly collectionPrefix?: string | null | undefined;
  /** Of one of these kinds. */
  readonly kinds?: ReadonlyArray<MemoryKind> | null | undefined;
  /** Of one of these scopes. */
  readonly scopes?: ReadonlyArray<MemoryScope> | null | undefined;
  /** In one of these states. */
  readonly statuses?: ReadonlyArray<MemoryStatus> | null | undefined;
};

/** What sort of thing is remembered. New kinds may come: show an unknown one as a note. */
export type MemoryKind =
  /** Something said or done at a time: a turn of a conversation, an event. */
  | 'EPISODE'
  /** Something that is so. */
  | 'FACT'
  /** Something written down. */
  | 'NOTE'
  /** What keeps happening. */
  | 'PATTERN'
  /** What somebody likes, wants or avoids. */
  | 'PREFERENCE'
  /** The gist of something longer. */
  | 'SUMMARY'
  | '%future added value';

/** Looks into memory. Output: `{memories: [{id, text, kind, occurredAt, speaker, score}]}`, the best first. */
export type MemoryRecallActionInput = {
  /** How many memories at most, 1 to 100. */
  readonly limit?: number;
  /** What to look for, a template. */
  readonly query: string;
};

/** Who reads a memory. */
export type MemoryScope =
  /** Only the one who wrote it, within one coaching session. */
  | 'SESSION'
  /** Only the one who wrote it. */
  | 'USER'
  /** Every member of the workspace. */
  | 'WORKSPACE'
  | '%future added value';

/** Where a memory is in its life. */
export type MemoryStatus =
  /** In use: recall finds it. */
  | 'ACTIVE'
  /** Proposed, not yet taken up. */
  | 'CANDIDATE'
  /** Its time is over. */
  | 'EXPIRED'
  /** Erased on request. */
  | 'FORGOTTEN'
  /** It went into another memory that says the same. */
  | 'MERGED'
  /** Proposed and refused. */
  | 'REJECTED'
  /** A newer memory says otherwise. */
  | 'SUPERSEDED'
  | '%future added value';

/** Writes a memory, exactly once in a run. Output: `{memoryId}`. */
export type MemoryWriteActionInput = {
  /** What sort of memory it is. */
  readonly kind?: MemoryKind;
  /** Who reads it: USER or WORKSPACE. */
  readonly scope?: MemoryScope;
  /** What to remember, a template. */
  readonly text: string;
};

/** Who said a message. */
export type MessageRole =
  /** The coach. */
  | 'COACH'
  /** The person. */
  | 'USER'
  | '%future added value';

/** How far a message is. New values may come. */
export type MessageStatus =
  /** It is whole. */
  | 'COMPLETED'
  /** Nothing came. */
  | 'FAILED'
  /** It broke off; what had been said stays. */
  | 'INCOMPLETE'
  /** It was stopped; what had been said stays. */
  | 'INTERRUPTED'
  /** The coach is still speaking. */
  | 'STREAMING'
  | '%future added value';

/** What the hits of a recall are put together by. */
export type RecallGroupBy =
  /** Their collection: the best conversations, notebooks or documents, each with its best hits. */
  | 'COLLECTION'
  /** Nothing: the best hits, each by itself. */
  | 'NONE'
  | '%future added value';

/** What to look for. */
export type RecallInput = {
  /** The same as `trueAt`: give one of the two. */
  readonly asOf?: string | null | undefined;
  /**
   * Only what is in a collection whose name begins so, upper and lower case being different. A document is one, named by
   * its id.
   */
  readonly collectionPrefix?: string | null | undefined;
  /**
   * How much it counts against a hit that it says the same as a better one, 0 to 1. Above 0 the best 200 are chosen from one
   * by one (maximal marginal relevance), and scores need not fall from hit to hit.
   */
  readonly diversity?: number;
  /** What the hits are put together by. */
  readonly groupBy?: RecallGroupBy;
  /** Only memories of these kinds, and no documents. */
  readonly kinds?: ReadonlyArray<MemoryKind> | null | undefined;
  /**
   * What was known here at this time: without what was written or changed later, and with what was superseded later.
   * What was forgotten or has expired is never found.
   */
  readonly knownAt?: string | null | undefined;
  /** How many hits at most, or groups, 1 to 100. */
  readonly limit?: number;
  /**
   * A question or words, at most 10,000 characters. What stands in quotation marks is a phrase: hits that hold its words
   * next to each other, in any form, come first. No other sign means anything.
   */
  readonly query: string;
  /** How much age counts; not at all where nothing is said. */
  readonly recency?: RecencyInput | null | undefined;
  /** Where to look: USER and WORKSPACE if nothing is said; SESSION adds the caller's own coaching sessions. */
  readonly scopes?: ReadonlyArray<MemoryScope> | null | undefined;
  /**
   * How many tokens the texts of all hits together may have, as `usedTokens` counts them. A hit that does not fit
   * is passed over.
   */
  readonly tokenBudget?: number | null | undefined;
  /**
   * Only what was so at this time, by `validFrom` and `validTo`, and what was superseded but was so then. What says
   * nothing of its time counts as always so.
   */
  readonly trueAt?: string | null | undefined;
};

/** How much age counts in a recall. */
export type RecencyInput = {
  /** After so long something is half as recent, by when it happened, or was written where that is not known. */
  readonly halfLife: string;
  /** The share of its score that what is not recent at all loses, 0 to 1. */
  readonly weight?: number;
};

/** One memory to write. */
export type RememberInput = {
  /**
   * A UUID that the client gives what it writes offline: the same one with the same content is the same memory,
   * for ever.
   */
  readonly clientId?: string | null | undefined;
  /** What it belongs to with its neighbours, at most 500 characters: a conversation, a notebook. */
  readonly collection?: string | null | undefined;
  /** Which providers of models may see it. What is INTERNAL_ONLY is left out of what an outside provider is asked. */
  readonly egress?: Egress;
  /** When it goes out of use: from then on it is not recalled. */
  readonly expiresAt?: string | null | undefined;
  /** The id in the system that it comes from, at most 500 characters. */
  readonly externalId?: string | null | undefined;
  /** Makes a repeated request give the first one's answer, for 24 hours. */
  readonly idempotencyKey?: string | null | undefined;
  /**
   * How much it matters, 0 to 1: what matters most gets a fifth on its score in a recall, what does not matter at all loses
   * one. What says nothing stands as 0.5.
   */
  readonly importance?: number | null | undefined;
  /** What sort of thing it is. */
  readonly kind?: MemoryKind;
  /** When it was said or happened. */
  readonly occurredAt?: string | null | undefined;
  /** Who reads it. */
  readonly scope?: MemoryScope;
  /** The coaching session that it belongs to: with scope SESSION, and only then. */
  readonly sessionId?: string | null | undefined;
  /** Who said it, at most 200 characters. Recall finds it by this name too. */
  readonly speaker?: string | null | undefined;
  /** What to remember, at most 10,000 characters. */
  readonly text: string;
  /** When it began to be so, where that is known. */
  readonly validFrom?: string | null | undefined;
  /** When it ended to be so, exclusive. */
  readonly validTo?: string | null | undefined;
  /** The workspace that it lies in. */
  readonly workspaceId: string;
};

/** What to do when a step fails. An attempt that was lost with its server is always repeated and does not count. */
export type RetryPolicyInput = {
  /** What each wait is multiplied by to give the next, 1 to 10; 2 if left out. */
  readonly backoff?: number | null | undefined;
  /** How long to wait before the second attempt, at most PT1H; PT1S if left out. */
  readonly initialDelay?: string | null | undefined;
  /** Attempts in all, 1 to 20. */
  readonly maxAttempts?: number;
  /** The longest wait; PT1M if left out. */
  readonly maxDelay?: string | null | undefined;
  /** Error codes after which no other attempt is made, at most 20, such as TIMEOUT. */
  readonly nonRetryable?: ReadonlyArray<string> | null | undefined;
};

/** What a member may do in a workspace; each role may do what the ones below it may. */
export type Role =
  /** People, keys and settings. */
  | 'ADMIN'
  /** Content: memories, sessions, workflows. */
  | 'MEMBER'
  /** Everything, including other owners. */
  | 'OWNER'
  /** Look, but change nothing. */
  | 'VIEWER'
  | '%future added value';

/** Which target is tried first. */
export type RouteOrder =
  /** The first in the list; the others stand in for it. */
  | 'ORDERED'
  /** One by chance, by the weights; then the others, by theirs. */
  | 'WEIGHTED'
  | '%future added value';

/** Which runs are wanted; what is left out wants all. */
export type RunFilter = {
  /** In one of these states. */
  readonly status?: ReadonlyArray<RunStatus> | null | undefined;
  /** Of this workflow, whatever the version. */
  readonly workflowId?: string | null | undefined;
};

/** Where a run is in its life. New values may come: treat an unknown one as RUNNING. */
export type RunStatus =
  /** Ended on request. */
  | 'CANCELLED'
  /** Being ended on request. Not used yet: a cancellation is immediate. */
  | 'CANCELLING'
  /** Being undone after a failure. Not used yet. */
  | 'COMPENSATING'
  /** All steps are done or skipped. */
  | 'COMPLETED'
  /** A step failed for good; `error` tells which. */
  | 'FAILED'
  /** Held back on request. Not used yet. */
  | 'PAUSED'
  /** Not begun yet. */
  | 'QUEUED'
  /** Something is being done. */
  | 'RUNNING'
  /** It took longer than it may. Not used yet. */
  | 'TIMED_OUT'
  /** For a person, a time, or the next attempt. */
  | 'WAITING'
  | '%future added value';

/** Something to say. */
export type SendMessageInput = {
  /** A UUID of the client's own, for what it creates offline: the same one again is the same message, for ever. */
  readonly clientId?: string | null | undefined;
  /** Makes a repeated request give the first one's answer, for 24 hours. */
  readonly idempotencyKey?: string | null | undefined;
  /** The session to say it in. */
  readonly sessionId: string;
  /** What to say, at most 20,000 characters. */
  readonly text: string;
  /** What becomes of it while the coach speaks. */
  readonly whileRunning?: WhileRunning;
};

/** A new session. */
export type StartCoachingSessionInput = {
  /** A UUID of the client's own, for what it creates offline: the same one again is the same session, for ever. */
  readonly clientId?: string | null | undefined;
  /** The goal that it serves, one of the caller's in this workspace. */
  readonly goalId?: string | null | undefined;
  /** Makes a repeated request give the first one's answer, for 24 hours. */
  readonly idempotencyKey?: string | null | undefined;
  /** What the session is for. */
  readonly mode?: CoachingMode;
  /** What it is about, at most 200 characters. */
  readonly topic?: string | null | undefined;
  /** The workspace whose memories the coach may draw on, beside the caller's own in it. */
  readonly workspaceId: string;
};

/** A run to start. */
export type StartRunInput = {
  /** Makes a repeated request give the first one's answer, for 24 hours. */
  readonly idempotencyKey?: string | null | undefined;
  /** What steps see as `input`: an object of at most 64 KB, empty if left out. */
  readonly input?: unknown;
  /** The number of the version to run; the one published last if left out. */
  readonly version?: number | null | undefined;
  /** The workflow to run. */
  readonly workflowId: string;
};

/**
 * What a step does: exactly one of these. Texts may hold `{{ … }}` (minijinja) over `input` and
 * `steps.<key>.output` of the steps before it; lists and objects are put in as JSON.
 */
export type StepActionInput =
  {   /** Asks a person, and waits. */
  readonly approval: ApprovalActionInput; readonly llm?: never; readonly memoryRecall?: never; readonly memoryWrite?: never; readonly transform?: never; readonly wait?: never; }
  |  { readonly approval?: never;   /** Asks a language model. */
  readonly llm: LlmActionInput; readonly memoryRecall?: never; readonly memoryWrite?: never; readonly transform?: never; readonly wait?: never; }
  |  { readonly approval?: never; readonly llm?: never;   /** Looks into the memory of whoever started the run, and into the workspace's. */
  readonly memoryRecall: MemoryRecallActionInput; readonly memoryWrite?: never; readonly transform?: never; readonly wait?: never; }
  |  { readonly approval?: never; readonly llm?: never; readonly memoryRecall?: never;   /** Writes a memory, as whoever started the run. */
  readonly memoryWrite: MemoryWriteActionInput; readonly transform?: never; readonly wait?: never; }
  |  { readonly approval?: never; readonly llm?: never; readonly memoryRecall?: never; readonly memoryWrite?: never;   /** Computes. */
  readonly transform: TransformActionInput; readonly wait?: never; }
  |  { readonly approval?: never; readonly llm?: never; readonly memoryRecall?: never; readonly memoryWrite?: never; readonly transform?: never;   /** Waits. */
  readonly wait: WaitActionInput; };

/** A step of a workflow. */
export type StepInput = {
  /** What it does. */
  readonly action: StepActionInput;
  /** The keys of the steps that come before it. It runs when all of them are COMPLETED or SKIPPED. */
  readonly after?: ReadonlyArray<string>;
  /** How other steps name it: a letter or `_`, then letters, digits and `_`, at most 64; unique in the graph. */
  readonly key: string;
  /** What to do when it fails; one attempt alone if left out. */
  readonly retry?: RetryPolicyInput | null | undefined;
  /** How long one attempt of an action that calls something may take, at most PT1H; PT2M if left out. */
  readonly timeout?: string | null | undefined;
  /**
   * A condition in CEL over `input` and `steps.<key>.output` of the steps before it, at most 2,000 bytes:
   * `steps.ok.output.approved == true`. The step is SKIPPED where it gives false; a skipped step's output is null.
   */
  readonly when?: string | null | undefined;
};

/** Where a step is in its life. New values may come: treat an unknown one as RUNNING. */
export type StepStatus =
  /** The run ended before it did. */
  | 'CANCELLED'
  /** Undone. Not used yet. */
  | 'COMPENSATED'
  /** Done; it has an output. */
  | 'COMPLETED'
  /** Put aside for somebody to look at. Not used yet. */
  | 'DEAD_LETTERED'
  /** Failed for good. */
  | 'FAILED'
  /** Not begun: steps before it are not done, or all hands are busy. */
  | 'PENDING'
  /** About to begin. Not used yet. */
  | 'READY'
  /** An attempt failed; the next one comes later. */
  | 'RETRY_SCHEDULED'
  /** Being done. */
  | 'RUNNING'
  /** Its `when` gave false. */
  | 'SKIPPED'
  /** For a person or a time. */
  | 'WAITING'
  | '%future added value';

/** Why the coach stopped speaking. New values may come. */
export type StopReason =
  /** A budget did not let the call of the model pass. */
  | 'BUDGET_EXCEEDED'
  /** The provider refused to go on. */
  | 'CONTENT_POLICY'
  /** All was said. */
  | 'END_OF_TURN'
  /** Somebody interrupted it, or the session ended. */
  | 'INTERRUPTED'
  /** The reply had reached its greatest length. */
  | 'LENGTH'
  /** The provider failed. */
  | 'PROVIDER_FAILED'
  /** The server that spoke was stopped or lost. */
  | 'SERVER_RESTARTED'
  /** It took too long. */
  | 'TIMEOUT'
  | '%future added value';

/** What happens when a provider fails in the middle of its answer. */
export type StreamFailure =
  /** The next target goes on where it stopped. */
  | 'CONTINUE'
  /** The answer ends, with a reason. */
  | 'TERMINATE'
  | '%future added value';

/** Computes. Its value is the output. */
export type TransformActionInput = {
  /** In CEL over `input` and `steps.<key>.output`, at most 2,000 bytes: `steps.a.output.memories.map(m, m.text)`. */
  readonly expression: string;
};

/** How far a turn is. New values may come. */
export type TurnStatus =
  /** Answered. */
  | 'COMPLETED'
  /** No answer came. */
  | 'FAILED'
  /** The answer broke off. */
  | 'INCOMPLETE'
  /** Stopped, before or while the coach spoke. */
  | 'INTERRUPTED'
  /** It waits for the turns before it. */
  | 'QUEUED'
  /** The coach answers. */
  | 'RUNNING'
  | '%future added value';

/** Over what time something is counted: from the beginning of the day or the month, in UTC, until now. */
export type UsagePeriod =
  /** Since midnight. */
  | 'DAY'
  /** Since the first of the month. */
  | 'MONTH'
  | '%future added value';

/** What a person can mend. */
export type UserErrorCode =
  /** It clashes with what is there: the state changed, or the name is taken. */
  | 'CONFLICT'
  /** It was forgotten on request and stays so. */
  | 'FORGOTTEN'
  /** The idempotency key was used with another input. */
  | 'IDEMPOTENCY_CONFLICT'
  /** The value cannot be taken as it is. */
  | 'INVALID'
  /** A limit of the workspace is reached. */
  | 'LIMIT_REACHED'
  | '%future added value';

/** Waits: exactly one of these. Output: `{until}`. */
export type WaitActionInput =
  {   /** So long, at most P366D. */
  readonly for: string; readonly until?: never; }
  |  { readonly for?: never;   /** Until a time by RFC 3339, or a template that gives one. */
  readonly until: string; };

/** What becomes of a message that is sent while the coach speaks. */
export type WhileRunning =
  /** It waits its turn; at most 20 wait. */
  | 'ENQUEUE'
  /** The turn that runs is interrupted, keeping its text. Those that wait already still come first. */
  | 'INTERRUPT'
  /** It is refused with CONFLICT. */
  | 'REJECT'
  | '%future added value';

/** The steps of a workflow, at most 100. Steps without a path between them run in parallel. */
export type WorkflowGraphInput = {
  /** In any order: `after` tells which comes before which. */
  readonly steps: ReadonlyArray<StepInput>;
};

export type ViewerQueryVariables = Exact<{ [key: string]: never; }>;


export type ViewerQuery = { readonly viewer: { readonly id: string, readonly displayName: string, readonly memberships: { readonly nodes: ReadonlyArray<{ readonly role: Role, readonly workspace: { readonly id: string, readonly name: string, readonly slug: string } }> } } | null };

export type CreateWorkspaceMutationVariables = Exact<{
  input: CreateWorkspaceInput;
}>;


export type CreateWorkspaceMutation = { readonly createWorkspace: { readonly workspace: { readonly id: string, readonly name: string, readonly slug: string, readonly cursor: Cursor } | null, readonly userErrors: ReadonlyArray<{ readonly code: UserErrorCode, readonly field: string, readonly message: string }> } };

export type ProblemFragment = { readonly code: UserErrorCode, readonly field: string, readonly message: string };

export type PageFieldsFragment = { readonly endCursor: string | null, readonly hasNextPage: boolean };

export type MembershipCopyFragment = { readonly __typename: 'Membership', readonly id: string, readonly role: Role, readonly version: number, readonly createdAt: string, readonly user: { readonly id: string, readonly displayName: string } };

export type MemoryCopyFragment = { readonly __typename: 'Memory', readonly id: string, readonly text: string, readonly kind: MemoryKind, readonly scope: MemoryScope, readonly collection: string | null, readonly externalId: string | null, readonly clientId: string | null, readonly speaker: string | null, readonly occurredAt: string | null, readonly createdAt: string, readonly memoryStatus: MemoryStatus };

export type DocumentCopyFragment = { readonly __typename: 'Document', readonly id: string, readonly title: string, readonly mediaType: string, readonly failure: DocumentFailure | null, readonly scope: MemoryScope, readonly egress: Egress, readonly externalId: string | null, readonly clientId: string | null, readonly length: number, readonly createdAt: string, readonly updatedAt: string, readonly documentStatus: DocumentStatus, readonly documentProgress: number, readonly documentVersion: number };

export type SessionCopyFragment = { readonly __typename: 'CoachingSession', readonly id: string, readonly mode: CoachingMode, readonly topic: string | null, readonly version: number, readonly clientId: string | null, readonly createdAt: string, readonly sessionStatus: CoachingSessionStatus, readonly goal: { readonly id: string } | null, readonly summary: { readonly text: string } | null };

export type GoalCopyFragment = { readonly __typename: 'Goal', readonly id: string, readonly title: string, readonly progress: number, readonly version: number, readonly clientId: string | null, readonly goalStatus: GoalStatus };

export type ActionItemCopyFragment = { readonly __typename: 'ActionItem', readonly id: string, readonly text: string, readonly dueAt: string | null, readonly completedAt: string | null, readonly version: number, readonly clientId: string | null, readonly createdAt: string, readonly actionItemStatus: ActionItemStatus, readonly goal: { readonly id: string } | null, readonly itemSession: { readonly id: string } | null };

export type MessageCopyFragment = { readonly __typename: 'Message', readonly id: string, readonly text: string, readonly stopReason: StopReason | null, readonly clientId: string | null, readonly createdAt: string, readonly messageRole: MessageRole, readonly messageStatus: MessageStatus, readonly session: { readonly id: string } };

export type TurnCopyFragment = { readonly __typename: 'Turn', readonly id: string, readonly startedAt: string | null, readonly finishedAt: string | null, readonly turnStatus: TurnStatus, readonly session: { readonly id: string }, readonly message: { readonly __typename: 'Message', readonly id: string, readonly text: string, readonly stopReason: StopReason | null, readonly clientId: string | null, readonly createdAt: string, readonly messageRole: MessageRole, readonly messageStatus: MessageStatus, readonly session: { readonly id: string } }, readonly reply: { readonly __typename: 'Message', readonly id: string, readonly text: string, readonly stopReason: StopReason | null, readonly clientId: string | null, readonly createdAt: string, readonly messageRole: MessageRole, readonly messageStatus: MessageStatus, readonly session: { readonly id: string } } | null };

export type WorkflowCopyFragment = { readonly __typename: 'Workflow', readonly id: string, readonly name: string, readonly slug: string, readonly version: number, readonly clientId: string | null, readonly draft: { readonly valid: boolean, readonly version: number } | null, readonly publishedVersion: { readonly id: string, readonly number: number } | null };

export type RunCopyFragment = { readonly __typename: 'Run', readonly id: string, readonly createdAt: string, readonly output: unknown, readonly runStatus: RunStatus, readonly workflow: { readonly id: string }, readonly error: { readonly code: string, readonly message: string, readonly stepKey: string | null } | null };

export type StepCopyFragment = { readonly __typename: 'StepRun', readonly id: string, readonly key: string, readonly output: unknown, readonly stepStatus: StepStatus, readonly run: { readonly id: string } };

export type ApprovalCopyFragment = { readonly __typename: 'Approval', readonly id: string, readonly title: string, readonly form: unknown, readonly comment: string | null, readonly createdAt: string, readonly expiresAt: string | null, readonly approvalStatus: ApprovalStatus, readonly run: { readonly id: string }, readonly decidedBy: { readonly id: string, readonly displayName: string } | null };

export type InvitationCopyFragment = { readonly __typename: 'Invitation', readonly id: string, readonly email: string, readonly role: Role, readonly createdAt: string, readonly invitationStatus: InvitationStatus, readonly until: string };

export type ApiKeyCopyFragment = { readonly __typename: 'ApiKey', readonly id: string, readonly name: string, readonly prefix: string, readonly scopes: ReadonlyArray<ApiKeyScope>, readonly createdAt: string, readonly expiresAt: string | null, readonly revokedAt: string | null };

export type ServiceAccountCopyFragment = { readonly __typename: 'ServiceAccount', readonly id: string, readonly name: string, readonly role: Role, readonly createdAt: string };

export type AuditEntryCopyFragment = { readonly __typename: 'AuditEntry', readonly id: string, readonly action: AuditAction, readonly actorId: string | null, readonly subjectId: string, readonly data: unknown, readonly at: string };

export type VersionCopyFragment = { readonly __typename: 'WorkflowVersion', readonly id: string, readonly number: number, readonly checksum: string, readonly publishedAt: string };

export type ReceiptCopyFragment = { readonly __typename: 'ErasureReceipt', readonly id: string, readonly at: string, readonly erased: ReadonlyArray<{ readonly kind: string, readonly count: number }> };

export type BudgetCopyFragment = { readonly __typename: 'Budget', readonly id: string, readonly period: UsagePeriod, readonly downgradeRoute: string | null, readonly scopeId: string | null, readonly exceededAt: string | null, readonly version: number, readonly budgetAction: BudgetAction, readonly limit: { readonly amount: string, readonly currency: string } };

export type RouteCopyFragment = { readonly __typename: 'Route', readonly id: string, readonly name: string, readonly isConfigured: boolean, readonly streamFailure: StreamFailure, readonly maxOutputTokens: number, readonly cacheFor: string | null, readonly hedgeAfter: string | null, readonly version: number, readonly routeOrder: RouteOrder, readonly targets: ReadonlyArray<{ readonly provider: string, readonly model: string, readonly weight: number }> };

type ThingCopy_ActionItem_Fragment = { readonly __typename: 'ActionItem', readonly id: string, readonly text: string, readonly dueAt: string | null, readonly completedAt: string | null, readonly version: number, readonly clientId: string | null, readonly createdAt: string, readonly actionItemStatus: ActionItemStatus, readonly goal: { readonly id: string } | null, readonly itemSession: { readonly id: string } | null };

type ThingCopy_ApiKey_Fragment = { readonly __typename: 'ApiKey', readonly id: string, readonly name: string, readonly prefix: string, readonly scopes: ReadonlyArray<ApiKeyScope>, readonly createdAt: string, readonly expiresAt: string | null, readonly revokedAt: string | null };

type ThingCopy_Approval_Fragment = { readonly __typename: 'Approval', readonly id: string, readonly title: string, readonly form: unknown, readonly comment: string | null, readonly createdAt: string, readonly expiresAt: string | null, readonly approvalStatus: ApprovalStatus, readonly run: { readonly id: string }, readonly decidedBy: { readonly id: string, readonly displayName: string } | null };

type ThingCopy_AuditEntry_Fragment = { readonly __typename: 'AuditEntry', readonly id: string, readonly action: AuditAction, readonly actorId: string | null, readonly subjectId: string, readonly data: unknown, readonly at: string };

type ThingCopy_Budget_Fragment = { readonly __typename: 'Budget', readonly id: string, readonly period: UsagePeriod, readonly downgradeRoute: string | null, readonly scopeId: string | null, readonly exceededAt: string | null, readonly version: number, readonly budgetAction: BudgetAction, readonly limit: { readonly amount: string, readonly currency: string } };

type ThingCopy_CoachingSession_Fragment = { readonly __typename: 'CoachingSession', readonly id: string, readonly mode: CoachingMode, readonly topic: string | null, readonly version: number, readonly clientId: string | null, readonly createdAt: string, readonly sessionStatus: CoachingSessionStatus, readonly goal: { readonly id: string } | null, readonly summary: { readonly text: string } | null };

type ThingCopy_Document_Fragment = { readonly __typename: 'Document', readonly id: string, readonly title: string, readonly mediaType: string, readonly failure: DocumentFailure | null, readonly scope: MemoryScope, readonly egress: Egress, readonly externalId: string | null, readonly clientId: string | null, readonly length: number, readonly createdAt: string, readonly updatedAt: string, readonly documentStatus: DocumentStatus, readonly documentProgress: number, readonly documentVersion: number };

type ThingCopy_DocumentChunk_Fragment = { readonly __typename: 'DocumentChunk', readonly id: string };

type ThingCopy_ErasureReceipt_Fragment = { readonly __typename: 'ErasureReceipt', readonly id: string, readonly at: string, readonly erased: ReadonlyArray<{ readonly kind: string, readonly count: number }> };

type ThingCopy_Goal_Fragment = { readonly __typename: 'Goal', readonly id: string, readonly title: string, readonly progress: number, readonly version: number, readonly clientId: string | null, readonly goalStatus: GoalStatus };

type ThingCopy_Invitation_Fragment = { readonly __typename: 'Invitation', readonly id: string, readonly email: string, readonly role: Role, readonly createdAt: string, readonly invitationStatus: InvitationStatus, readonly until: string };

type ThingCopy_LlmCall_Fragment = { readonly __typename: 'LlmCall', readonly id: string };

type ThingCopy_Membership_Fragment = { readonly __typename: 'Membership', readonly id: string, readonly role: Role, readonly version: number, readonly createdAt: string, readonly user: { readonly id: string, readonly displayName: string } };

type ThingCopy_Memory_Fragment = { readonly __typename: 'Memory', readonly id: string, readonly text: string, readonly kind: MemoryKind, readonly scope: MemoryScope, readonly collection: string | null, readonly externalId: string | null, readonly clientId: string | null, readonly speaker: string | null, readonly occurredAt: string | null, readonly createdAt: string, readonly memoryStatus: MemoryStatus };

type ThingCopy_Message_Fragment = { readonly __typename: 'Message', readonly id: string, readonly text: string, readonly stopReason: StopReason | null, readonly clientId: string | null, readonly createdAt: string, readonly messageRole: MessageRole, readonly messageStatus: MessageStatus, readonly session: { readonly id: string } };

type ThingCopy_Route_Fragment = { readonly __typename: 'Route', readonly id: string, readonly name: string, readonly isConfigured: boolean, readonly streamFailure: StreamFailure, readonly maxOutputTokens: number, readonly cacheFor: string | null, readonly hedgeAfter: string | null, readonly version: number, readonly routeOrder: RouteOrder, readonly targets: ReadonlyArray<{ readonly provider: string, readonly model: string, readonly weight: number }> };

type ThingCopy_Run_Fragment = { readonly __typename: 'Run', readonly id: string, readonly createdAt: string, readonly output: unknown, readonly runStatus: RunStatus, readonly workflow: { readonly id: string }, readonly error: { readonly code: string, readonly message: string, readonly stepKey: string | null } | null };

type ThingCopy_ServiceAccount_Fragment = { readonly __typename: 'ServiceAccount', readonly id: string, readonly name: string, readonly role: Role, readonly createdAt: string };

type ThingCopy_StepRun_Fragment = { readonly __typename: 'StepRun', readonly id: string, readonly key: string, readonly output: unknown, readonly stepStatus: StepStatus, readonly run: { readonly id: string } };

type ThingCopy_Turn_Fragment = { readonly __typename: 'Turn', readonly id: string, readonly startedAt: string | null, readonly finishedAt: string | null, readonly turnStatus: TurnStatus, readonly session: { readonly id: string }, readonly message: { readonly __typename: 'Message', readonly id: string, readonly text: string, readonly stopReason: StopReason | null, readonly clientId: string | null, readonly createdAt: string, readonly messageRole: MessageRole, readonly messageStatus: MessageStatus, readonly session: { readonly id: string } }, readonly reply: { readonly __typename: 'Message', readonly id: string, readonly text: string, readonly stopReason: StopReason | null, readonly clientId: string | null, readonly createdAt: string, readonly messageRole: MessageRole, readonly messageStatus: MessageStatus, readonly session: { readonly id: string } } | null };

type ThingCopy_Viewer_Fragment = { readonly __typename: 'Viewer', readonly id: string };

type ThingCopy_Workflow_Fragment = { readonly __typename: 'Workflow', readonly id: string, readonly name: string, readonly slug: string, readonly version: number, readonly clientId: string | null, readonly draft: { readonly valid: boolean, readonly version: number } | null, readonly publishedVersion: { readonly id: string, readonly number: number } | null };

type ThingCopy_WorkflowVersion_Fragment = { readonly __typename: 'WorkflowVersion', readonly id: string, readonly number: number, readonly checksum: string, readonly publishedAt: string };

type ThingCopy_Workspace_Fragment = { readonly __typename: 'Workspace', readonly id: string };

export type ThingCopyFragment =
  | ThingCopy_ActionItem_Fragment
  | ThingCopy_ApiKey_Fragment
  | ThingCopy_Approval_Fragment
  | ThingCopy_AuditEntry_Fragment
  | ThingCopy_Budget_Fragment
  | ThingCopy_CoachingSession_Fragment
  | ThingCopy_Document_Fragment
  | ThingCopy_DocumentChunk_Fragment
  | ThingCopy_ErasureReceipt_Fragment
  | ThingCopy_Goal_Fragment
  | ThingCopy_Invitation_Fragment
  | ThingCopy_LlmCall_Fragment
  | ThingCopy_Membership_Fragment
  | ThingCopy_Memory_Fragment
  | ThingCopy_Message_Fragment
  | ThingCopy_Route_Fragment
  | ThingCopy_Run_Fragment
  | ThingCopy_ServiceAccount_Fragment
  | ThingCopy_StepRun_Fragment
  | ThingCopy_Turn_Fragment
  | ThingCopy_Viewer_Fragment
  | ThingCopy_Workflow_Fragment
  | ThingCopy_WorkflowVersion_Fragment
  | ThingCopy_Workspace_Fragment
;

export type ChangeFieldsFragment = { readonly __typename: 'Change', readonly cursor: Cursor, readonly at: string, readonly kind: ChangeKind, readonly deletedId: string | null, readonly node:
    | { readonly __typename: 'ActionItem', readonly id: string, readonly text: string, readonly dueAt: string | null, readonly completedAt: string | null, readonly version: number, readonly clientId: string | null, readonly createdAt: string, readonly actionItemStatus: ActionItemStatus, readonly goal: { readonly id: string } | null, readonly itemSession: { readonly id: string } | null }
    | { readonly __typename: 'ApiKey', readonly id: string, readonly name: string, readonly prefix: string, readonly scopes: ReadonlyArray<ApiKeyScope>, readonly createdAt: string, readonly expiresAt: string | null, readonly revokedAt: string | null }
    | { readonly __typename: 'Approval', readonly id: string, readonly title: string, readonly form: unknown, readonly comment: string | null, readonly createdAt: string, readonly expiresAt: string | null, readonly approvalStatus: ApprovalStatus, readonly run: { readonly id: string }, readonly decidedBy: { readonly id: string, readonly displayName: string } | null }
    | { readonly __typename: 'AuditEntry', readonly id: string, readonly action: AuditAction, readonly actorId: string | null, readonly subjectId: string, readonly data: unknown, readonly at: string }
    | { readonly __typename: 'Budget', readonly id: string, readonly period: UsagePeriod, readonly downgradeRoute: string | null, readonly scopeId: string | null, readonly exceededAt: string | null, readonly version: number, readonly budgetAction: BudgetAction, readonly limit: { readonly amount: string, readonly currency: string } }
    | { readonly __typename: 'CoachingSession', readonly id: string, readonly mode: CoachingMode, readonly topic: string | null, readonly version: number, readonly clientId: string | null, readonly createdAt: string, readonly sessionStatus: CoachingSessionStatus, readonly goal: { readonly id: string } | null, readonly summary: { readonly text: string } | null }
    | { readonly __typename: 'Document', readonly id: string, readonly title: string, readonly mediaType: string, readonly failure: DocumentFailure | null, readonly scope: MemoryScope, readonly egress: Egress, readonly externalId: string | null, readonly clientId: string | null, readonly length: number, readonly createdAt: string, readonly updatedAt: string, readonly documentStatus: DocumentStatus, readonly documentProgress: number, readonly documentVersion: number }
    | { readonly __typename: 'DocumentChunk', readonly id: string }
    | { readonly __typename: 'ErasureReceipt', readonly id: string, readonly at: string, readonly erased: ReadonlyArray<{ readonly kind: string, readonly count: number }> }
    | { readonly __typename: 'Goal', readonly id: string, readonly title: string, readonly progress: number, readonly version: number, readonly clientId: string | null, readonly goalStatus: GoalStatus }
    | { readonly __typename: 'Invitation', readonly id: string, readonly email: string, readonly role: Role, readonly createdAt: string, readonly invitationStatus: InvitationStatus, readonly until: string }
    | { readonly __typename: 'LlmCall', readonly id: string }
    | { readonly __typename: 'Membership', readonly id: string, readonly role: Role, readonly version: number, readonly createdAt: string, readonly user: { readonly id: string, readonly displayName: string } }
    | { readonly __typename: 'Memory', readonly id: string, readonly text: string, readonly kind: MemoryKind, readonly scope: MemoryScope, readonly collection: string | null, readonly externalId: string | null, readonly clientId: string | null, readonly speaker: string | null, readonly occurredAt: string | null, readonly createdAt: string, readonly memoryStatus: MemoryStatus }
    | { readonly __typename: 'Message', readonly id: string, readonly text: string, readonly stopReason: StopReason | null, readonly clientId: string | null, readonly createdAt: string, readonly messageRole: MessageRole, readonly messageStatus: MessageStatus, readonly session: { readonly id: string } }
    | { readonly __typename: 'Route', readonly id: string, readonly name: string, readonly isConfigured: boolean, readonly streamFailure: StreamFailure, readonly maxOutputTokens: number, readonly cacheFor: string | null, readonly hedgeAfter: string | null, readonly version: number, readonly routeOrder: RouteOrder, readonly targets: ReadonlyArray<{ readonly provider: string, readonly model: string, readonly weight: number }> }
    | { readonly __typename: 'Run', readonly id: string, readonly createdAt: string, readonly output: unknown, readonly runStatus: RunStatus, readonly workflow: { readonly id: string }, readonly error: { readonly code: string, readonly message: string, readonly stepKey: string | null } | null }
    | { readonly __typename: 'ServiceAccount', readonly id: string, readonly name: string, readonly role: Role, readonly createdAt: string }
    | { readonly __typename: 'StepRun', readonly id: string, readonly key: string, readonly output: unknown, readonly stepStatus: StepStatus, readonly run: { readonly id: string } }
    | { readonly __typename: 'Turn', readonly id: string, readonly startedAt: string | null, readonly finishedAt: string | null, readonly turnStatus: TurnStatus, readonly session: { readonly id: string }, readonly message: { readonly __typename: 'Message', readonly id: string, readonly text: string, readonly stopReason: StopReason | null, readonly clientId: string | null, readonly createdAt: string, readonly messageRole: MessageRole, readonly messageStatus: MessageStatus, readonly session: { readonly id: string } }, readonly reply: { readonly __typename: 'Message', readonly id: string, readonly text: string, readonly stopReason: StopReason | null, readonly clientId: string | null, readonly createdAt: string, readonly messageRole: MessageRole, readonly messageStatus: MessageStatus, readonly session: { readonly id: string } } | null }
    | { readonly __typename: 'Viewer', readonly id: string }
    | { readonly __typename: 'Workflow', readonly id: string, readonly name: string, readonly slug: string, readonly version: number, readonly clientId: string | null, readonly draft: { readonly valid: boolean, readonly version: number } | null, readonly publishedVersion: { readonly id: string, readonly number: number } | null }
    | { readonly __typename: 'WorkflowVersion', readonly id: string, readonly number: number, readonly checksum: string, readonly publishedAt: string }
    | { readonly __typename: 'Workspace', readonly id: string }
   | null };

export type CopyThingsQueryVariables = Exact<{
  ids: ReadonlyArray<string> | string;
}>;


export type CopyThingsQuery = { readonly nodes: ReadonlyArray<
    | { readonly __typename: 'ActionItem', readonly id: string, readonly text: string, readonly dueAt: string | null, readonly completedAt: string | null, readonly version: number, readonly clientId: string | null, readonly createdAt: string, readonly actionItemStatus: ActionItemStatus, readonly goal: { readonly id: string } | null, readonly itemSession: { readonly id: string } | null }
    | { readonly __typename: 'ApiKey', readonly id: string, readonly name: string, readonly prefix: string, readonly scopes: ReadonlyArray<ApiKeyScope>, readonly createdAt: string, readonly expiresAt: string | null, readonly revokedAt: string | null }
    | { readonly __typename: 'Approval', readonly id: string, readonly title: string, readonly form: unknown, readonly comment: string | null, readonly createdAt: string, readonly expiresAt: string | null, readonly approvalStatus: ApprovalStatus, readonly run: { readonly id: string }, readonly decidedBy: { readonly id: string, readonly displayName: string } | null }
    | { readonly __typename: 'AuditEntry', readonly id: string, readonly action: AuditAction, readonly actorId: string | null, readonly subjectId: string, readonly data: unknown, readonly at: string }
    | { readonly __typename: 'Budget', readonly id: string, readonly period: UsagePeriod, readonly downgradeRoute: string | null, readonly scopeId: string | null, readonly exceededAt: string | null, readonly version: number, readonly budgetAction: BudgetAction, readonly limit: { readonly amount: string, readonly currency: string } }
    | { readonly __typename: 'CoachingSession', readonly id: string, readonly mode: CoachingMode, readonly topic: string | null, readonly version: number, readonly clientId: string | null, readonly createdAt: string, readonly sessionStatus: CoachingSessionStatus, readonly goal: { readonly id: string } | null, readonly summary: { readonly text: string } | null }
    | { readonly __typename: 'Document', readonly id: string, readonly title: string, readonly mediaType: string, readonly failure: DocumentFailure | null, readonly scope: MemoryScope, readonly egress: Egress, readonly externalId: string | null, readonly clientId: string | null, readonly length: number, readonly createdAt: string, readonly updatedAt: string, readonly documentStatus: DocumentStatus, readonly documentProgress: number, readonly documentVersion: number }
    | { readonly __typename: 'DocumentChunk', readonly id: string }
    | { readonly __typename: 'ErasureReceipt', readonly id: string, readonly at: string, readonly erased: ReadonlyArray<{ readonly kind: string, readonly count: number }> }
    | { readonly __typename: 'Goal', readonly id: string, readonly title: string, readonly progress: number, readonly version: number, readonly clientId: string | null, readonly goalStatus: GoalStatus }
    | { readonly __typename: 'Invitation', readonly id: string, readonly email: string, readonly role: Role, readonly createdAt: string, readonly invitationStatus: InvitationStatus, readonly until: string }
    | { readonly __typename: 'LlmCall', readonly id: string }
    | { readonly __typename: 'Membership', readonly id: string, readonly role: Role, readonly version: number, readonly createdAt: string, readonly user: { readonly id: string, readonly displayName: string } }
    | { readonly __typename: 'Memory', readonly id: string, readonly text: string, readonly kind: MemoryKind, readonly scope: MemoryScope, readonly collection: string | null, readonly externalId: string | null, readonly clientId: string | null, readonly speaker: string | null, readonly occurredAt: string | null, readonly createdAt: string, readonly memoryStatus: MemoryStatus }
    | { readonly __typename: 'Message', readonly id: string, readonly text: string, readonly stopReason: StopReason | null, readonly clientId: string | null, readonly createdAt: string, readonly messageRole: MessageRole, readonly messageStatus: MessageStatus, readonly session: { readonly id: string } }
    | { readonly __typename: 'Route', readonly id: string, readonly name: string, readonly isConfigured: boolean, readonly streamFailure: StreamFailure, readonly maxOutputTokens: number, readonly cacheFor: string | null, readonly hedgeAfter: string | null, readonly version: number, readonly routeOrder: RouteOrder, readonly targets: ReadonlyArray<{ readonly provider: string, readonly model: string, readonly weight: number }> }
    | { readonly __typename: 'Run', readonly id: string, readonly createdAt: string, readonly output: unknown, readonly runStatus: RunStatus, readonly workflow: { readonly id: string }, readonly error: { readonly code: string, readonly message: string, readonly stepKey: string | null } | null }
    | { readonly __typename: 'ServiceAccount', readonly id: string, readonly name: string, readonly role: Role, readonly createdAt: string }
    | { readonly __typename: 'StepRun', readonly id: string, readonly key: string, readonly output: unknown, readonly stepStatus: StepStatus, readonly run: { readonly id: string } }
    | { readonly __typename: 'Turn', readonly id: string, readonly startedAt: string | null, readonly finishedAt: string | null, readonly turnStatus: TurnStatus, readonly session: { readonly id: string }, readonly message: { readonly __typename: 'Message', readonly id: string, readonly text: string, readonly stopReason: StopReason | null, readonly clientId: string | null, readonly createdAt: string, readonly messageRole: MessageRole, readonly messageStatus: MessageStatus, readonly session: { readonly id: string } }, readonly reply: { readonly __typename: 'Message', readonly id: string, readonly text: string, readonly stopReason: StopReason | null, readonly clientId: string | null, readonly createdAt: string, readonly messageRole: MessageRole, readonly messageStatus: MessageStatus, readonly session: { readonly id: string } } | null }
    | { readonly __typename: 'Viewer', readonly id: string }
    | { readonly __typename: 'Workflow', readonly id: string, readonly name: string, readonly slug: string, readonly version: number, readonly clientId: string | null, readonly draft: { readonly valid: boolean, readonly version: number } | null, readonly publishedVersion: { readonly id: string, readonly number: number } | null }
    | { readonly __typename: 'WorkflowVersion', readonly id: string, readonly number: number, readonly checksum: string, readonly publishedAt: string }
    | { readonly __typename: 'Workspace', readonly id: string }
   | null> };

export type PlaceQueryVariables = Exact<{
  workspace: string;
}>;


export type PlaceQuery = { readonly workspace: { readonly id: string, readonly cursor: Cursor } | null };

export type CopyMembersQueryVariables = Exact<{
  workspace: string;
  first?: number | null | undefined;
  after?: string | null | undefined;
}>;


export type CopyMembersQuery = { readonly workspace: { readonly id: string, readonly members: { readonly nodes: ReadonlyArray<{ readonly __typename: 'Membership', readonly id: string, readonly role: Role, readonly version: number, readonly createdAt: string, readonly user: { readonly id: string, readonly displayName: string } }>, readonly pageInfo: { readonly endCursor: string | null, readonly hasNextPage: boolean } } } | null };

export type CopyActionItemsQueryVariables = Exact<{
  workspace: string;
  first?: number | null | undefined;
  after?: string | null | undefined;
}>;


export type CopyActionItemsQuery = { readonly workspace: { readonly id: string, readonly actionItems: { readonly nodes: ReadonlyArray<{ readonly __typename: 'ActionItem', readonly id: string, readonly text: string, readonly dueAt: string | null, readonly completedAt: string | null, readonly version: number, readonly clientId: string | null, readonly createdAt: string, readonly actionItemStatus: ActionItemStatus, readonly goal: { readonly id: string } | null, readonly itemSession: { readonly id: string } | null }>, readonly pageInfo: { readonly endCursor: string | null, readonly hasNextPage: boolean } } } | null };

export type CopyMemoriesQueryVariables = Exact<{
  workspace: string;
  first?: number | null | undefined;
  after?: string | null | undefined;
}>;


export type CopyMemoriesQuery = { readonly workspace: { readonly id: string, readonly memories: { readonly nodes: ReadonlyArray<{ readonly __typename: 'Memory', readonly id: string, readonly text: string, readonly kind: MemoryKind, readonly scope: MemoryScope, readonly collection: string | null, readonly externalId: string | null, readonly clientId: string | null, readonly speaker: string | null, readonly occurredAt: string | null, readonly createdAt: string, readonly memoryStatus: MemoryStatus }>, readonly pageInfo: { readonly endCursor: string | null, readonly hasNextPage: boolean } } } | null };

export type CopyDocumentsQueryVariables = Exact<{
  workspace: string;
  first?: number | null | undefined;
  after?: string | null | undefined;
}>;


export type CopyDocumentsQuery = { readonly workspace: { readonly id: string, readonly documents: { readonly nodes: ReadonlyArray<{ readonly __typename: 'Document', readonly id: string, readonly title: string, readonly mediaType: string, readonly failure: DocumentFailure | null, readonly scope: MemoryScope, readonly egress: Egress, readonly externalId: string | null, readonly clientId: string | null, readonly length: number, readonly createdAt: string, readonly updatedAt: string, readonly documentStatus: DocumentStatus, readonly documentProgress: number, readonly documentVersion: number }>, readonly pageInfo: { readonly endCursor: string | null, readonly hasNextPage: boolean } } } | null };

export type CopySessionsQueryVariables = Exact<{
  workspace: string;
  first?: number | null | undefined;
  after?: string | null | undefined;
}>;


export type CopySessionsQuery = { readonly workspace: { readonly id: string, readonly coachingSessions: { readonly nodes: ReadonlyArray<{ readonly __typename: 'CoachingSession', readonly id: string, readonly mode: CoachingMode, readonly topic: string | null, readonly version: number, readonly clientId: string | null, readonly createdAt: string, readonly sessionStatus: CoachingSessionStatus, readonly messages: { readonly nodes: ReadonlyArray<{ readonly __typename: 'Message', readonly id: string, readonly text: string, readonly stopReason: StopReason | null, readonly clientId: string | null, readonly createdAt: string, readonly messageRole: MessageRole, readonly messageStatus: MessageStatus, readonly session: { readonly id: string } }>, readonly pageInfo: { readonly endCursor: string | null, readonly hasNextPage: boolean } }, readonly goal: { readonly id: string } | null, readonly summary: { readonly text: string } | null }>, readonly pageInfo: { readonly endCursor: string | null, readonly hasNextPage: boolean } } } | null };

export type CopyMessagesQueryVariables = Exact<{
  session: string;
  first?: number | null | undefined;
  after?: string | null | undefined;
}>;


export type CopyMessagesQuery = { readonly node:
    | { readonly __typename: 'ActionItem' }
    | { readonly __typename: 'ApiKey' }
    | { readonly __typename: 'Approval' }
    | { readonly __typename: 'AuditEntry' }
    | { readonly __typename: 'Budget' }
    | { readonly __typename: 'CoachingSession', readonly messages: { readonly nodes: ReadonlyArray<{ readonly __typename: 'Message', readonly id: string, readonly text: string, readonly stopReason: StopReason | null, readonly clientId: string | null, readonly createdAt: string, readonly messageRole: MessageRole, readonly messageStatus: MessageStatus, readonly session: { readonly id: string } }>, readonly pageInfo: { readonly endCursor: string | null, readonly hasNextPage: boolean } } }
    | { readonly __typename: 'Document' }
    | { readonly __typename: 'DocumentChunk' }
    | { readonly __typename: 'ErasureReceipt' }
    | { readonly __typename: 'Goal' }
    | { readonly __typename: 'Invitation' }
    | { readonly __typename: 'LlmCall' }
    | { readonly __typename: 'Membership' }
    | { readonly __typename: 'Memory' }
    | { readonly __typename: 'Message' }
    | { readonly __typename: 'Route' }
    | { readonly __typename: 'Run' }
    | { readonly __typename: 'ServiceAccount' }
    | { readonly __typename: 'StepRun' }
    | { readonly __typename: 'Turn' }
    | { readonly __typename: 'Viewer' }
    | { readonly __typename: 'Workflow' }
    | { readonly __typename: 'WorkflowVersion' }
    | { readonly __typename: 'Workspace' }
   | null };

export type CopyWorkflowsQueryVariables = Exact<{
  workspace: string;
  first?: number | null | undefined;
  after?: string | null | undefined;
}>;


export type CopyWorkflowsQuery = { readonly workspace: { readonly id: string, readonly workflows: { readonly nodes: ReadonlyArray<{ readonly __typename: 'Workflow', readonly id: string, readonly name: string, readonly slug: string, readonly version: number, readonly clientId: string | null, readonly draft: { readonly valid: boolean, readonly version: number } | null, readonly publishedVersion: { readonly id: string, readonly number: number } | null }>, readonly pageInfo: { readonly endCursor: string | null, readonly hasNextPage: boolean } } } | null };

export type CopyRunsQueryVariables = Exact<{
  workspace: string;
  first?: number | null | undefined;
  after?: string | null | undefined;
}>;


export type CopyRunsQuery = { readonly workspace: { readonly id: string, readonly runs: { readonly nodes: ReadonlyArray<{ readonly __typename: 'Run', readonly id: string, readonly createdAt: string, readonly output: unknown, readonly runStatus: RunStatus, readonly steps: { readonly nodes: ReadonlyArray<{ readonly __typename: 'StepRun', readonly id: string, readonly key: string, readonly output: unknown, readonly stepStatus: StepStatus, readonly run: { readonly id: string } }> }, readonly workflow: { readonly id: string }, readonly error: { readonly code: string, readonly message: string, readonly stepKey: string | null } | null }>, readonly pageInfo: { readonly endCursor: string | null, readonly hasNextPage: boolean } } } | null };

export type ChangesSinceQueryVariables = Exact<{
  workspace: string;
  after?: Cursor | null | undefined;
  first?: number | null | undefined;
}>;


export type ChangesSinceQuery = { readonly changes: { readonly cursor: Cursor, readonly hasMore: boolean, readonly changes: ReadonlyArray<{ readonly __typename: 'Change', readonly cursor: Cursor, readonly at: string, readonly kind: ChangeKind, readonly deletedId: string | null, readonly node:
        | { readonly __typename: 'ActionItem', readonly id: string, readonly text: string, readonly dueAt: string | null, readonly completedAt: string | null, readonly version: number, readonly clientId: string | null, readonly createdAt: string, readonly actionItemStatus: ActionItemStatus, readonly goal: { readonly id: string } | null, readonly itemSession: { readonly id: string } | null }
        | { readonly __typename: 'ApiKey', readonly id: string, readonly name: string, readonly prefix: string, readonly scopes: ReadonlyArray<ApiKeyScope>, readonly createdAt: string, readonly expiresAt: string | null, readonly revokedAt: string | null }
        | { readonly __typename: 'Approval', readonly id: string, readonly title: string, readonly form: unknown, readonly comment: string | null, readonly createdAt: string, readonly expiresAt: string | null, readonly approvalStatus: ApprovalStatus, readonly run: { readonly id: string }, readonly decidedBy: { readonly id: string, readonly displayName: string } | null }
        | { readonly __typename: 'AuditEntry', readonly id: string, readonly action: AuditAction, readonly actorId: string | null, readonly subjectId: string, readonly data: unknown, readonly at: string }
        | { readonly __typename: 'Budget', readonly id: string, readonly period: UsagePeriod, readonly downgradeRoute: string | null, readonly scopeId: string | null, readonly exceededAt: string | null, readonly version: number, readonly budgetAction: BudgetAction, readonly limit: { readonly amount: string, readonly currency: string } }
        | { readonly __typename: 'CoachingSession', readonly id: string, readonly mode: CoachingMode, readonly topic: string | null, readonly version: number, readonly clientId: string | null, readonly createdAt: string, readonly sessionStatus: CoachingSessionStatus, readonly goal: { readonly id: string } | null, readonly summary: { readonly text: string } | null }
        | { readonly __typename: 'Document', readonly id: string, readonly title: string, readonly mediaType: string, readonly failure: DocumentFailure | null, readonly scope: MemoryScope, readonly egress: Egress, readonly externalId: string | null, readonly clientId: string | null, readonly length: number, readonly createdAt: string, readonly updatedAt: string, readonly documentStatus: DocumentStatus, readonly documentProgress: number, readonly documentVersion: number }
        | { readonly __typename: 'DocumentChunk', readonly id: string }
        | { readonly __typename: 'ErasureReceipt', readonly id: string, readonly at: string, readonly erased: ReadonlyArray<{ readonly kind: string, readonly count: number }> }
        | { readonly __typename: 'Goal', readonly id: string, readonly title: string, readonly progress: number, readonly version: number, readonly clientId: string | null, readonly goalStatus: GoalStatus }
        | { readonly __typename: 'Invitation', readonly id: string, readonly email: string, readonly role: Role, readonly createdAt: string, readonly invitationStatus: InvitationStatus, readonly until: string }
        | { readonly __typename: 'LlmCall', readonly id: string }
        | { readonly __typename: 'Membership', readonly id: string, readonly role: Role, readonly version: number, readonly createdAt: string, readonly user: { readonly id: string, readonly displayName: string } }
        | { readonly __typename: 'Memory', readonly id: string, readonly text: string, readonly kind: MemoryKind, readonly scope: MemoryScope, readonly collection: string | null, readonly externalId: string | null, readonly clientId: string | null, readonly speaker: string | null, readonly occurredAt: string | null, readonly createdAt: string, readonly memoryStatus: MemoryStatus }
        | { readonly __typename: 'Message', readonly id: string, readonly text: string, readonly stopReason: StopReason | null, readonly clientId: string | null, readonly createdAt: string, readonly messageRole: MessageRole, readonly messageStatus: MessageStatus, readonly session: { readonly id: string } }
        | { readonly __typename: 'Route', readonly id: string, readonly name: string, readonly isConfigured: boolean, readonly streamFailure: StreamFailure, readonly maxOutputTokens: number, readonly cacheFor: string | null, readonly hedgeAfter: string | null, readonly version: number, readonly routeOrder: RouteOrder, readonly targets: ReadonlyArray<{ readonly provider: string, readonly model: string, readonly weight: number }> }
        | { readonly __typename: 'Run', readonly id: string, readonly createdAt: string, readonly output: unknown, readonly runStatus: RunStatus, readonly workflow: { readonly id: string }, readonly error: { readonly code: string, readonly message: string, readonly stepKey: string | null } | null }
        | { readonly __typename: 'ServiceAccount', readonly id: string, readonly name: string, readonly role: Role, readonly createdAt: string }
        | { readonly __typename: 'StepRun', readonly id: string, readonly key: string, readonly output: unknown, readonly stepStatus: StepStatus, readonly run: { readonly id: string } }
        | { readonly __typename: 'Turn', readonly id: string, readonly startedAt: string | null, readonly finishedAt: string | null, readonly turnStatus: TurnStatus, readonly session: { readonly id: string }, readonly message: { readonly __typename: 'Message', readonly id: string, readonly text: string, readonly stopReason: StopReason | null, readonly clientId: string | null, readonly createdAt: string, readonly messageRole: MessageRole, readonly messageStatus: MessageStatus, readonly session: { readonly id: string } }, readonly reply: { readonly __typename: 'Message', readonly id: string, readonly text: string, readonly stopReason: StopReason | null, readonly clientId: string | null, readonly createdAt: string, readonly messageRole: MessageRole, readonly messageStatus: MessageStatus, readonly session: { readonly id: string } } | null }
        | { readonly __typename: 'Viewer', readonly id: string }
        | { readonly __typename: 'Workflow', readonly id: string, readonly name: string, readonly slug: string, readonly version: number, readonly clientId: string | null, readonly draft: { readonly valid: boolean, readonly version: number } | null, readonly publishedVersion: { readonly id: string, readonly number: number } | null }
        | { readonly __typename: 'WorkflowVersion', readonly id: string, readonly number: number, readonly checksum: string, readonly publishedAt: string }
        | { readonly __typename: 'Workspace', readonly id: string }
       | null }> } };

export type ChangesSubscriptionVariables = Exact<{
  workspace: string;
  after?: Cursor | null | undefined;
}>;


export type ChangesSubscription = { readonly changes: { readonly __typename: 'Change', readonly cursor: Cursor, readonly at: string, readonly kind: ChangeKind, readonly deletedId: string | null, readonly node:
      | { readonly __typename: 'ActionItem', readonly id: string, readonly text: string, readonly dueAt: string | null, readonly completedAt: string | null, readonly version: number, readonly clientId: string | null, readonly createdAt: string, readonly actionItemStatus: ActionItemStatus, readonly goal: { readonly id: string } | null, readonly itemSession: { readonly id: string } | null }
      | { readonly __typename: 'ApiKey', readonly id: string, readonly name: string, readonly prefix: string, readonly scopes: ReadonlyArray<ApiKeyScope>, readonly createdAt: string, readonly expiresAt: string | null, readonly revokedAt: string | null }
      | { readonly __typename: 'Approval', readonly id: string, readonly title: string, readonly form: unknown, readonly comment: string | null, readonly createdAt: string, readonly expiresAt: string | null, readonly approvalStatus: ApprovalStatus, readonly run: { readonly id: string }, readonly decidedBy: { readonly id: string, readonly displayName: string } | null }
      | { readonly __typename: 'AuditEntry', readonly id: string, readonly action: AuditAction, readonly actorId: string | null, readonly subjectId: string, readonly data: unknown, readonly at: string }
      | { readonly __typename: 'Budget', readonly id: string, readonly period: UsagePeriod, readonly downgradeRoute: string | null, readonly scopeId: string | null, readonly exceededAt: string | null, readonly version: number, readonly budgetAction: BudgetAction, readonly limit: { readonly amount: string, readonly currency: string } }
      | { readonly __typename: 'CoachingSession', readonly id: string, readonly mode: CoachingMode, readonly topic: string | null, readonly version: number, readonly clientId: string | null, readonly createdAt: string, readonly sessionStatus: CoachingSessionStatus, readonly goal: { readonly id: string } | null, readonly summary: { readonly text: string } | null }
      | { readonly __typename: 'Document', readonly id: string, readonly title: string, readonly mediaType: string, readonly failure: DocumentFailure | null, readonly scope: MemoryScope, readonly egress: Egress, readonly externalId: string | null, readonly clientId: string | null, readonly length: number, readonly createdAt: string, readonly updatedAt: string, readonly documentStatus: DocumentStatus, readonly documentProgress: number, readonly documentVersion: number }
      | { readonly __typename: 'DocumentChunk', readonly id: string }
      | { readonly __typename: 'ErasureReceipt', readonly id: string, readonly at: string, readonly erased: ReadonlyArray<{ readonly kind: string, readonly count: number }> }
      | { readonly __typename: 'Goal', readonly id: string, readonly title: string, readonly progress: number, readonly version: number, readonly clientId: string | null, readonly goalStatus: GoalStatus }
      | { readonly __typename: 'Invitation', readonly id: string, readonly email: string, readonly role: Role, readonly createdAt: string, readonly invitationStatus: InvitationStatus, readonly until: string }
      | { readonly __typename: 'LlmCall', readonly id: string }
      | { readonly __typename: 'Membership', readonly id: string, readonly role: Role, readonly version: number, readonly createdAt: string, readonly user: { readonly id: string, readonly displayName: string } }
      | { readonly __typename: 'Memory', readonly id: string, readonly text: string, readonly kind: MemoryKind, readonly scope: MemoryScope, readonly collection: string | null, readonly externalId: string | null, readonly clientId: string | null, readonly speaker: string | null, readonly occurredAt: string | null, readonly createdAt: string, readonly memoryStatus: MemoryStatus }
      | { readonly __typename: 'Message', readonly id: string, readonly text: string, readonly stopReason: StopReason | null, readonly clientId: string | null, readonly createdAt: string, readonly messageRole: MessageRole, readonly messageStatus: MessageStatus, readonly session: { readonly id: string } }
      | { readonly __typename: 'Route', readonly id: string, readonly name: string, readonly isConfigured: boolean, readonly streamFailure: StreamFailure, readonly maxOutputTokens: number, readonly cacheFor: string | null, readonly hedgeAfter: string | null, readonly version: number, readonly routeOrder: RouteOrder, readonly targets: ReadonlyArray<{ readonly provider: string, readonly model: string, readonly weight: number }> }
      | { readonly __typename: 'Run', readonly id: string, readonly createdAt: string, readonly output: unknown, readonly runStatus: RunStatus, readonly workflow: { readonly id: string }, readonly error: { readonly code: string, readonly message: string, readonly stepKey: string | null } | null }
      | { readonly __typename: 'ServiceAccount', readonly id: string, readonly name: string, readonly role: Role, readonly createdAt: string }
      | { readonly __typename: 'StepRun', readonly id: string, readonly key: string, readonly output: unknown, readonly stepStatus: StepStatus, readonly run: { readonly id: string } }
      | { readonly __typename: 'Turn', readonly id: string, readonly startedAt: string | null, readonly finishedAt: string | null, readonly turnStatus: TurnStatus, readonly session: { readonly id: string }, readonly message: { readonly __typename: 'Message', readonly id: string, readonly text: string, readonly stopReason: StopReason | null, readonly clientId: string | null, readonly createdAt: string, readonly messageRole: MessageRole, readonly messageStatus: MessageStatus, readonly session: { readonly id: string } }, readonly reply: { readonly __typename: 'Message', readonly id: string, readonly text: string, readonly stopReason: StopReason | null, readonly clientId: string | null, readonly createdAt: string, readonly messageRole: MessageRole, readonly messageStatus: MessageStatus, readonly session: { readonly id: string } } | null }
      | { readonly __typename: 'Viewer', readonly id: string }
      | { readonly __typename: 'Workflow', readonly id: string, readonly name: string, readonly slug: string, readonly version: number, readonly clientId: string | null, readonly draft: { readonly valid: boolean, readonly version: number } | null, readonly publishedVersion: { readonly id: string, readonly number: number } | null }
      | { readonly __typename: 'WorkflowVersion', readonly id: string, readonly number: number, readonly checksum: string, readonly publishedAt: string }
      | { readonly __typename: 'Workspace', readonly id: string }
     | null } };

export type SessionFieldsFragment = { readonly __typename: 'CoachingSession', readonly id: string, readonly status: CoachingSessionStatus, readonly mode: CoachingMode, readonly topic: string | null, readonly createdAt: string, readonly summary: { readonly text: string } | null, readonly goal: { readonly id: string, readonly title: string } | null };

export type MessageFieldsFragment = { readonly __typename: 'Message', readonly id: string, readonly role: MessageRole, readonly text: string, readonly status: MessageStatus, readonly stopReason: StopReason | null, readonly createdAt: string, readonly citations: ReadonlyArray<{ readonly quote: string, readonly start: number, readonly end: number, readonly memory: { readonly id: string } | null }> };

export type TurnFieldsFragment = { readonly __typename: 'Turn', readonly id: string, readonly status: TurnStatus, readonly startedAt: string | null, readonly finishedAt: string | null, readonly message: { readonly __typename: 'Message', readonly id: string, readonly role: MessageRole, readonly text: string, readonly status: MessageStatus, readonly stopReason: StopReason | null, readonly createdAt: string, readonly citations: ReadonlyArray<{ readonly quote: string, readonly start: number, readonly end: number, readonly memory: { readonly id: string } | null }> }, readonly reply: { readonly __typename: 'Message', readonly id: string, readonly role: MessageRole, readonly text: string, readonly status: MessageStatus, readonly stopReason: StopReason | null, readonly createdAt: string, readonly citations: ReadonlyArray<{ readonly quote: string, readonly start: number, readonly end: number, readonly memory: { readonly id: string } | null }> } | null };

export type StartSessionMutationVariables = Exact<{
  input: StartCoachingSessionInput;
}>;


export type StartSessionMutation = { readonly startCoachingSession: { readonly session: { readonly __typename: 'CoachingSession', readonly cursor: Cursor, readonly id: string, readonly status: CoachingSessionStatus, readonly mode: CoachingMode, readonly topic: string | null, readonly createdAt: string, readonly summary: { readonly text: string } | null, readonly goal: { readonly id: string, readonly title: string } | null } | null, readonly userErrors: ReadonlyArray<{ readonly code: UserErrorCode, readonly field: string, readonly message: string }> } };

export type SendMessageMutationVariables = Exact<{
  input: SendMessageInput;
}>;


export type SendMessageMutation = { readonly sendMessage: { readonly message: { readonly __typename: 'Message', readonly id: string, readonly role: MessageRole, readonly text: string, readonly status: MessageStatus, readonly stopReason: StopReason | null, readonly createdAt: string, readonly citations: ReadonlyArray<{ readonly quote: string, readonly start: number, readonly end: number, readonly memory: { readonly id: string } | null }> } | null, readonly turn: { readonly id: string, readonly status: TurnStatus } | null, readonly userErrors: ReadonlyArray<{ readonly code: UserErrorCode, readonly field: string, readonly message: string }> } };

export type InterruptTurnMutationVariables = Exact<{
  turn: string;
}>;


export type InterruptTurnMutation = { readonly interruptTurn: { readonly turn: { readonly id: string, readonly status: TurnStatus } | null, readonly userErrors: ReadonlyArray<{ readonly code: UserErrorCode, readonly field: string, readonly message: string }> } };

export type EndSessionMutationVariables = Exact<{
  session: string;
}>;


export type EndSessionMutation = { readonly endCoachingSession: { readonly session: { readonly __typename: 'CoachingSession', readonly id: string, readonly status: CoachingSessionStatus, readonly mode: CoachingMode, readonly topic: string | null, readonly createdAt: string, readonly summary: { readonly text: string } | null, readonly goal: { readonly id: string, readonly title: string } | null } | null, readonly userErrors: ReadonlyArray<{ readonly code: UserErrorCode, readonly field: string, readonly message: string }> } };

export type SessionsQueryVariables = Exact<{
  workspace: string;
  first?: number | null | undefined;
  after?: string | null | undefined;
}>;


export type SessionsQuery = { readonly workspace: { readonly id: string, readonly coachingSessions: { readonly nodes: ReadonlyArray<{ readonly __typename: 'CoachingSession', readonly id: string, readonly status: CoachingSessionStatus, readonly mode: CoachingMode, readonly topic: string | null, readonly createdAt: string, readonly summary: { readonly text: string } | null, readonly goal: { readonly id: string, readonly title: string } | null }>, readonly pageInfo: { readonly endCursor: string | null, readonly hasNextPage: boolean } } } | null };

export type SessionQueryVariables = Exact<{
  session: string;
  first?: number | null | undefined;
  after?: string | null | undefined;
}>;


export type SessionQuery = { readonly node:
    | { readonly __typename: 'ActionItem' }
    | { readonly __typename: 'ApiKey' }
    | { readonly __typename: 'Approval' }
    | { readonly __typename: 'AuditEntry' }
    | { readonly __typename: 'Budget' }
    | { readonly __typename: 'CoachingSession', readonly cursor: Cursor, readonly id: string, readonly status: CoachingSessionStatus, readonly mode: CoachingMode, readonly topic: string | null, readonly createdAt: string, readonly messages: { readonly nodes: ReadonlyArray<{ readonly __typename: 'Message', readonly id: string, readonly role: MessageRole, readonly text: string, readonly status: MessageStatus, readonly stopReason: StopReason | null, readonly createdAt: string, readonly citations: ReadonlyArray<{ readonly quote: string, readonly start: number, readonly end: number, readonly memory: { readonly id: string } | null }> }>, readonly pageInfo: { readonly endCursor: string | null, readonly hasNextPage: boolean } }, readonly summary: { readonly text: string } | null, readonly goal: { readonly id: string, readonly title: string } | null }
    | { readonly __typename: 'Document' }
    | { readonly __typename: 'DocumentChunk' }
    | { readonly __typename: 'ErasureReceipt' }
    | { readonly __typename: 'Goal' }
    | { readonly __typename: 'Invitation' }
    | { readonly __typename: 'LlmCall' }
    | { readonly __typename: 'Membership' }
    | { readonly __typename: 'Memory' }
    | { readonly __typename: 'Message' }
    | { readonly __typename: 'Route' }
    | { readonly __typename: 'Run' }
    | { readonly __typename: 'ServiceAccount' }
    | { readonly __typename: 'StepRun' }
    | { readonly __typename: 'Turn' }
    | { readonly __typename: 'Viewer' }
    | { readonly __typename: 'Workflow' }
    | { readonly __typename: 'WorkflowVersion' }
    | { readonly __typename: 'Workspace' }
   | null };

export type CoachingEventsSubscriptionVariables = Exact<{
  session: string;
  after?: Cursor | null | undefined;
}>;


export type CoachingEventsSubscription = { readonly coachingEvents:
    | { readonly __typename: 'ActionItemCreated', readonly cursor: Cursor, readonly at: string }
    | { readonly __typename: 'SessionEnded', readonly cursor: Cursor, readonly at: string, readonly session: { readonly __typename: 'CoachingSession', readonly id: string, readonly status: CoachingSessionStatus, readonly mode: CoachingMode, readonly topic: string | null, readonly createdAt: string, readonly summary: { readonly text: string } | null, readonly goal: { readonly id: string, readonly title: string } | null } }
    | { readonly __typename: 'SessionStarted', readonly cursor: Cursor, readonly at: string, readonly session: { readonly __typename: 'CoachingSession', readonly id: string, readonly status: CoachingSessionStatus, readonly mode: CoachingMode, readonly topic: string | null, readonly createdAt: string, readonly summary: { readonly text: string } | null, readonly goal: { readonly id: string, readonly title: string } | null } }
    | { readonly __typename: 'ToolCompleted', readonly cursor: Cursor, readonly at: string }
    | { readonly __typename: 'ToolStarted', readonly cursor: Cursor, readonly at: string }
    | { readonly __typename: 'TurnCompleted', readonly cursor: Cursor, readonly at: string, readonly turn: { readonly __typename: 'Turn', readonly id: string, readonly status: TurnStatus, readonly startedAt: string | null, readonly finishedAt: string | null, readonly message: { readonly __typename: 'Message', readonly id: string, readonly role: MessageRole, readonly text: string, readonly status: MessageStatus, readonly stopReason: StopReason | null, readonly createdAt: string, readonly citations: ReadonlyArray<{ readonly quote: string, readonly start: number, readonly end: number, readonly memory: { readonly id: string } | null }> }, readonly reply: { readonly __typename: 'Message', readonly id: string, readonly role: MessageRole, readonly text: string, readonly status: MessageStatus, readonly stopReason: StopReason | null, readonly createdAt: string, readonly citations: ReadonlyArray<{ readonly quote: string, readonly start: number, readonly end: number, readonly memory: { readonly id: string } | null }> } | null } }
    | { readonly __typename: 'TurnDelta', readonly text: string, readonly offset: number, readonly cursor: Cursor, readonly at: string, readonly turn: { readonly id: string } }
    | { readonly __typename: 'TurnFailed', readonly reason: StopReason, readonly cursor: Cursor, readonly at: string, readonly turn: { readonly __typename: 'Turn', readonly id: string, readonly status: TurnStatus, readonly startedAt: string | null, readonly finishedAt: string | null, readonly message: { readonly __typename: 'Message', readonly id: string, readonly role: MessageRole, readonly text: string, readonly status: MessageStatus, readonly stopReason: StopReason | null, readonly createdAt: string, readonly citations: ReadonlyArray<{ readonly quote: string, readonly start: number, readonly end: number, readonly memory: { readonly id: string } | null }> }, readonly reply: { readonly __typename: 'Message', readonly id: string, readonly role: MessageRole, readonly text: string, readonly status: MessageStatus, readonly stopReason: StopReason | null, readonly createdAt: string, readonly citations: ReadonlyArray<{ readonly quote: string, readonly start: number, readonly end: number, readonly memory: { readonly id: string } | null }> } | null } }
    | { readonly __typename: 'TurnIncomplete', readonly reason: StopReason, readonly cursor: Cursor, readonly at: string, readonly turn: { readonly __typename: 'Turn', readonly id: string, readonly status: TurnStatus, readonly startedAt: string | null, readonly finishedAt: string | null, readonly message: { readonly __typename: 'Message', readonly id: string, readonly role: MessageRole, readonly text: string, readonly status: MessageStatus, readonly stopReason: StopReason | null, readonly createdAt: string, readonly citations: ReadonlyArray<{ readonly quote: string, readonly start: number, readonly end: number, readonly memory: { readonly id: string } | null }> }, readonly reply: { readonly __typename: 'Message', readonly id: string, readonly role: MessageRole, readonly text: string, readonly status: MessageStatus, readonly stopReason: StopReason | null, readonly createdAt: string, readonly citations: ReadonlyArray<{ readonly quote: string, readonly start: number, readonly end: number, readonly memory: { readonly id: string } | null }> } | null } }
    | { readonly __typename: 'TurnInterrupted', readonly reason: StopReason, readonly cursor: Cursor, readonly at: string, readonly turn: { readonly __typename: 'Turn', readonly id: string, readonly status: TurnStatus, readonly startedAt: string | null, readonly finishedAt: string | null, readonly message: { readonly __typename: 'Message', readonly id: string, readonly role: MessageRole, readonly text: string, readonly status: MessageStatus, readonly stopReason: StopReason | null, readonly createdAt: string, readonly citations: ReadonlyArray<{ readonly quote: string, readonly start: number, readonly end: number, readonly memory: { readonly id: string } | null }> }, readonly reply: { readonly __typename: 'Message', readonly id: string, readonly role: MessageRole, readonly text: string, readonly status: MessageStatus, readonly stopReason: StopReason | null, readonly createdAt: string, readonly citations: ReadonlyArray<{ readonly quote: string, readonly start: number, readonly end: number, readonly memory: { readonly id: string } | null }> } | null } }
    | { readonly __typename: 'TurnQueued', readonly cursor: Cursor, readonly at: string, readonly turn: { readonly __typename: 'Turn', readonly id: string, readonly status: TurnStatus, readonly startedAt: string | null, readonly finishedAt: string | null, readonly message: { readonly __typename: 'Message', readonly id: string, readonly role: MessageRole, readonly text: string, readonly status: MessageStatus, readonly stopReason: StopReason | null, readonly createdAt: string, readonly citations: ReadonlyArray<{ readonly quote: string, readonly start: number, readonly end: number, readonly memory: { readonly id: string } | null }> }, readonly reply: { readonly __typename: 'Message', readonly id: string, readonly role: MessageRole, readonly text: string, readonly status: MessageStatus, readonly stopReason: StopReason | null, readonly createdAt: string, readonly citations: ReadonlyArray<{ readonly quote: string, readonly start: number, readonly end: number, readonly memory: { readonly id: string } | null }> } | null } }
    | { readonly __typename: 'TurnSnapshot', readonly text: string, readonly offset: number, readonly cursor: Cursor, readonly at: string, readonly turn: { readonly id: string, readonly reply: { readonly id: string } | null } }
    | { readonly __typename: 'TurnStarted', readonly cursor: Cursor, readonly at: string, readonly turn: { readonly __typename: 'Turn', readonly id: string, readonly status: TurnStatus, readonly startedAt: string | null, readonly finishedAt: string | null, readonly message: { readonly __typename: 'Message', readonly id: string, readonly role: MessageRole, readonly text: string, readonly status: MessageStatus, readonly stopReason: StopReason | null, readonly createdAt: string, readonly citations: ReadonlyArray<{ readonly quote: string, readonly start: number, readonly end: number, readonly memory: { readonly id: string } | null }> }, readonly reply: { readonly __typename: 'Message', readonly id: string, readonly role: MessageRole, readonly text: string, readonly status: MessageStatus, readonly stopReason: StopReason | null, readonly createdAt: string, readonly citations: ReadonlyArray<{ readonly quote: string, readonly start: number, readonly end: number, readonly memory: { readonly id: string } | null }> } | null } }
   };

export type MemoryFieldsFragment = { readonly __typename: 'Memory', readonly id: string, readonly text: string, readonly kind: MemoryKind, readonly scope: MemoryScope, readonly status: MemoryStatus, readonly collection: string | null, readonly externalId: string | null, readonly speaker: string | null, readonly occurredAt: string | null, readonly createdAt: string };

export type RememberMutationVariables = Exact<{
  input: RememberInput;
}>;


export type RememberMutation = { readonly remember: { readonly memory: { readonly __typename: 'Memory', readonly id: string, readonly text: string, readonly kind: MemoryKind, readonly scope: MemoryScope, readonly status: MemoryStatus, readonly collection: string | null, readonly externalId: string | null, readonly speaker: string | null, readonly occurredAt: string | null, readonly createdAt: string } | null, readonly userErrors: ReadonlyArray<{ readonly code: UserErrorCode, readonly field: string, readonly message: string }> } };

export type RecallQueryVariables = Exact<{
  workspace: string;
  input: RecallInput;
}>;


export type RecallQuery = { readonly workspace: { readonly id: string, readonly recall: { readonly usedTokens: number, readonly hits: ReadonlyArray<{ readonly score: number, readonly item:
          | { readonly __typename: 'Memory', readonly id: string, readonly text: string, readonly kind: MemoryKind, readonly scope: MemoryScope, readonly status: MemoryStatus, readonly collection: string | null, readonly externalId: string | null, readonly speaker: string | null, readonly occurredAt: string | null, readonly createdAt: string }
          | { readonly __typename: 'DocumentChunk', readonly id: string, readonly text: string, readonly start: number, readonly end: number, readonly document: { readonly id: string, readonly title: string } }
         }> } } | null };

export type ForgetMutationVariables = Exact<{
  memory: string;
}>;


export type ForgetMutation = { readonly forgetMemory: { readonly receipt: { readonly id: string, readonly at: string, readonly erased: ReadonlyArray<{ readonly kind: string, readonly count: number }> } | null, readonly userErrors: ReadonlyArray<{ readonly code: UserErrorCode, readonly field: string, readonly message: string }> } };

export type MemoriesQueryVariables = Exact<{
  workspace: string;
  filter?: MemoryFilter | null | undefined;
  first?: number | null | undefined;
  after?: string | null | undefined;
}>;


export type MemoriesQuery = { readonly workspace: { readonly id: string, readonly memories: { readonly nodes: ReadonlyArray<{ readonly __typename: 'Memory', readonly id: string, readonly text: string, readonly kind: MemoryKind, readonly scope: MemoryScope, readonly status: MemoryStatus, readonly collection: string | null, readonly externalId: string | null, readonly speaker: string | null, readonly occurredAt: string | null, readonly createdAt: string }>, readonly pageInfo: { readonly endCursor: string | null, readonly hasNextPage: boolean } } } | null };

export type WorkflowFieldsFragment = { readonly __typename: 'Workflow', readonly id: string, readonly name: string, readonly slug: string, readonly draft: { readonly valid: boolean, readonly version: number } | null, readonly publishedVersion: { readonly id: string, readonly number: number } | null };

export type RunFieldsFragment = { readonly __typename: 'Run', readonly id: string, readonly status: RunStatus, readonly createdAt: string, readonly output: unknown, readonly workflow: { readonly id: string, readonly name: string }, readonly error: { readonly code: string, readonly message: string, readonly stepKey: string | null } | null };

export type StepFieldsFragment = { readonly __typename: 'StepRun', readonly id: string, readonly key: string, readonly status: StepStatus, readonly output: unknown };

export type ApprovalFieldsFragment = { readonly __typename: 'Approval', readonly id: string, readonly title: string, readonly form: unknown, readonly status: ApprovalStatus, readonly comment: string | null, readonly createdAt: string, readonly expiresAt: string | null, readonly decidedBy: { readonly id: string, readonly displayName: string } | null };

export type StepThenFragment = { readonly key: string, readonly attempt: number, readonly status: StepStatus, readonly output: unknown };

export type CreateWorkflowMutationVariables = Exact<{
  input: CreateWorkflowInput;
}>;


export type CreateWorkflowMutation = { readonly createWorkflow: { readonly workflow: { readonly __typename: 'Workflow', readonly id: string, readonly name: string, readonly slug: string, readonly draft: { readonly valid: boolean, readonly version: number, readonly problems: ReadonlyArray<{ readonly code: string, readonly path: string, readonly message: string }> } | null, readonly publishedVersion: { readonly id: string, readonly number: number } | null } | null, readonly userErrors: ReadonlyArray<{ readonly code: UserErrorCode, readonly field: string, readonly message: string }> } };

export type PublishWorkflowMutationVariables = Exact<{
  workflow: string;
}>;


export type PublishWorkflowMutation = { readonly publishWorkflow: { readonly version: { readonly id: string, readonly number: number } | null, readonly userErrors: ReadonlyArray<{ readonly code: UserErrorCode, readonly field: string, readonly message: string }> } };

export type StartRunMutationVariables = Exact<{
  input: StartRunInput;
}>;


export type StartRunMutation = { readonly startRun: { readonly run: { readonly __typename: 'Run', readonly cursor: Cursor, readonly id: string, readonly status: RunStatus, readonly createdAt: string, readonly output: unknown, readonly workflow: { readonly id: string, readonly name: string }, readonly error: { readonly code: string, readonly message: string, readonly stepKey: string | null } | null } | null, readonly userErrors: ReadonlyArray<{ readonly code: UserErrorCode, readonly field: string, readonly message: string }> } };

export type CancelRunMutationVariables = Exact<{
  run: string;
  reason?: string | null | undefined;
}>;


export type CancelRunMutation = { readonly cancelRun: { readonly run: { readonly __typename: 'Run', readonly id: string, readonly status: RunStatus, readonly createdAt: string, readonly output: unknown, readonly workflow: { readonly id: string, readonly name: string }, readonly error: { readonly code: string, readonly message: string, readonly stepKey: string | null } | null } | null, readonly userErrors: ReadonlyArray<{ readonly code: UserErrorCode, readonly field: string, readonly message: string }> } };

export type DecideApprovalMutationVariables = Exact<{
  input: DecideApprovalInput;
}>;


export type DecideApprovalMutation = { readonly decideApproval: { readonly approval: { readonly __typename: 'Approval', readonly id: string, readonly title: string, readonly form: unknown, readonly status: ApprovalStatus, readonly comment: string | null, readonly createdAt: string, readonly expiresAt: string | null, readonly decidedBy: { readonly id: string, readonly displayName: string } | null } | null, readonly userErrors: ReadonlyArray<{ readonly code: UserErrorCode, readonly field: string, readonly message: string }> } };

export type WorkflowsQueryVariables = Exact<{
  workspace: string;
  first?: number | null | undefined;
  after?: string | null | undefined;
}>;


export type WorkflowsQuery = { readonly workspace: { readonly id: string, readonly workflows: { readonly nodes: ReadonlyArray<{ readonly __typename: 'Workflow', readonly id: string, readonly name: string, readonly slug: string, readonly draft: { readonly valid: boolean, readonly version: number } | null, readonly publishedVersion: { readonly id: string, readonly number: number } | null }>, readonly pageInfo: { readonly endCursor: string | null, readonly hasNextPage: boolean } } } | null };

export type RunsQueryVariables = Exact<{
  workspace: string;
  filter?: RunFilter | null | undefined;
  first?: number | null | undefined;
  after?: string | null | undefined;
}>;


export type RunsQuery = { readonly workspace: { readonly id: string, readonly runs: { readonly nodes: ReadonlyArray<{ readonly __typename: 'Run', readonly id: string, readonly status: RunStatus, readonly createdAt: string, readonly output: unknown, readonly workflow: { readonly id: string, readonly name: string }, readonly error: { readonly code: string, readonly message: string, readonly stepKey: string | null } | null }>, readonly pageInfo: { readonly endCursor: string | null, readonly hasNextPage: boolean } } } | null };

export type RunQueryVariables = Exact<{
  run: string;
}>;


export type RunQuery = { readonly node:
    | { readonly __typename: 'ActionItem' }
    | { readonly __typename: 'ApiKey' }
    | { readonly __typename: 'Approval' }
    | { readonly __typename: 'AuditEntry' }
    | { readonly __typename: 'Budget' }
    | { readonly __typename: 'CoachingSession' }
    | { readonly __typename: 'Document' }
    | { readonly __typename: 'DocumentChunk' }
    | { readonly __typename: 'ErasureReceipt' }
    | { readonly __typename: 'Goal' }
    | { readonly __typename: 'Invitation' }
    | { readonly __typename: 'LlmCall' }
    | { readonly __typename: 'Membership' }
    | { readonly __typename: 'Memory' }
    | { readonly __typename: 'Message' }
    | { readonly __typename: 'Route' }
    | { readonly __typename: 'Run', readonly cursor: Cursor, readonly id: string, readonly status: RunStatus, readonly createdAt: string, readonly output: unknown, readonly steps: { readonly nodes: ReadonlyArray<{ readonly __typename: 'StepRun', readonly id: string, readonly key: string, readonly status: StepStatus, readonly output: unknown }> }, readonly workflow: { readonly id: string, readonly name: string }, readonly error: { readonly code: string, readonly message: string, readonly stepKey: string | null } | null }
    | { readonly __typename: 'ServiceAccount' }
    | { readonly __typename: 'StepRun' }
    | { readonly __typename: 'Turn' }
    | { readonly __typename: 'Viewer' }
    | { readonly __typename: 'Workflow' }
    | { readonly __typename: 'WorkflowVersion' }
    | { readonly __typename: 'Workspace' }
   | null };

export type RunEventsSubscriptionVariables = Exact<{
  run: string;
  after?: Cursor | null | undefined;
}>;


export type RunEventsSubscription = { readonly runEvents:
    | { readonly __typename: 'ApprovalDecided', readonly approved: boolean, readonly cursor: Cursor, readonly at: string, readonly approval: { readonly __typename: 'Approval', readonly id: string, readonly title: string, readonly form: unknown, readonly status: ApprovalStatus, readonly comment: string | null, readonly createdAt: string, readonly expiresAt: string | null, readonly decidedBy: { readonly id: string, readonly displayName: string } | null } }
    | { readonly __typename: 'ApprovalRequested', readonly cursor: Cursor, readonly at: string, readonly approval: { readonly __typename: 'Approval', readonly id: string, readonly title: string, readonly form: unknown, readonly status: ApprovalStatus, readonly comment: string | null, readonly createdAt: string, readonly expiresAt: string | null, readonly decidedBy: { readonly id: string, readonly displayName: string } | null } }
    | { readonly __typename: 'RunCancelled', readonly cursor: Cursor, readonly at: string, readonly run: { readonly __typename: 'Run', readonly id: string, readonly status: RunStatus, readonly createdAt: string, readonly output: unknown, readonly workflow: { readonly id: string, readonly name: string }, readonly error: { readonly code: string, readonly message: string, readonly stepKey: string | null } | null } }
    | { readonly __typename: 'RunCompleted', readonly cursor: Cursor, readonly at: string, readonly run: { readonly __typename: 'Run', readonly id: string, readonly status: RunStatus, readonly createdAt: string, readonly output: unknown, readonly workflow: { readonly id: string, readonly name: string }, readonly error: { readonly code: string, readonly message: string, readonly stepKey: string | null } | null } }
    | { readonly __typename: 'RunCreated', readonly cursor: Cursor, readonly at: string, readonly run: { readonly __typename: 'Run', readonly id: string, readonly status: RunStatus, readonly createdAt: string, readonly output: unknown, readonly workflow: { readonly id: string, readonly name: string }, readonly error: { readonly code: string, readonly message: string, readonly stepKey: string | null } | null } }
    | { readonly __typename: 'RunFailed', readonly cursor: Cursor, readonly at: string, readonly run: { readonly __typename: 'Run', readonly id: string, readonly status: RunStatus, readonly createdAt: string, readonly output: unknown, readonly workflow: { readonly id: string, readonly name: string }, readonly error: { readonly code: string, readonly message: string, readonly stepKey: string | null } | null } }
    | { readonly __typename: 'StepCompleted', readonly cursor: Cursor, readonly at: string, readonly step: { readonly key: string, readonly attempt: number, readonly status: StepStatus, readonly output: unknown } }
    | { readonly __typename: 'StepFailed', readonly cursor: Cursor, readonly at: string, readonly step: { readonly key: string, readonly attempt: number, readonly status: StepStatus, readonly output: unknown }, readonly error: { readonly code: string, readonly message: string } }
    | { readonly __typename: 'StepRetryScheduled', readonly nextAttemptAt: string, readonly cursor: Cursor, readonly at: string, readonly step: { readonly key: string, readonly attempt: number, readonly status: StepStatus, readonly output: unknown }, readonly error: { readonly code: string, readonly message: string } }
    | { readonly __typename: 'StepSkipped', readonly cursor: Cursor, readonly at: string, readonly step: { readonly key: string, readonly attempt: number, readonly status: StepStatus, readonly output: unknown } }
    | { readonly __typename: 'StepStarted', readonly cursor: Cursor, readonly at: string, readonly step: { readonly key: string, readonly attempt: number, readonly status: StepStatus, readonly output: unknown } }
    | { readonly __typename: 'StepToolCompleted', readonly cursor: Cursor, readonly at: string }
    | { readonly __typename: 'StepToolStarted', readonly cursor: Cursor, readonly at: string }
    | { readonly __typename: 'StepWaiting', readonly until: string, readonly cursor: Cursor, readonly at: string, readonly step: { readonly key: string, readonly attempt: number, readonly status: StepStatus, readonly output: unknown } }
   };


/** Every `extensions.code` of an error that this version of the client knows. */
export type ErrorCode =
  /** The HTTP request is not one of GraphQL over HTTP. */
  | "BAD_REQUEST"
  /** An argument or a variable is not what the schema or the server can take: mend the client. */
  | "BAD_USER_INPUT"
  /** A budget is used up. */
  | "BUDGET_EXCEEDED"
  /** The caller may see this but not do it. */
  | "FORBIDDEN"
  /** The document is not GraphQL. */
  | "GRAPHQL_PARSE_FAILED"
  /** The document does not fit the schema. */
  | "GRAPHQL_VALIDATION_FAILED"
  /** A fault of the server, logged under the request's id. */
  | "INTERNAL"
  /** The cursor is not of this list or stream. */
  | "INVALID_CURSOR"
  /** It does not exist, or the caller may not see it. */
  | "NOT_FOUND"
  /** The document has no such operation, or several and none was named. */
  | "OPERATION_RESOLUTION_FAILURE"
  /** No document is known by this id or hash to the caller: send its text, or register it. */
  | "PERSISTED_QUERY_NOT_FOUND"
  /** Documents are not registered in passing here: send the text alone, or register it before. */
  | "PERSISTED_QUERY_NOT_SUPPORTED"
  /** The document asks for more than one request may: ask for less, or page. */
  | "QUERY_TOO_COMPLEX"
  /** Too many requests: wait `retryAfterMs`. */
  | "RATE_LIMITED"
  /** The cursor is older than what is kept: load the data again and subscribe from its cursor. */
  | "RESYNC_REQUIRED"
  /** The request took too long; a mutation may still be carried out. */
  | "TIMEOUT"
  /** No credential, or one that is not valid (any more): sign in again. */
  | "UNAUTHENTICATED"
  /** The server cannot answer now: try again after `retryAfterMs`. */
  | "UNAVAILABLE";


export const ViewerDocument = new Operation<ViewerQuery, ViewerQueryVariables>(`query Viewer {
  viewer {
    id
    displayName
    memberships(first: 100) {
      nodes {
        role
        workspace {
          id
          name
          slug
        }
      }
    }
  }
}`);

export const CreateWorkspaceDocument = new Operation<CreateWorkspaceMutation, CreateWorkspaceMutationVariables>(`mutation CreateWorkspace($input: CreateWorkspaceInput!) {
  createWorkspace(input: $input) {
    workspace {
      id
      name
      slug
      cursor
    }
    userErrors {
      ...Problem
    }
  }
}

fragment Problem on UserError {
  code
  field
  message
}`);

/** Things by their ids, as a copy has them. */
export const CopyThingsDocument = new Operation<CopyThingsQuery, CopyThingsQueryVariables>(`query CopyThings($ids: [ID!]!) {
  nodes(ids: $ids) {
    ...ThingCopy
  }
}

fragment ActionItemCopy on ActionItem {
  __typename
  id
  text
  actionItemStatus: status
  dueAt
  completedAt
  version
  clientId
  createdAt
  goal {
    id
  }
  itemSession: session {
    id
  }
}

fragment ApiKeyCopy on ApiKey {
  __typename
  id
  name
  prefix
  scopes
  createdAt
  expiresAt
  revokedAt
}

fragment ApprovalCopy on Approval {
  __typename
  id
  title
  form
  approvalStatus: status
  comment
  createdAt
  expiresAt
  run {
    id
  }
  decidedBy {
    id
    displayName
  }
}

fragment AuditEntryCopy on AuditEntry {
  __typename
  id
  action
  actorId
  subjectId
  data
  at
}

fragment BudgetCopy on Budget {
  __typename
  id
  period
  limit {
    amount
    currency
  }
  budgetAction: action
  downgradeRoute
  scopeId
  exceededAt
  version
}

fragment DocumentCopy on Document {
  __typename
  id
  title
  mediaType
  documentStatus: status
  failure
  documentProgress: progress
  documentVersion: version
  scope
  egress
  externalId
  clientId
  length
  createdAt
  updatedAt
}

fragment GoalCopy on Goal {
  __typename
  id
  title
  progress
  goalStatus: status
  version
  clientId
}

fragment InvitationCopy on Invitation {
  __typename
  id
  email
  role
  invitationStatus: status
  createdAt
  until: expiresAt
}

fragment MembershipCopy on Membership {
  __typename
  id
  role
  version
  createdAt
  user {
    id
    displayName
  }
}

fragment MemoryCopy on Memory {
  __typename
  id
  text
  kind
  scope
  memoryStatus: status
  collection
  externalId
  clientId
  speaker
  occurredAt
  createdAt
}

fragment MessageCopy on Message {
  __typename
  id
  messageRole: role
  messageStatus: status
  text
  stopReason
  clientId
  createdAt
  session {
    id
  }
}

fragment ReceiptCopy on ErasureReceipt {
  __typename
  id
  at
  erased {
    kind
    count
  }
}

fragment RouteCopy on Route {
  __typename
  id
  name
  isConfigured
  routeOrder: order
  targets {
    provider
    model
    weight
  }
  streamFailure
  maxOutputTokens
  cacheFor
  hedgeAfter
  version
}

fragment RunCopy on Run {
  __typename
  id
  runStatus: status
  createdAt
  workflow {
    id
  }
  output
  error {
    code
    message
    stepKey
  }
}

fragment ServiceAccountCopy on ServiceAccount {
  __typename
  id
  name
  role
  createdAt
}

fragment SessionCopy on CoachingSession {
  __typename
  id
  sessionStatus: status
  mode
  topic
  version
  clientId
  createdAt
  goal {
    id
  }
  summary {
    text
  }
}

fragment StepCopy on StepRun {
  __typename
  id
  key
  stepStatus: status
  output
  run {
    id
  }
}

fragment ThingCopy on Node {
  __typename
  id
  ...ActionItemCopy
  ...ApiKeyCopy
  ...ApprovalCopy
  ...AuditEntryCopy
  ...BudgetCopy
  ...DocumentCopy
  ...GoalCopy
  ...InvitationCopy
  ...MembershipCopy
  ...MemoryCopy
  ...MessageCopy
  ...ReceiptCopy
  ...RouteCopy
  ...RunCopy
  ...ServiceAccountCopy
  ...SessionCopy
  ...StepCopy
  ...TurnCopy
  ...VersionCopy
  ...WorkflowCopy
}

fragment TurnCopy on Turn {
  __typename
  id
  turnStatus: status
  startedAt
  finishedAt
  session {
    id
  }
  message {
    ...MessageCopy
  }
  reply {
    ...MessageCopy
  }
}

fragment VersionCopy on WorkflowVersion {
  __typename
  id
  number
  checksum
  publishedAt
}

fragment WorkflowCopy on Workflow {
  __typename
  id
  name
  slug
  version
  clientId
  draft {
    valid
    version
  }
  publishedVersion {
    id
    number
  }
}`);

/** Where a copy begins: ask for the cursor before you load what is copied. */
export const PlaceDocument = new Operation<PlaceQuery, PlaceQueryVariables>(`query Place($workspace: ID!) {
  workspace(id: $workspace) {
    id
    cursor
  }
}`);

export const CopyMembersDocument = new Operation<CopyMembersQuery, CopyMembersQueryVariables>(`query CopyMembers($workspace: ID!, $first: Int, $after: String) {
  workspace(id: $workspace) {
    id
    members(first: $first, after: $after) {
      nodes {
        ...MembershipCopy
      }
      pageInfo {
        ...PageFields
      }
    }
  }
}

fragment MembershipCopy on Membership {
  __typename
  id
  role
  version
  createdAt
  user {
    id
    displayName
  }
}

fragment PageFields on PageInfo {
  endCursor
  hasNextPage
}`);

export const CopyActionItemsDocument = new Operation<CopyActionItemsQuery, CopyActionItemsQueryVariables>(`query CopyActionItems($workspace: ID!, $first: Int, $after: String) {
  workspace(id: $workspace) {
    id
    actionItems(first: $first, after: $after) {
      nodes {
        ...ActionItemCopy
      }
      pageInfo {
        ...PageFields
      }
    }
  }
}

fragment ActionItemCopy on ActionItem {
  __typename
  id
  text
  actionItemStatus: status
  dueAt
  completedAt
  version
  clientId
  createdAt
  goal {
    id
  }
  itemSession: session {
    id
  }
}

fragment PageFields on PageInfo {
  endCursor
  hasNextPage
}`);

export const CopyMemoriesDocument = new Operation<CopyMemoriesQuery, CopyMemoriesQueryVariables>(`query CopyMemories($workspace: ID!, $first: Int, $after: String) {
  workspace(id: $workspace) {
    id
    memories(first: $first, after: $after) {
      nodes {
        ...MemoryCopy
      }
      pageInfo {
        ...PageFields
      }
    }
  }
}

fragment MemoryCopy on Memory {
  __typename
  id
  text
  kind
  scope
  memoryStatus: status
  collection
  externalId
  clientId
  speaker
  occurredAt
  createdAt
}

fragment PageFields on PageInfo {
  endCursor
  hasNextPage
}`);

export const CopyDocumentsDocument = new Operation<CopyDocumentsQuery, CopyDocumentsQueryVariables>(`query CopyDocuments($workspace: ID!, $first: Int, $after: String) {
  workspace(id: $workspace) {
    id
    documents(first: $first, after: $after) {
      nodes {
        ...DocumentCopy
      }
      pageInfo {
        ...PageFields
      }
    }
  }
}

fragment DocumentCopy on Document {
  __typename
  id
  title
  mediaType
  documentStatus: status
  failure
  documentProgress: progress
  documentVersion: version
  scope
  egress
  externalId
  clientId
  length
  createdAt
  updatedAt
}

fragment PageFields on PageInfo {
  endCursor
  hasNextPage
}`);

export const CopySessionsDocument = new Operation<CopySessionsQuery, CopySessionsQueryVariables>(`query CopySessions($workspace: ID!, $first: Int, $after: String) {
  workspace(id: $workspace) {
    id
    coachingSessions(first: $first, after: $after) {
      nodes {
        ...SessionCopy
        messages(first: 100) {
          nodes {
            ...MessageCopy
          }
          pageInfo {
            ...PageFields
          }
        }
      }
      pageInfo {
        ...PageFields
      }
    }
  }
}

fragment MessageCopy on Message {
  __typename
  id
  messageRole: role
  messageStatus: status
  text
  stopReason
  clientId
  createdAt
  session {
    id
  }
}

fragment PageFields on PageInfo {
  endCursor
  hasNextPage
}

fragment SessionCopy on CoachingSession {
  __typename
  id
  sessionStatus: status
  mode
  topic
  version
  clientId
  createdAt
  goal {
    id
  }
  summary {
    text
  }
}`);

export const CopyMessagesDocument = new Operation<CopyMessagesQuery, CopyMessagesQueryVariables>(`query CopyMessages($session: ID!, $first: Int, $after: String) {
  node(id: $session) {
    __typename
    ... on CoachingSession {
      messages(first: $first, after: $after) {
        nodes {
          ...MessageCopy
        }
        pageInfo {
          ...PageFields
        }
      }
    }
  }
}

fragment MessageCopy on Message {
  __typename
  id
  messageRole: role
  messageStatus: status
  text
  stopReason
  clientId
  createdAt
  session {
    id
  }
}

fragment PageFields on PageInfo {
  endCursor
  hasNextPage
}`);

export const CopyWorkflowsDocument = new Operation<CopyWorkflowsQuery, CopyWorkflowsQueryVariables>(`query CopyWorkflows($workspace: ID!, $first: Int, $after: String) {
  workspace(id: $workspace) {
    id
    workflows(first: $first, after: $after) {
      nodes {
        ...WorkflowCopy
      }
      pageInfo {
        ...PageFields
      }
    }
  }
}

fragment PageFields on PageInfo {
  endCursor
  hasNextPage
}

fragment WorkflowCopy on Workflow {
  __typename
  id
  name
  slug
  version
  clientId
  draft {
    valid
    version
  }
  publishedVersion {
    id
    number
  }
}`);

export const CopyRunsDocument = new Operation<CopyRunsQuery, CopyRunsQueryVariables>(`query CopyRuns($workspace: ID!, $first: Int, $after: String) {
  workspace(id: $workspace) {
    id
    runs(first: $first, after: $after) {
      nodes {
        ...RunCopy
        steps(first: 100) {
          nodes {
            ...StepCopy
          }
        }
      }
      pageInfo {
        ...PageFields
      }
    }
  }
}

fragment PageFields on PageInfo {
  endCursor
  hasNextPage
}

fragment RunCopy on Run {
  __typename
  id
  runStatus: status
  createdAt
  workflow {
    id
  }
  output
  error {
    code
    message
    stepKey
  }
}

fragment StepCopy on StepRun {
  __typename
  id
  key
  stepStatus: status
  output
  run {
    id
  }
}`);

export const ChangesSinceDocument = new Operation<ChangesSinceQuery, ChangesSinceQueryVariables>(`query ChangesSince($workspace: ID!, $after: Cursor, $first: Int) {
  changes(workspaceId: $workspace, after: $after, first: $first) {
    cursor
    hasMore
    changes {
      ...ChangeFields
    }
  }
}

fragment ActionItemCopy on ActionItem {
  __typename
  id
  text
  actionItemStatus: status
  dueAt
  completedAt
  version
  clientId
  createdAt
  goal {
    id
  }
  itemSession: session {
    id
  }
}

fragment ApiKeyCopy on ApiKey {
  __typename
  id
  name
  prefix
  scopes
  createdAt
  expiresAt
  revokedAt
}

fragment ApprovalCopy on Approval {
  __typename
  id
  title
  form
  approvalStatus: status
  comment
  createdAt
  expiresAt
  run {
    id
  }
  decidedBy {
    id
    displayName
  }
}

fragment AuditEntryCopy on AuditEntry {
  __typename
  id
  action
  actorId
  subjectId
  data
  at
}

fragment BudgetCopy on Budget {
  __typename
  id
  period
  limit {
    amount
    currency
  }
  budgetAction: action
  downgradeRoute
  scopeId
  exceededAt
  version
}

fragment ChangeFields on Change {
  __typename
  cursor
  at
  kind
  deletedId
  node {
    ...ThingCopy
  }
}

fragment DocumentCopy on Document {
  __typename
  id
  title
  mediaType
  documentStatus: status
  failure
  documentProgress: progress
  documentVersion: version
  scope
  egress
  externalId
  clientId
  length
  createdAt
  updatedAt
}

fragment GoalCopy on Goal {
  __typename
  id
  title
  progress
  goalStatus: status
  version
  clientId
}

fragment InvitationCopy on Invitation {
  __typename
  id
  email
  role
  invitationStatus: status
  createdAt
  until: expiresAt
}

fragment MembershipCopy on Membership {
  __typename
  id
  role
  version
  createdAt
  user {
    id
    displayName
  }
}

fragment MemoryCopy on Memory {
  __typename
  id
  text
  kind
  scope
  memoryStatus: status
  collection
  externalId
  clientId
  speaker
  occurredAt
  createdAt
}

fragment MessageCopy on Message {
  __typename
  id
  messageRole: role
  messageStatus: status
  text
  stopReason
  clientId
  createdAt
  session {
    id
  }
}

fragment ReceiptCopy on ErasureReceipt {
  __typename
  id
  at
  erased {
    kind
    count
  }
}

fragment RouteCopy on Route {
  __typename
  id
  name
  isConfigured
  routeOrder: order
  targets {
    provider
    model
    weight
  }
  streamFailure
  maxOutputTokens
  cacheFor
  hedgeAfter
  version
}

fragment RunCopy on Run {
  __typename
  id
  runStatus: status
  createdAt
  workflow {
    id
  }
  output
  error {
    code
    message
    stepKey
  }
}

fragment ServiceAccountCopy on ServiceAccount {
  __typename
  id
  name
  role
  createdAt
}

fragment SessionCopy on CoachingSession {
  __typename
  id
  sessionStatus: status
  mode
  topic
  version
  clientId
  createdAt
  goal {
    id
  }
  summary {
    text
  }
}

fragment StepCopy on StepRun {
  __typename
  id
  key
  stepStatus: status
  output
  run {
    id
  }
}

fragment ThingCopy on Node {
  __typename
  id
  ...ActionItemCopy
  ...ApiKeyCopy
  ...ApprovalCopy
  ...AuditEntryCopy
  ...BudgetCopy
  ...DocumentCopy
  ...GoalCopy
  ...InvitationCopy
  ...MembershipCopy
  ...MemoryCopy
  ...MessageCopy
  ...ReceiptCopy
  ...RouteCopy
  ...RunCopy
  ...ServiceAccountCopy
  ...SessionCopy
  ...StepCopy
  ...TurnCopy
  ...VersionCopy
  ...WorkflowCopy
}

fragment TurnCopy on Turn {
  __typename
  id
  turnStatus: status
  startedAt
  finishedAt
  session {
    id
  }
  message {
    ...MessageCopy
  }
  reply {
    ...MessageCopy
  }
}

fragment VersionCopy on WorkflowVersion {
  __typename
  id
  number
  checksum
  publishedAt
}

fragment WorkflowCopy on Workflow {
  __typename
  id
  name
  slug
  version
  clientId
  draft {
    valid
    version
  }
  publishedVersion {
    id
    number
  }
}`);

export const ChangesDocument = new Operation<ChangesSubscription, ChangesSubscriptionVariables>(`subscription Changes($workspace: ID!, $after: Cursor) {
  changes(workspaceId: $workspace, after: $after) {
    ...ChangeFields
  }
}

fragment ActionItemCopy on ActionItem {
  __typename
  id
  text
  actionItemStatus: status
  dueAt
  completedAt
  version
  clientId
  createdAt
  goal {
    id
  }
  itemSession: session {
    id
  }
}

fragment ApiKeyCopy on ApiKey {
  __typename
  id
  name
  prefix
  scopes
  createdAt
  expiresAt
  revokedAt
}

fragment ApprovalCopy on Approval {
  __typename
  id
  title
  form
  approvalStatus: status
  comment
  createdAt
  expiresAt
  run {
    id
  }
  decidedBy {
    id
    displayName
  }
}

fragment AuditEntryCopy on AuditEntry {
  __typename
  id
  action
  actorId
  subjectId
  data
  at
}

fragment BudgetCopy on Budget {
  __typename
  id
  period
  limit {
    amount
    currency
  }
  budgetAction: action
  downgradeRoute
  scopeId
  exceededAt
  version
}

fragment ChangeFields on Change {
  __typename
  cursor
  at
  kind
  deletedId
  node {
    ...ThingCopy
  }
}

fragment DocumentCopy on Document {
  __typename
  id
  title
  mediaType
  documentStatus: status
  failure
  documentProgress: progress
  documentVersion: version
  scope
  egress
  externalId
  clientId
  length
  createdAt
  updatedAt
}

fragment GoalCopy on Goal {
  __typename
  id
  title
  progress
  goalStatus: status
  version
  clientId
}

fragment InvitationCopy on Invitation {
  __typename
  id
  email
  role
  invitationStatus: status
  createdAt
  until: expiresAt
}

fragment MembershipCopy on Membership {
  __typename
  id
  role
  version
  createdAt
  user {
    id
    displayName
  }
}

fragment MemoryCopy on Memory {
  __typename
  id
  text
  kind
  scope
  memoryStatus: status
  collection
  externalId
  clientId
  speaker
  occurredAt
  createdAt
}

fragment MessageCopy on Message {
  __typename
  id
  messageRole: role
  messageStatus: status
  text
  stopReason
  clientId
  createdAt
  session {
    id
  }
}

fragment ReceiptCopy on ErasureReceipt {
  __typename
  id
  at
  erased {
    kind
    count
  }
}

fragment RouteCopy on Route {
  __typename
  id
  name
  isConfigured
  routeOrder: order
  targets {
    provider
    model
    weight
  }
  streamFailure
  maxOutputTokens
  cacheFor
  hedgeAfter
  version
}

fragment RunCopy on Run {
  __typename
  id
  runStatus: status
  createdAt
  workflow {
    id
  }
  output
  error {
    code
    message
    stepKey
  }
}

fragment ServiceAccountCopy on ServiceAccount {
  __typename
  id
  name
  role
  createdAt
}

fragment SessionCopy on CoachingSession {
  __typename
  id
  sessionStatus: status
  mode
  topic
  version
  clientId
  createdAt
  goal {
    id
  }
  summary {
    text
  }
}

fragment StepCopy on StepRun {
  __typename
  id
  key
  stepStatus: status
  output
  run {
    id
  }
}

fragment ThingCopy on Node {
  __typename
  id
  ...ActionItemCopy
  ...ApiKeyCopy
  ...ApprovalCopy
  ...AuditEntryCopy
  ...BudgetCopy
  ...DocumentCopy
  ...GoalCopy
  ...InvitationCopy
  ...MembershipCopy
  ...MemoryCopy
  ...MessageCopy
  ...ReceiptCopy
  ...RouteCopy
  ...RunCopy
  ...ServiceAccountCopy
  ...SessionCopy
  ...StepCopy
  ...TurnCopy
  ...VersionCopy
  ...WorkflowCopy
}

fragment TurnCopy on Turn {
  __typename
  id
  turnStatus: status
  startedAt
  finishedAt
  session {
    id
  }
  message {
    ...MessageCopy
  }
  reply {
    ...MessageCopy
  }
}

fragment VersionCopy on WorkflowVersion {
  __typename
  id
  number
  checksum
  publishedAt
}

fragment WorkflowCopy on Workflow {
  __typename
  id
  name
  slug
  version
  clientId
  draft {
    valid
    version
  }
  publishedVersion {
    id
    number
  }
}`);

export const StartSessionDocument = new Operation<StartSessionMutation, StartSessionMutationVariables>(`mutation StartSession($input: StartCoachingSessionInput!) {
  startCoachingSession(input: $input) {
    session {
      ...SessionFields
      cursor
    }
    userErrors {
      ...Problem
    }
  }
}

fragment Problem on UserError {
  code
  field
  message
}

fragment SessionFields on CoachingSession {
  __typename
  id
  status
  mode
  topic
  createdAt
  summary {
    text
  }
  goal {
    id
    title
  }
}`);

export const SendMessageDocument = new Operation<SendMessageMutation, SendMessageMutationVariables>(`mutation SendMessage($input: SendMessageInput!) {
  sendMessage(input: $input) {
    message {
      ...MessageFields
    }
    turn {
      id
      status
    }
    userErrors {
      ...Problem
    }
  }
}

fragment MessageFields on Message {
  __typename
  id
  role
  text
  status
  stopReason
  createdAt
  citations {
    quote
    start
    end
    memory {
      id
    }
  }
}

fragment Problem on UserError {
  code
  field
  message
}`);

export const InterruptTurnDocument = new Operation<InterruptTurnMutation, InterruptTurnMutationVariables>(`mutation InterruptTurn($turn: ID!) {
  interruptTurn(input: {turnId: $turn}) {
    turn {
      id
      status
    }
    userErrors {
      ...Problem
    }
  }
}

fragment Problem on UserError {
  code
  field
  message
}`);

export const EndSessionDocument = new Operation<EndSessionMutation, EndSessionMutationVariables>(`mutation EndSession($session: ID!) {
  endCoachingSession(input: {sessionId: $session}) {
    session {
      ...SessionFields
    }
    userErrors {
      ...Problem
    }
  }
}

fragment Problem on UserError {
  code
  field
  message
}

fragment SessionFields on CoachingSession {
  __typename
  id
  status
  mode
  topic
  createdAt
  summary {
    text
  }
  goal {
    id
    title
  }
}`);

export const SessionsDocument = new Operation<SessionsQuery, SessionsQueryVariables>(`query Sessions($workspace: ID!, $first: Int, $after: String) {
  workspace(id: $workspace) {
    id
    coachingSessions(first: $first, after: $after) {
      nodes {
        ...SessionFields
      }
      pageInfo {
        ...PageFields
      }
    }
  }
}

fragment PageFields on PageInfo {
  endCursor
  hasNextPage
}

fragment SessionFields on CoachingSession {
  __typename
  id
  status
  mode
  topic
  createdAt
  summary {
    text
  }
  goal {
    id
    title
  }
}`);

/** What a view of a session begins with: its messages, and the cursor of the same moment. */
export const SessionDocument = new Operation<SessionQuery, SessionQueryVariables>(`query Session($session: ID!, $first: Int, $after: String) {
  node(id: $session) {
    __typename
    ... on CoachingSession {
      ...SessionFields
      cursor
      messages(first: $first, after: $after) {
        nodes {
          ...MessageFields
        }
        pageInfo {
          ...PageFields
        }
      }
    }
  }
}

fragment MessageFields on Message {
  __typename
  id
  role
  text
  status
  stopReason
  createdAt
  citations {
    quote
    start
    end
    memory {
      id
    }
  }
}

fragment PageFields on PageInfo {
  endCursor
  hasNextPage
}

fragment SessionFields on CoachingSession {
  __typename
  id
  status
  mode
  topic
  createdAt
  summary {
    text
  }
  goal {
    id
    title
  }
}`);

export const CoachingEventsDocument = new Operation<CoachingEventsSubscription, CoachingEventsSubscriptionVariables>(`subscription CoachingEvents($session: ID!, $after: Cursor) {
  coachingEvents(sessionId: $session, after: $after) {
    __typename
    cursor
    at
    ... on SessionStarted {
      session {
        ...SessionFields
      }
    }
    ... on TurnQueued {
      turn {
        ...TurnFields
      }
    }
    ... on TurnStarted {
      turn {
        ...TurnFields
      }
    }
    ... on TurnSnapshot {
      turn {
        id
        reply {
          id
        }
      }
      text
      offset
    }
    ... on TurnDelta {
      turn {
        id
      }
      text
      offset
    }
    ... on TurnCompleted {
      turn {
        ...TurnFields
      }
    }
    ... on TurnInterrupted {
      reason
      turn {
        ...TurnFields
      }
    }
    ... on TurnIncomplete {
      reason
      turn {
        ...TurnFields
      }
    }
    ... on TurnFailed {
      reason
      turn {
        ...TurnFields
      }
    }
    ... on SessionEnded {
      session {
        ...SessionFields
      }
    }
  }
}

fragment MessageFields on Message {
  __typename
  id
  role
  text
  status
  stopReason
  createdAt
  citations {
    quote
    start
    end
    memory {
      id
    }
  }
}

fragment SessionFields on CoachingSession {
  __typename
  id
  status
  mode
  topic
  createdAt
  summary {
    text
  }
  goal {
    id
    title
  }
}

fragment TurnFields on Turn {
  __typename
  id
  status
  startedAt
  finishedAt
  message {
    ...MessageFields
  }
  reply {
    ...MessageFields
  }
}`);

export const RememberDocument = new Operation<RememberMutation, RememberMutationVariables>(`mutation Remember($input: RememberInput!) {
  remember(input: $input) {
    memory {
      ...MemoryFields
    }
    userErrors {
      ...Problem
    }
  }
}

fragment MemoryFields on Memory {
  __typename
  id
  text
  kind
  scope
  status
  collection
  externalId
  speaker
  occurredAt
  createdAt
}

fragment Problem on UserError {
  code
  field
  message
}`);

export const RecallDocument = new Operation<RecallQuery, RecallQueryVariables>(`query Recall($workspace: ID!, $input: RecallInput!) {
  workspace(id: $workspace) {
    id
    recall(input: $input) {
      hits {
        score
        item {
          __typename
          ...MemoryFields
          ... on DocumentChunk {
            id
            text
            start
            end
            document {
              id
              title
            }
          }
        }
      }
      usedTokens
    }
  }
}

fragment MemoryFields on Memory {
  __typename
  id
  text
  kind
  scope
  status
  collection
  externalId
  speaker
  occurredAt
  createdAt
}`);

export const ForgetDocument = new Operation<ForgetMutation, ForgetMutationVariables>(`mutation Forget($memory: ID!) {
  forgetMemory(input: {memoryId: $memory}) {
    receipt {
      id
      at
      erased {
        kind
        count
      }
    }
    userErrors {
      ...Problem
    }
  }
}

fragment Problem on UserError {
  code
  field
  message
}`);

export const MemoriesDocument = new Operation<MemoriesQuery, MemoriesQueryVariables>(`query Memories($workspace: ID!, $filter: MemoryFilter, $first: Int, $after: String) {
  workspace(id: $workspace) {
    id
    memories(filter: $filter, first: $first, after: $after) {
      nodes {
        ...MemoryFields
      }
      pageInfo {
        ...PageFields
      }
    }
  }
}

fragment MemoryFields on Memory {
  __typename
  id
  text
  kind
  scope
  status
  collection
  externalId
  speaker
  occurredAt
  createdAt
}

fragment PageFields on PageInfo {
  endCursor
  hasNextPage
}`);

export const CreateWorkflowDocument = new Operation<CreateWorkflowMutation, CreateWorkflowMutationVariables>(`mutation CreateWorkflow($input: CreateWorkflowInput!) {
  createWorkflow(input: $input) {
    workflow {
      ...WorkflowFields
      draft {
        problems {
          code
          path
          message
        }
      }
    }
    userErrors {
      ...Problem
    }
  }
}

fragment Problem on UserError {
  code
  field
  message
}

fragment WorkflowFields on Workflow {
  __typename
  id
  name
  slug
  draft {
    valid
    version
  }
  publishedVersion {
    id
    number
  }
}`);

export const PublishWorkflowDocument = new Operation<PublishWorkflowMutation, PublishWorkflowMutationVariables>(`mutation PublishWorkflow($workflow: ID!) {
  publishWorkflow(input: {workflowId: $workflow}) {
    version {
      id
      number
    }
    userErrors {
      ...Problem
    }
  }
}

fragment Problem on UserError {
  code
  field
  message
}`);

export const StartRunDocument = new Operation<StartRunMutation, StartRunMutationVariables>(`mutation StartRun($input: StartRunInput!) {
  startRun(input: $input) {
    run {
      ...RunFields
      cursor
    }
    userErrors {
      ...Problem
    }
  }
}

fragment Problem on UserError {
  code
  field
  message
}

fragment RunFields on Run {
  __typename
  id
  status
  createdAt
  workflow {
    id
    name
  }
  output
  error {
    code
    message
    stepKey
  }
}`);

export const CancelRunDocument = new Operation<CancelRunMutation, CancelRunMutationVariables>(`mutation CancelRun($run: ID!, $reason: String) {
  cancelRun(input: {runId: $run, reason: $reason}) {
    run {
      ...RunFields
    }
    userErrors {
      ...Problem
    }
  }
}

fragment Problem on UserError {
  code
  field
  message
}

fragment RunFields on Run {
  __typename
  id
  status
  createdAt
  workflow {
    id
    name
  }
  output
  error {
    code
    message
    stepKey
  }
}`);

export const DecideApprovalDocument = new Operation<DecideApprovalMutation, DecideApprovalMutationVariables>(`mutation DecideApproval($input: DecideApprovalInput!) {
  decideApproval(input: $input) {
    approval {
      ...ApprovalFields
    }
    userErrors {
      ...Problem
    }
  }
}

fragment ApprovalFields on Approval {
  __typename
  id
  title
  form
  status
  comment
  createdAt
  expiresAt
  decidedBy {
    id
    displayName
  }
}

fragment Problem on UserError {
  code
  field
  message
}`);

export const WorkflowsDocument = new Operation<WorkflowsQuery, WorkflowsQueryVariables>(`query Workflows($workspace: ID!, $first: Int, $after: String) {
  workspace(id: $workspace) {
    id
    workflows(first: $first, after: $after) {
      nodes {
        ...WorkflowFields
      }
      pageInfo {
        ...PageFields
      }
    }
  }
}

fragment PageFields on PageInfo {
  endCursor
  hasNextPage
}

fragment WorkflowFields on Workflow {
  __typename
  id
  name
  slug
  draft {
    valid
    version
  }
  publishedVersion {
    id
    number
  }
}`);

export const RunsDocument = new Operation<RunsQuery, RunsQueryVariables>(`query Runs($workspace: ID!, $filter: RunFilter, $first: Int, $after: String) {
  workspace(id: $workspace) {
    id
    runs(filter: $filter, first: $first, after: $after) {
      nodes {
        ...RunFields
      }
      pageInfo {
        ...PageFields
      }
    }
  }
}

fragment PageFields on PageInfo {
  endCursor
  hasNextPage
}

fragment RunFields on Run {
  __typename
  id
  status
  createdAt
  workflow {
    id
    name
  }
  output
  error {
    code
    message
    stepKey
  }
}`);

/** What a view of a run begins with: its steps, and a cursor to follow it from. */
export const RunDocument = new Operation<RunQuery, RunQueryVariables>(`query Run($run: ID!) {
  node(id: $run) {
    __typename
    ... on Run {
      ...RunFields
      cursor
      steps(first: 100) {
        nodes {
          ...StepFields
        }
      }
    }
  }
}

fragment RunFields on Run {
  __typename
  id
  status
  createdAt
  workflow {
    id
    name
  }
  output
  error {
    code
    message
    stepKey
  }
}

fragment StepFields on StepRun {
  __typename
  id
  key
  status
  output
}`);

export const RunEventsDocument = new Operation<RunEventsSubscription, RunEventsSubscriptionVariables>(`subscription RunEvents($run: ID!, $after: Cursor) {
  runEvents(runId: $run, after: $after) {
    __typename
    cursor
    at
    ... on RunCreated {
      run {
        ...RunFields
      }
    }
    ... on StepStarted {
      step {
        ...StepThen
      }
    }
    ... on StepWaiting {
      step {
        ...StepThen
      }
      until
    }
    ... on StepRetryScheduled {
      step {
        ...StepThen
      }
      nextAttemptAt
      error {
        code
        message
      }
    }
    ... on StepCompleted {
      step {
        ...StepThen
      }
    }
    ... on StepSkipped {
      step {
        ...StepThen
      }
    }
    ... on StepFailed {
      step {
        ...StepThen
      }
      error {
        code
        message
      }
    }
    ... on ApprovalRequested {
      approval {
        ...ApprovalFields
      }
    }
    ... on ApprovalDecided {
      approved
      approval {
        ...ApprovalFields
      }
    }
    ... on RunCompleted {
      run {
        ...RunFields
      }
    }
    ... on RunFailed {
      run {
        ...RunFields
      }
    }
    ... on RunCancelled {
      run {
        ...RunFields
      }
    }
  }
}

fragment ApprovalFields on Approval {
  __typename
  id
  title
  form
  status
  comment
  createdAt
  expiresAt
  decidedBy {
    id
    displayName
  }
}

fragment RunFields on Run {
  __typename
  id
  status
  createdAt
  workflow {
    id
    name
  }
  output
  error {
    code
    message
    stepKey
  }
}

fragment StepThen on StepSnapshot {
  key
  attempt
  status
  output
}`);