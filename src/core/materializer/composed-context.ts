import { assign } from 'xstate';

import type { StepStatus } from '../ports/run.js';
import type { Json } from '../shared/json.js';

/** The context of a composed machine: everything that its guards read and a view may show, by step id. */
export interface ComposedContext {
  readonly status: Readonly<Record<string, StepStatus>>;
  readonly attempts: Readonly<Record<string, number>>;
  readonly outputs: Readonly<Record<string, Json>>;
  /** Messages of failed attempts, the latest of each step. */
  readonly errors: Readonly<Record<string, string>>;
  /** Where `route` steps led. */
  readonly branches: Readonly<Record<string, readonly string[]>>;
  readonly paused: boolean;
  readonly synthesizing: boolean;
  /** Why the run is to end before its work is done. */
  readonly stop: { readonly to: 'failed' | 'cancelled'; readonly reason: string } | null;
}

/** The events that a composed machine takes from outside. */
export type ComposedEvent =
  | { readonly type: 'PAUSE' }
  | { readonly type: 'RESUME' }
  | { readonly type: 'CANCEL'; readonly reason: string }
  /** `output`: what a step in doubt is taken to have given. Default: `null`. */
  | { readonly type: 'DECIDE'; readonly stepId: string; readonly approve: boolean; readonly output?: Json };

/** What guards and assignments of a composed machine get from XState. */
export interface ComposedArgs {
  readonly context: ComposedContext;
  readonly event: { readonly type: string; readonly [fact: string]: unknown };
}
export type ComposedGuard = (args: ComposedArgs) => boolean;

/** An `assign` of the given members. XState cannot infer it, because the machine around it is generated. */
export const change = (update: (args: ComposedArgs) => Partial<ComposedContext>): unknown =>
  assign(update as unknown as Parameters<typeof assign>[0]);

/** Ends the run before its work is done, unless it is ending already. */
export const stopRun = (to: 'failed' | 'cancelled', reason: (args: ComposedArgs) => string): unknown =>
  change((args) => ({ stop: args.context.stop ?? { to, reason: reason(args) } }));

/** A member of the context by step id. Ids may be such as `constructor`, which every object inherits. */
export const entryOf = <T>(entries: Readonly<Record<string, T>>, id: string): T | undefined =>
  Object.hasOwn(entries, id) ? entries[id] : undefined;

/** Whether a step has ended for those that wait for it. */
export const isSettled = (status: StepStatus | undefined): boolean =>
  status === 'succeeded' || status === 'failed' || status === 'skipped' || status === 'cancelled';
