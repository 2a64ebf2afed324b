import type { Assignment } from '../ports/agent.js';
import type { StoredError } from '../ports/run.js';
import type { ExpansionState } from '../ports/topology.js';
import { exceeds } from './autonomy.js';
import { quote } from '../shared/issue.js';
import { nearestName } from '../shared/nearest-name.js';
import type { JsonObject } from '../shared/json.js';

/** Whom an assignment may go to. */
export interface Receivers {
  /** Who gives it. */
  readonly sender: string;
  /** Roles that the sender may turn to. */
  readonly allowed: readonly string[];
  /** What they are called in a message: `worker`, `peer`. */
  readonly word: string;
  /** Roles that the same decision turns to besides. Default: none. */
  readonly beside?: Iterable<string>;
  /** Whether there is an output to be had under an id. Default: a step of the goal has succeeded under it. */
  readonly hasOutput?: (id: string) => boolean;
}

/** Names that a message lists at most. */
const mostNames = 20;

/** Why an assignment cannot be given to whom it names; `undefined` where it can. Says what would be right. */
export function receiverFault(
  state: Pick<ExpansionState, 'team' | 'faultsOf' | 'admits' | 'stepOf' | 'autonomyOf'>,
  { role, input, from = [] }: Assignment,
  { sender, allowed, word, beside = [], hasOutput = (id) => state.stepOf(id)?.status === 'succeeded' }: Receivers,
): StoredError | undefined {
  if (role === sender) {
    const message = `${quote(role)} cannot hand a task to itself.`;
    return { code: 'SELF_DELEGATION', message, role };
  }
  if (!allowed.includes(role)) {
    const shown = allowed.slice(0, mostNames);
    const guess = nearestName(role, allowed);
    const hint = guess === undefined ? '' : ` Did you mean ${quote(guess)}?`;
    const message = `${quote(role)} is no ${word} that ${quote(sender)} can turn to.${hint} There are ${shown.map(quote).join(', ') || 'none'}; names must match exactly.`;
    return { code: 'UNKNOWN_ROLE', message, role, known: shown };
  }
  const [own, its] = [state.autonomyOf(sender), state.autonomyOf(role)];
  if (exceeds(its, own)) {
    const message = `${quote(role)} may go farther (${its}) than ${quote(sender)} may itself (${own}), so it cannot be handed a task by it.`;
    return { code: 'AUTONOMY_EXCEEDED', message, role, autonomy: its, limit: own };
  }
  if (!state.admits(role, beside)) {
    const message = `Another agent, that of ${quote(role)}, would be more than may take part (budget.maxAgents).`;
    return { code: 'TOO_MANY_AGENTS', message, role, bound: 'maxAgents' };
  }
  const stray = from.find((id) => !hasOutput(id));
  if (stray !== undefined) {
    const message = `${quote(stray)} in from is no delegation of this goal that has completed.`;
    return { code: 'UNKNOWN_DELEGATION', message, role, delegationId: stray };
  }
  const { inputSchema } = state.team.find((member) => member.role === role) ?? {};
  const faults = inputSchema === undefined ? [] : state.faultsOf(inputSchema, input ?? {});
  if (faults.length === 0) return undefined;
  const message = `What ${quote(role)} must be given is not in the input: ${faults.join('; ')}.`;
  return { code: 'CONTRACT_NOT_MET', message, role, faults };
}

/** What the receiver of an assignment finds as its input. */
export function handedInput({ input }: Assignment): JsonObject | undefined {
  if (input === undefined) return undefined;
  const isObject = typeof input === 'object' && input !== null && !Array.isArray(input);
  return isObject ? (input as JsonObject) : { input };
}

/** A label for a task: its first words. */
export function titleOf({ role, task }: Pick<Assignment, 'role' | 'task'>): string {
  const line = task.trim().split('\n', 1)[0]!.trim();
  const short = line.length > 60 ? `${line.slice(0, 59).trimEnd().toWellFormed()}…` : line;
  return `${role}: ${short}`;
}
