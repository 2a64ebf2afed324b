import { agentsOfStep } from '../materializer/definition.js';
import { IllegalInputError } from './illegal-input-error.js';
import { statusOf, stepOf, tryOf, type Relief, type RunCore } from './run-core.js';

/** Who may be called for an attempt that was asked for, by the order in which they take over. */
export interface Callees {
  readonly agents: readonly string[];
  /** Who has been called, or may have been, up to the one that is at it. */
  readonly called: readonly string[];
  /** Whether the first of them may be called again if this attempt comes to nothing; else the next of them takes over. */
  readonly mayRepeat: boolean;
}

export function calleesOf(core: RunCore, index: number): Callees {
  const step = stepOf(core, index);
  const all = agentsOfStep(step);
  const place = placeOf(core, index);
  const tries = triesOf(core, index);
  // What may happen only once is handed to nobody else once somebody may have begun it.
  const mayHaveBegun = tries > 1 || core.throttles.has(index);
  const agents = step.effect === 'once' && mayHaveBegun ? all.slice(place, place + 1) : all.slice(place);
  return { agents, called: all.slice(0, place + 1), mayRepeat: tries < step.retry.attempts };
}

/** Another plan may have made the list shorter. */
const placeOf = (core: RunCore, index: number): number =>
  Math.min(core.reliefs.get(index)?.[0] ?? 0, Math.max(0, agentsOfStep(stepOf(core, index)).length - 1));

/** Attempts of the agent that is at it, the present one included; 0 where it has just taken over. */
export function triesOf(core: RunCore, index: number): number {
  const before = core.reliefs.get(index)?.[1];
  return before === undefined ? tryOf(core, index) : core.columns.attempt[index]! - before;
}

/** The agent at a step by now; absent for that of its role, which needs no mention. */
export function relievedBy(core: RunCore, index: number): string | undefined {
  const place = placeOf(core, index);
  return place === 0 ? undefined : agentsOfStep(stepOf(core, index))[place];
}

/** An attempt begins, by the agent that is named; by the one that is at it where none is. Nobody comes back who was passed over. */
export function takeTurn(
  core: RunCore,
  index: number,
  { type, agentId }: { readonly type: string; readonly agentId?: string | undefined },
): void {
  if (agentId === undefined) return;
  const step = stepOf(core, index);
  const place = agentsOfStep(step).indexOf(agentId);
  const now = placeOf(core, index);
  if (place < now)
    throw new IllegalInputError(
      type,
      statusOf(core, index),
      step.id,
      `"${agentId}" is not among those who may be called for it now`,
    );
  if (place > now) relieve(core, index, [place, core.columns.attempt[index]! - 1]);
}

/**
 * What another agent would come to as well: where everyone is left alone, or a resource is, or nothing is left to spend, there is nobody to hand it to. And an
 * answer is an answer.
 */
const finalCodes: ReadonlySet<string> = new Set([
  'CIRCUIT_OPEN',
  'NEEDS_CONTEXT',
  'REJECTED',
  'TENANT_BUDGET_EXCEEDED',
  'TOOL_DENIED',
  'TOOL_NOT_ALLOWED',
]);

/**
 * Who makes another attempt after one that came to nothing; `undefined` for nobody. The agent that is at it is asked again as often as the step's retries
 * allow; then, or where that is of no use, the next takes over, with as many attempts of its own.
 */
export function followerOf(
  core: RunCore,
  index: number,
  { code, retryable }: { readonly code: string; readonly retryable: boolean },
): 'same' | 'next' | undefined {
  const step = stepOf(core, index);
  if (retryable && triesOf(core, index) < step.retry.attempts) return 'same';
  const isLast = placeOf(core, index) + 1 >= agentsOfStep(step).length;
  return isLast || step.effect === 'once' || finalCodes.has(code) ? undefined : 'next';
}

/** The next takes over, from its next attempt on. */
export const handOver = (core: RunCore, index: number): void =>
  relieve(core, index, [placeOf(core, index) + 1, core.columns.attempt[index]!]);

/** An attempt that is made once more under its number counts as another, of whoever is at it by now. */
export function countAsTry(core: RunCore, index: number): void {
  const { restarts, reliefs, undo } = core;
  const before = restarts.get(index);
  undo.onRollback(() => (before === undefined ? restarts.delete(index) : restarts.set(index, before)));
  restarts.set(index, (before ?? 0) - 1);
  const relief = reliefs.get(index);
  if (relief) relieve(core, index, [relief[0], relief[1] - 1]);
}

function relieve({ reliefs, undo, dirty }: RunCore, index: number, relief: Relief): void {
  const before = reliefs.get(index);
  undo.onRollback(() => (before === undefined ? reliefs.delete(index) : reliefs.set(index, before)));
  reliefs.set(index, relief);
  dirty.steps.mark(index);
}
