// What a page shows of a run, from its events.
import type {
  ApprovalFieldsFragment,
  RunEventsSubscription,
  RunFieldsFragment,
  RunQuery,
  RunStatus,
  StepStatus,
  StepThenFragment,
} from "./generated.js";
import { put } from "./list.js";
import type { Cursor } from "./scalars.js";
import type { ResyncRequired } from "./stream.js";

export type RunEvent = RunEventsSubscription["runEvents"];

export interface StepView {
  readonly key: string;
  readonly status: StepStatus;
  /** From 1; 0 where none has begun, or none is known. */
  readonly attempt: number;
  readonly output: unknown;
  /** Why its last attempt failed. */
  readonly error: { readonly code: string; readonly message: string } | undefined;
  /** Until when it waits. */
  readonly until: string | undefined;
}

/** Plain data: it can be kept as JSON, and followed from its `cursor` later. */
export interface RunView {
  readonly run: RunFieldsFragment | undefined;
  /** In the order of the graph where the run was loaded, else in that in which they began. */
  readonly steps: readonly StepView[];
  /** In the order in which they were asked. */
  readonly approvals: readonly ApprovalFieldsFragment[];
  /** Whether nothing comes any more. */
  readonly over: boolean;
  /** Follow from here. */
  readonly cursor: Cursor | undefined;
  /** Too much was missed: load the run again. */
  readonly stale: boolean;
}

/** Nothing yet: follow the run from its beginning. */
export const emptyRun: RunView = { run: undefined, steps: [], approvals: [], over: false, cursor: undefined, stale: false };

type LoadedRun = Extract<RunQuery["node"], { __typename: "Run" }>;

/**
 * Of a run as `RunDocument` loads it. Only its events tell its approvals: so follow it from the beginning, which brings
 * them, and leaves what is further already as it is.
 */
export function runView(loaded: LoadedRun): RunView {
  const { cursor: _now, steps, ...run } = loaded;
  const shown = steps.nodes.map(({ key, status, output }) => ({ ...newStep(key), status, output }));
  return { ...emptyRun, run, steps: shown, over: isOver(run.status) };
}

/** The view after an event. Events that this version does not know change nothing but the cursor. */
export function run(view: RunView, event: RunEvent | ResyncRequired): RunView {
  if (event.__typename === "ResyncRequired") return { ...view, stale: true };
  return { ...after(view, event), cursor: event.cursor };
}

function after(view: RunView, event: RunEvent): RunView {
  switch (event.__typename) {
    case "RunCreated":
      return view.run ? view : { ...view, run: event.run };
    case "StepStarted":
    case "StepCompleted":
    case "StepSkipped":
      return withStep(view, event.step, {});
    case "StepWaiting":
      return withStep(view, event.step, { until: event.until });
    case "StepRetryScheduled":
      return withStep(view, event.step, { error: event.error, until: event.nextAttemptAt });
    case "StepFailed":
      return withStep(view, event.step, { error: event.error });
    case "ApprovalRequested":
    case "ApprovalDecided":
      return { ...view, approvals: withApproval(view.approvals, event.approval) };
    case "RunCompleted":
    case "RunFailed":
    case "RunCancelled":
      return ended(view, event.run);
    default:
      return view;
  }
}

const newStep = (key: string): StepView => ({ key, status: "PENDING", attempt: 0, output: null, error: undefined, until: undefined });

function withStep(view: RunView, step: StepThenFragment, more: Partial<Pick<StepView, "error" | "until">>): RunView {
  const is = ({ key }: StepView) => key === step.key;
  const known = view.steps.find(is);
  // What comes again is older than what is shown.
  if (known && (isDone(known.status) || known.attempt > step.attempt)) return view;
  const now: StepView = { ...newStep(step.key), status: step.status, attempt: step.attempt, output: step.output, ...more };
  return { ...view, steps: put(view.steps, is, now) };
}

/** An approval comes as it is now, and is never undecided again. */
function withApproval(approvals: readonly ApprovalFieldsFragment[], approval: ApprovalFieldsFragment) {
  const is = ({ id }: ApprovalFieldsFragment) => id === approval.id;
  return (approvals.find(is)?.status ?? "PENDING") === "PENDING" ? put(approvals, is, approval) : approvals;
}

/** What the run's end leaves undone is cancelled with it. */
function ended(view: RunView, run: RunFieldsFragment): RunView {
  const steps = view.steps.map((step) => (isDone(step.status) ? step : { ...step, status: "CANCELLED" as const, until: undefined }));
  const approvals = view.approvals.map((one) => (one.status === "PENDING" ? { ...one, status: "CANCELLED" as const } : one));
  return { ...view, run, steps, approvals, over: true };
}

const isDone = (status: StepStatus): boolean => ["CANCELLED", "COMPENSATED", "COMPLETED", "DEAD_LETTERED", "FAILED", "SKIPPED"].includes(status);

const isOver = (status: RunStatus): boolean => ["CANCELLED", "COMPLETED", "FAILED", "TIMED_OUT"].includes(status);
