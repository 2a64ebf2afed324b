import type { PlanContext } from '../ports/plan.js';
import type { RunEvent } from '../ports/run-output.js';
import type { Telemetry } from '../ports/telemetry.js';
import type { Workspace } from '../ports/workspace.js';
import { isEnding } from './land-run.js';

export interface Listeners {
  readonly workspace: Workspace;
  readonly telemetry: Telemetry | undefined;
  readonly context: PlanContext;
}

/** Tells whoever listens outside of an event. They can be slow or broken; the run is neither. */
export function tellOutside(event: RunEvent, { workspace, telemetry, context }: Listeners): void {
  const { runId, seq } = event;
  const { parentTicket, channel } = context;
  const call = () => ({ runId, idempotencyKey: `${runId}:event:${seq}`, event });
  // Asked first: most runs have no listener, and every step has several events.
  if (telemetry) quietly(() => telemetry.event(event));
  // Of the end it hears when the run lands, which is waited for.
  if (parentTicket !== null && workspace.updateTicket && !isEnding(event))
    quietly(() => workspace.updateTicket?.({ parentTicket, ...call() }));
  if (channel !== null && workspace.postToChannel) quietly(() => workspace.postToChannel?.({ channel, ...call() }));
}

function quietly(tell: () => unknown): void {
  try {
    // Typed as returning nothing, but an async function fits too, and its rejection would end the process.
    Promise.resolve(tell()).catch(() => undefined);
  } catch {
    // Nothing to do for a listener that throws.
  }
}
