import type { JsonSchema } from '../shared/json.js';
import type { Effect, StepKind } from './step-traits.js';

/** What a policy says of what it is about. `require-approval`: it waits until a person has decided (`run.decide`). */
export type PolicyVerdict = 'allow' | 'deny' | 'require-approval';

/** What a policy can be about: the first attempt at a step, a further one, what an attempt may spend, or a tool that it calls. */
export type PolicyTransition = 'start' | 'retry' | 'spend' | 'tool';

/** Where a policy applies besides. What is left out holds for all; what is named must hold together. */
interface PolicyScope {
  /** Keys of roles: of whoever carries the step out. */
  readonly roles?: readonly string[];
  /** Keys of tickets. The steps that are added for a ticket while the run is under way are among its steps. */
  readonly tickets?: readonly string[];
  readonly kinds?: readonly StepKind[];
  /** What the step does to the world. */
  readonly effects?: readonly Effect[];
}

/** A tool that is called with `context.tool`. */
interface ToolTrigger {
  readonly type: 'tool';
  /** Names of tools. Left out: every tool. */
  readonly tools?: readonly string[];
  /** Applies where the tool's input satisfies this schema. Left out: whatever the input. */
  readonly when?: JsonSchema;
}

/** A rule on what a run may do, decided with the plan. Of those on the same, the first in their order that applies decides; where none does, it is allowed. */
export interface PolicySpec extends PolicyScope {
  /** Unique among the policies. */
  readonly key: string;
  readonly verdict: PolicyVerdict;
  readonly on:
    | { readonly type: 'start' }
    | { readonly type: 'retry' }
    /** An attempt that may spend more, in US dollars. One that has no ceiling may spend any amount. */
    | { readonly type: 'spend'; readonly aboveUsd: number }
    | ToolTrigger;
  /** Why, for whoever decides and for the record. */
  readonly reason: string;
}

/** {@link PolicySpec} as it stands in a plan, money in whole micro-dollars. */
export interface PlanPolicy extends PolicyScope {
  readonly key: string;
  readonly verdict: PolicyVerdict;
  readonly on:
    | { readonly type: 'start' }
    | { readonly type: 'retry' }
    | { readonly type: 'spend'; readonly aboveMicroUsd: number }
    | ToolTrigger;
  readonly reason: string;
}

/** A policy that was applied: what is told of it. */
export interface AppliedPolicy {
  /** Its key. */
  readonly policy: string;
  readonly verdict: PolicyVerdict;
  readonly transition: PolicyTransition;
  readonly reason: string;
  /** The attempt that it is about, 1 for the first. */
  readonly attempt: number;
  /** The tool, where it is about one. */
  readonly tool?: string;
  /** What the attempt would have been allowed to spend, in US dollars, where it is about that; absent for any amount. */
  readonly costUsd?: number;
}
