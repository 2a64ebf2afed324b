import type { Clock } from '../ports/clock.js';
import type { Workspace, WorkspaceCall } from '../ports/workspace.js';
import type { Json } from '../shared/json.js';
import { callWorkspace } from './call-workspace.js';

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

/** Calls in all, and the pause before each further one. */
const attempts = 3;
const pauseMs = 1_000;

/** Lands the deliverable on the parent ticket. Tries three times; rejects with what the last call said. */
export async function deliver({ workspace, clock, limitMs, signal, ...request }: DeliverOptions): Promise<void> {
  for (let attempt = 1; !signal.aborted; attempt += 1) {
    try {
      return await callWorkspace(() => workspace.deliver?.(request), { hook: 'deliver', clock, limitMs });
    } catch (error) {
      if (attempt === attempts) throw error;
      await new Promise<void>((resolve) => void clock.schedule(clock.now() + pauseMs * attempt, resolve));
    }
  }
}
