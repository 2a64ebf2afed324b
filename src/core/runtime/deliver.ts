import type { Clock } from '../ports/clock.js';
import type { Workspace } from '../ports/workspace.js';
import { isArtifactRef } from '../shared/artifact-ref.js';
import type { Artifacts } from './artifacts.js';
import { callWorkspace } from './call-workspace.js';
import type { InputBody } from './run-driver.js';
import type { RunState } from './run-state.js';
import { messageOf } from '../shared/thrown.js';
import { tryThrice } from './try-thrice.js';

export interface DeliverOptions {
  readonly workspace: Workspace;
  readonly artifacts: Artifacts | undefined;
  readonly clock: Clock;
  /** For one call. */
  readonly limitMs: number;
  /** Fires when the run no longer waits for it. */
  readonly signal: AbortSignal;
  readonly state: RunState;
  /** Id of the step whose output is the deliverable. */
  readonly from: string;
}

/** Lands the deliverable on the parent ticket, whole wherever it lies, in up to three tries, and gives what the kernel is to hear of it. */
export async function deliver({ workspace, artifacts, clock, limitMs, signal, state, from }: DeliverOptions): Promise<InputBody> {
  const { runId, plan, outputs } = state;
  const { parentTicket } = plan.context;
  const made = outputs.get(from) ?? null;
  try {
    const deliverable = artifacts && workspace.deliver && isArtifactRef(made) ? await artifacts.read(runId, made) : made;
    const request = { runId, idempotencyKey: `${runId}:deliver`, parentTicket, deliverable };
    const call = () => callWorkspace(() => workspace.deliver?.(request), { hook: 'deliver', clock, limitMs });
    await tryThrice(clock, call, signal);
    return { type: 'run.delivered' };
  } catch (cause) {
    return { type: 'run.delivery-failed', error: { code: 'DELIVERY_FAILED', message: messageOf(cause, 'The workspace') } };
  }
}
