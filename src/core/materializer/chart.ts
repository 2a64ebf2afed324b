import type { JsonObject } from '../shared/json.js';

/** A transition of the portable profile: an object target, at most one named guard, no actions of its own. */
export interface ChartTransition {
  readonly target?: string;
  readonly guard?: { readonly type: string };
}

/** A state of the portable profile. Actions are commands: a name, and nothing that runs inside the chart. */
export interface ChartState {
  readonly type?: 'final';
  readonly entry?: readonly { readonly type: string }[];
  readonly exit?: readonly { readonly type: string }[];
  readonly on?: Readonly<Record<string, ChartTransition | readonly ChartTransition[]>>;
}

/**
 * A statechart as JSON, in the profile that runs alike on XState 5 and 6: flat, no context, no invoke, spawn, `after`,
 * wildcard or `systemId`, a fixed vocabulary of events, and guards that read a fact of the same name on the event.
 */
export interface Chart {
  readonly id: string;
  readonly initial: string;
  readonly meta?: JsonObject;
  readonly states: Readonly<Record<string, ChartState>>;
}
