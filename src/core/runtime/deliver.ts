import type { Clock } from '../ports/clock.js';
import type { Workspace, WorkspaceCall } from '../ports/workspace.js';
import type { Json } from '../shared/json.js';
import { callWorkspace } from './call-workspace.js';
import type { InputBody } from './run-driver.js';
import { messageOf } from './thrown.js';
import { tryThrice } from './try-thrice.js';

export interface DeliverOptions extends WorkspaceCall {
  readonly workspace: Workspace;
  readonly clock: Clock;
  /** For one call. */
  readonly limitMs: number;
  /** Fires when the run no longer waits for it. */
  readonly signal: AbortSignal;
  readonly parentTicket: string | null;
  readonly deliverable: Json;
}

/** Lands the deliverable on the parent ticket, in up to three tries, and gives what the kernel is to hear of it. */
export async function deliver({ workspace, clock, limitMs, signal, ...request }: DeliverOptions): Promise<InputBody> {
  try {
    const call = () => callWorkspace(() => workspace.deliver?.(request), { hook: 'deliver', clock, limitMs });
    await tryThrice(clock, call, signal);
    return { type: 'run.delivered' };
  } catch (cause) {
    return { type: 'run.delivery-failed', error: { code: 'DELIVERY_FAILED', message: messageOf(cause, 'The workspace') } };
  }
}
