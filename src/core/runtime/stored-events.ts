import type { Plan } from '../ports/plan.js';
import type { RunEvent } from '../ports/run-output.js';
import type { RunStore } from '../ports/store.js';
import type { Topology } from '../ports/topology.js';
import type { Json } from '../shared/json.js';
import { EventsGoneError } from './errors.js';
import { createEventLog, type EventLog, type ReadStored } from './event-log.js';
import { planPartOf } from './plan-part.js';
import { readSnapshot } from './run-snapshot.js';
import { RunState } from './run-state.js';

export interface StoredEventsOptions {
  readonly runId: string;
  readonly store: RunStore;
  readonly topologies: readonly Topology[];
  /** The plan that the run began with. */
  readonly plan: () => Plan;
}

/** Reads the events of a run out of its journal: the run happens once more, in silence, and is forgotten page by page. */
export function storedEventsOf(options: StoredEventsOptions): ReadStored {
  const { runId, store } = options;
  return async function* read({ after, upTo }): AsyncGenerator<RunEvent> {
    const { state, seq: start } = await beginning(options);
    const { firstSeq } = state.log;
    if (after + 1 < firstSeq) throw new EventsGoneError(runId, after, firstSeq);
    yield* state.log.since(after).filter((event) => event.seq <= upTo);
    after = Math.max(after, state.log.seq);
    let seq = start;
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

/** The run before the first entry that is stored: nothing has happened yet, or a snapshot says what had. */
async function beginning({
  runId,
  store,
  topologies,
  plan,
}: StoredEventsOptions): Promise<{ readonly state: RunState; readonly seq: number }> {
  const [first] = await store.journal(runId, { limit: 1 });
  const isWhole = first?.seq === 1;
  const stored = isWhole ? undefined : await store.load(runId);
  const snapshot = readSnapshot(runId, stored?.checkpoint);
  const log = createEventLog(runId, { firstSeq: snapshot?.snapshot.events[0]?.seq ?? 1, readStored: nothing });
  const state = new RunState({ runId, plan: planPartOf(stored?.checkpoint)?.plan ?? plan(), log, topologies });
  if (snapshot) state.restore(snapshot, () => true);
  return { state, seq: snapshot ? (stored?.journal[0]?.seq ?? (stored?.seq ?? 0) + 1) - 1 : 0 };
}

async function* nothing(): AsyncGenerator<RunEvent> {
  // A run that is only read has no readers of its own.
}

/** The outputs of steps, found among their run's events, as far back as those go. */
export async function storedOutputs(log: EventLog, stepIds: ReadonlySet<string>): Promise<ReadonlyMap<string, Json>> {
  try {
    return await outputsAfter(log, { stepIds, after: 0 });
  } catch (error) {
    if (!(error instanceof EventsGoneError)) throw error;
    return outputsAfter(log, { stepIds, after: error.firstSeq - 1 });
  }
}

async function outputsAfter(
  log: EventLog,
  { stepIds, after }: { readonly stepIds: ReadonlySet<string>; readonly after: number },
): Promise<ReadonlyMap<string, Json>> {
  const outputs = new Map<string, Json>();
  const newest = log.seq;
  for await (const event of log.read({ after })) {
    if (event.type === 'step.succeeded' && stepIds.has(event.stepId)) outputs.set(event.stepId, event.output);
    if (event.seq >= newest) break;
  }
  return outputs;
}
