import type { Clock } from '../ports/clock.js';
import type { RunEvent } from '../ports/run-output.js';
import type { RunRecordInput } from '../ports/run.js';
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
export function mustLand(of: Pick<LandingOptions, 'state' | 'workspace'>): boolean {
  const { plan, record } = of.state;
  return !record.landed && (mustRelease(of) || (plan.context.parentTicket !== null && of.workspace.updateTicket !== undefined));
}

const mustRelease = ({ state: { record }, workspace }: Pick<LandingOptions, 'state' | 'workspace'>): boolean =>
  record.hires.length > 0 && workspace.release !== undefined;

/** Lets everyone know of a run's end. */
export interface Landing {
  /** Does what can be done of it now. Where something is left to do for the run after its end, more can be done when that is done. */
  land(): Promise<void>;
}

/**
 * Hires are let go, and the parent ticket hears of the end, under the key of the event, so that one who hears of it again after a crash can
 * tell. What cannot be done in this process is done when the run is taken up again.
 */
export function createLanding(options: LandingOptions): Landing {
  const { state, workspace, clock, limitMs, record } = options;
  const recordRelease = (hire: Hire) => record({ type: 'role.released', at: clock.now(), ...hire });
  const releasing = { runId: state.runId, workspace, clock, limitMs, record: recordRelease };
  let isTold = false;
  let landing = Promise.resolve();

  const landNow = async (): Promise<void> => {
    if (!mustLand(options)) return;
    // Whoever was hired may have to undo what turns out to have happened.
    const areNeeded = mustRelease(options) && state.kernel?.hasWorkLeft === true;
    const areReleased = !areNeeded && (await releaseHires(state.record.hires, releasing));
    isTold ||= await tellTicket(options);
    if (!isTold || !areReleased) return;
    // Where the store is gone by now, the run is taken up again and lands then.
    await record({ type: 'run.landed', at: clock.now() }).catch(() => undefined);
  };

  return { land: () => (landing = landing.then(landNow)) };
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
