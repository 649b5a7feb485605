/** A thin typed client of aifirst: see the README. */
export { type Backoff, defaultBackoff } from "./backoff.js";
export { type Client, type ClientOptions, createClient, type EventOf } from "./client.js";
export { coaching, type CoachingEvent, type CoachingView, coachingView, emptyCoaching, type MessageView, type TurnView } from "./coaching.js";
export { catchUp, changed, emptyCopy, type Entry, learned, loadCopy, type LocalCopy } from "./copy.js";
export type { Token } from "./credentials.js";
export { type Document, Operation } from "./document.js";
export { AifirstError, type Code, done, type Done, InputError } from "./errors.js";
export * from "./generated.js";
export { type Page, pages } from "./pages.js";
export { retry, type RetryOptions, withKey } from "./retry.js";
export { emptyRun, run, type RunEvent, type RunView, runView, type StepView } from "./run.js";
export { type Cursor, cursor } from "./scalars.js";
export type { FollowOptions, ResyncRequired, StreamStatus } from "./stream.js";
