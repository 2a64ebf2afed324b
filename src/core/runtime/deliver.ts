import { PlanwrightError } from '../shared/error.js';
import type { Clock } from '../ports/clock.js';
import type { Workspace, WorkspaceCall } from '../ports/workspace.js';
import type { Json } from '../shared/json.js';

export interface DeliverOptions extends WorkspaceCall {
  readonly workspace: Workspace;
  readonly clock: Clock;
  readonly parentTicket: string | null;
  readonly deliverable: Json;
}

/** Calls in all, and the pause before each further one. */
const attempts = 3;
const pauseMs = 1_000;
/** For one call. */
const limitMs = 60_000;

/** Lands the deliverable on the parent ticket. Tries three times; rejects with what the last call said. */
export async function deliver({ workspace, clock, ...request }: DeliverOptions): Promise<void> {
  if (!workspace.deliver) return;
  for (let attempt = 1; ; attempt += 1) {
    try {
      await limited(clock, workspace.deliver(request));
      return;
    } catch (error) {
      if (attempt === attempts) throw error;
      await new Promise<void>((resolve) => void clock.schedule(clock.now() + pauseMs * attempt, resolve));
    }
  }
}

function limited(clock: Clock, call: Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    const cancel = clock.schedule(clock.now() + limitMs, () => reject(new DeliveryTimeoutError(limitMs)));
    void call.then(resolve, reject).finally(cancel);
  });
}

/** The workspace took too long to take the deliverable. */
export class DeliveryTimeoutError extends PlanwrightError {
  readonly code = 'DELIVERY_TIMEOUT';
  constructor(readonly limitMs: number) {
    super(`The workspace's deliver() did not end within ${limitMs} ms.`);
  }
}
