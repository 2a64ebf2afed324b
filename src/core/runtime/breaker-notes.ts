import { circuitOf, takenUpCircuit, type CircuitState } from '../limits/circuit-breaker.js';
import type { BreakerKey } from '../ports/breaker.js';
import type { BreakerView } from '../ports/breaker-view.js';
import type { StoreNotes } from '../ports/store.js';
import type { Json } from '../shared/json.js';

/** What of a breaker outlives its process. */
export interface KeptBreaker {
  readonly circuit: CircuitState;
  readonly reset: BreakerView['reset'];
}

/** Where breakers stand, in the notes of a store. Without notes nothing is there, and nothing is kept. */
export interface BreakerNotes {
  /** Never rejects: what cannot be read counts as not there. */
  read(key: BreakerKey): Promise<KeptBreaker | undefined>;
  /** Resolves when this, or something newer, is written. */
  write(key: BreakerKey, kept: KeptBreaker): Promise<void>;
  idle(): Promise<unknown>;
}

const nameOf = ({ kind, name }: BreakerKey): string => `breaker:${kind}:${name}`;

export function createBreakerNotes(notes: StoreNotes | undefined): BreakerNotes {
  /** What is to be written next, by name: of what changes faster than it can be written, only the newest matters. */
  const next = new Map<string, { readonly value: Json; readonly done: Promise<void> }>();
  const writing = new Map<string, Promise<void>>();

  const write = (name: string, value: Json): Promise<void> => {
    if (!notes) return Promise.resolve();
    const before = writing.get(name) ?? Promise.resolve();
    const waiting = next.get(name);
    if (waiting) {
      next.set(name, { value, done: waiting.done });
      return waiting.done;
    }
    const done = before.then(async () => {
      const newest = next.get(name)!;
      next.delete(name);
      await notes.write(name, newest.value);
    });
    next.set(name, { value, done });
    writing.set(
      name,
      done.catch(() => undefined),
    );
    return done;
  };

  return {
    async read(key) {
      try {
        const value = (await notes?.read(nameOf(key))) as
          { readonly circuit?: unknown; readonly reset?: unknown } | null | undefined;
        const circuit = circuitOf(value?.circuit);
        return circuit && { circuit: takenUpCircuit(circuit), reset: (value?.reset ?? undefined) as KeptBreaker['reset'] };
      } catch {
        return undefined;
      }
    },
    write: (key, { circuit, reset }) =>
      write(nameOf(key), { circuit: { ...circuit }, ...(reset && { reset: { by: { ...reset.by }, at: reset.at } }) }),
    idle: () => Promise.all(writing.values()),
  };
}
