import type { Clock } from '../ports/clock.js';
import type { RunEvent, RunRecordInput } from '../ports/run.js';
import type { Workspace } from '../ports/workspace.js';
import { callWorkspace } from './call-workspace.js';
import type { Hire } from './provision.js';
import { releaseHires } from './release-hires.js';
import type { RunState } from './run-state.js';
import { tryThrice } from './try-thrice.js';

/** The facts that end a run. */
const endings: ReadonlySet<RunEvent['type']> = new Set<RunEvent['type']>(['run.completed', 'run.failed', 'run.cancelled']);
export const isEnding = ({ type }: Pick<RunEvent, 'type'>): boolean => endings.has(type);

export interface LandingOptions {
  readonly state: RunState;
  readonly workspace: Workspace;
  readonly clock: Clock;
  /** For one call of the workspace. */
  readonly limitMs: number;
  /** Makes an entry durable. */
  readonly record: (entry: RunRecordInput) => Promise<void>;
}

/** Whether somebody outside has yet to hear of a run's end. */
export function mustLand({ state: { plan, record }, workspace }: Pick<LandingOptions, 'state' | 'workspace'>): boolean {
  const hasHires = record.hires.length > 0 && workspace.release !== undefined;
  return !record.landed && (hasHires || (plan.context.parentTicket !== null && workspace.updateTicket !== undefined));
}

/**
 * Lets everyone know of a run's end: hires are let go, and the parent ticket hears of it, under the key of the event, so that one who
 * hears of it again after a crash can tell. What cannot be done now is done when the run is taken up again.
 */
export async function landRun(options: LandingOptions): Promise<void> {
  if (!mustLand(options)) return;
  const { state, workspace, clock, limitMs, record } = options;
  const recordRelease = (hire: Hire) => record({ type: 'role.released', at: clock.now(), ...hire });
  const releasing = { runId: state.runId, workspace, clock, limitMs, record: recordRelease };
  const areReleased = await releaseHires(state.record.hires, releasing);
  if (!(await tellTicket(options)) || !areReleased) return;
  // Where the store is gone by now, the run is taken up again and lands then.
  await record({ type: 'run.landed', at: clock.now() }).catch(() => undefined);
}

/** Gives whether the parent ticket, if there is one that listens, has heard of the end. */
async function tellTicket({ state, workspace, clock, limitMs }: LandingOptions): Promise<boolean> {
  const { runId, plan, log } = state;
  const { parentTicket } = plan.context;
  const ending = log.since(0).findLast(isEnding);
  if (parentTicket === null || !workspace.updateTicket || !ending) return true;
  const request = { runId, idempotencyKey: `${runId}:event:${ending.seq}`, parentTicket, event: ending };
  try {
    const call = () => callWorkspace(() => workspace.updateTicket?.(request), { hook: 'updateTicket', clock, limitMs });
    await tryThrice(clock, call);
    return true;
  } catch {
    // The run has ended, whoever may not want to hear of it.
    return false;
  }
}
