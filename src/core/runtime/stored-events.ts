import type { Plan } from '../ports/plan.js';
import type { RunEvent } from '../ports/run.js';
import type { RunStore } from '../ports/store.js';
import type { Json } from '../shared/json.js';
import { createEventLog, type EventLog, type ReadStored } from './event-log.js';
import { RunState } from './run-state.js';

export interface StoredEventsOptions {
  readonly runId: string;
  readonly store: RunStore;
  /** The run's plan, which has not changed since the first of the events that may be asked for. */
  readonly plan: () => Plan;
}

/** Reads the events of a run out of its journal: the run happens once more, in silence, and is forgotten page by page. */
export function storedEventsOf({ runId, store, plan }: StoredEventsOptions): ReadStored {
  return async function* read({ after, upTo }): AsyncGenerator<RunEvent> {
    const state = new RunState(runId, plan(), createEventLog(runId, { readStored: nothing }));
    let seq = 0;
    for (let shown = after; shown < upTo;) {
      const entries = await store.journal(runId, { after: seq });
      if (entries.length === 0) return;
      for (const entry of entries) state.replay(entry, () => true);
      seq = entries.at(-1)?.seq ?? seq;
      for (const event of state.log.since(shown)) {
        if (event.seq > upTo) return;
        shown = event.seq;
        yield event;
      }
      state.outputs.clear();
      state.log.trim(0);
    }
  };
}

async function* nothing(): AsyncGenerator<RunEvent> {
  // A run that is only read has no readers of its own.
}

/** The output of a step, found among its run's events. */
export async function storedOutput(log: EventLog, stepId: string): Promise<Json | undefined> {
  let output: Json | undefined;
  const newest = log.seq;
  for await (const event of log.read({})) {
    if (event.type === 'step.succeeded' && event.stepId === stepId) output = event.output;
    if (event.seq >= newest) break;
  }
  return output;
}
