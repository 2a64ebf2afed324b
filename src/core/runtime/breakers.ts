import {
  circuitPolicy,
  closeCircuit,
  closedCircuit,
  enterCircuit,
  leaveCircuit,
  type CircuitOutcome,
  type CircuitPass,
  type CircuitState,
} from '../limits/circuit-breaker.js';
import type { BreakerKey } from '../ports/breaker.js';
import type { BreakerView } from '../ports/breaker-view.js';
import type { CancelTimer, Clock } from '../ports/clock.js';
import type { CircuitBreakerSpec } from '../ports/proposal.js';
import type { Actor } from '../ports/run.js';
import type { StoreNotes } from '../ports/store.js';
import { createBreakerNotes, type KeptBreaker } from './breaker-notes.js';

/** A call that a breaker has let through. */
export interface BreakerPass {
  /** Says what became of the call. Only the first word counts. */
  leave(outcome: CircuitOutcome): void;
}

/** The circuit breakers of a process: one for each agent and each resource that has any, for all runs together. */
export interface Breakers {
  /** Resolves when it is known where a breaker stood when the process before ended; `undefined` where it is known already. Never rejects. */
  known(key: BreakerKey): Promise<void> | undefined;
  /** Lets a call through, or not; `undefined` for no. It must be known. */
  enter(key: BreakerKey, spec: CircuitBreakerSpec): BreakerPass | undefined;
  /** Whether {@link enter} would let a call through. */
  isPassable(key: BreakerKey): boolean;
  view(key: BreakerKey): BreakerView;
  /** Calls back once, when one of them may let something through that does not now. Gives what calls it off. */
  whenPassable(keys: readonly BreakerKey[], callback: () => void): CancelTimer;
  /** Calls back once, when it opens. Gives what calls that off. */
  whenOpen(key: BreakerKey, callback: () => void): CancelTimer;
  /** Of those that something was asked of since the process began. */
  views(): readonly BreakerView[];
  /** Closes one. Resolves when that is durable, where the store keeps notes. */
  reset(key: BreakerKey, by: Actor): Promise<void>;
  /** Resolves when everything is written. */
  idle(): Promise<unknown>;
}

interface Breaker {
  readonly key: BreakerKey;
  circuit: CircuitState;
  reset: BreakerView['reset'];
  /** Set while it is read where it stood. */
  reading: Promise<void> | undefined;
  isKnown: boolean;
  readonly listeners: Set<() => void>;
}

export function createBreakers({ clock, notes }: { readonly clock: Clock; readonly notes: StoreNotes | undefined }): Breakers {
  const breakers = new Map<string, Breaker>();
  const stored = createBreakerNotes(notes);

  const find = (key: BreakerKey): Breaker => {
    const id = JSON.stringify([key.kind, key.name]);
    let breaker = breakers.get(id);
    if (!breaker) {
      const { kind, name } = key;
      const listeners = new Set<() => void>();
      breaker = { key: { kind, name }, circuit: closedCircuit, reset: undefined, reading: undefined, isKnown: false, listeners };
      breakers.set(id, breaker);
    }
    return breaker;
  };
  const takeUp = (breaker: Breaker, kept: KeptBreaker | undefined): void => {
    if (kept) Object.assign(breaker, kept);
    breaker.isKnown = true;
  };
  const put = (breaker: Breaker, circuit: CircuitState): void => {
    const before = breaker.circuit;
    if (circuit === before) return;
    breaker.circuit = circuit;
    const hasChanged = circuit.state !== before.state || circuit.since !== before.since;
    if (hasChanged) {
      breaker.reset = undefined;
      // What cannot be written lives in this process all the same; no run is held up or stopped by it.
      stored.write(breaker.key, { circuit, reset: undefined }).catch(() => undefined);
    }
    if (hasChanged || circuit.probing !== before.probing) for (const listener of [...breaker.listeners]) listener();
  };
  const leave = (
    breaker: Breaker,
    spec: CircuitBreakerSpec,
    end: { readonly pass: CircuitPass; readonly outcome: CircuitOutcome },
  ) => put(breaker, leaveCircuit(breaker.circuit, circuitPolicy(spec), { ...end, now: clock.now() }));
  const isPassable = ({ circuit }: Breaker): boolean => enterCircuit(circuit, clock.now()).kind === 'pass';

  const known = (key: BreakerKey): Promise<void> | undefined => {
    const breaker = find(key);
    if (breaker.isKnown) return undefined;
    return (breaker.reading ??= stored.read(breaker.key).then((kept) => takeUp(breaker, kept)));
  };

  return {
    known,
    enter(key, spec) {
      const breaker = find(key);
      const answer = enterCircuit(breaker.circuit, clock.now());
      put(breaker, answer.state);
      if (answer.kind === 'open') return undefined;
      let isOver = false;
      return {
        leave(outcome) {
          if (isOver) return;
          isOver = true;
          leave(breaker, spec, { pass: answer.pass, outcome });
        },
      };
    },
    isPassable: (key) => isPassable(find(key)),
    view: (key) => viewOf(find(key)),
    whenOpen(key, callback) {
      const breaker = find(key);
      const cancel = (): void => void breaker.listeners.delete(look);
      const look = (): void => {
        if (breaker.circuit.state !== 'open') return;
        cancel();
        callback();
      };
      breaker.listeners.add(look);
      return cancel;
    },
    whenPassable(keys, callback) {
      const awaited = keys.map(find);
      let disarm: CancelTimer = () => undefined;
      const cancel = (): void => {
        disarm();
        for (const { listeners } of awaited) listeners.delete(look);
      };
      const look = (): void => {
        disarm();
        const now = clock.now();
        const times = awaited.map((breaker) => (breaker.circuit.probing ? Infinity : Math.max(now, breaker.circuit.until)));
        const dueAt = Math.min(...times);
        // Never at once: who is told may ask for more, and others have their turn in between.
        if (dueAt < Infinity) disarm = clock.schedule(dueAt, tell);
      };
      const tell = (): void => {
        if (!awaited.some(isPassable)) return look();
        cancel();
        callback();
      };
      for (const { listeners } of awaited) listeners.add(look);
      look();
      return cancel;
    },
    views: () => Array.from(breakers.values(), viewOf),
    async reset(key, by) {
      const breaker = find(key);
      await known(key);
      put(breaker, closeCircuit(breaker.circuit));
      breaker.reset = { by, at: clock.now() };
      await stored.write(breaker.key, { circuit: breaker.circuit, reset: breaker.reset });
    },
    idle: () => stored.idle(),
  };
}

const viewOf = ({ key, circuit: { state, failures, since, until }, reset }: Breaker): BreakerView => ({
  key,
  state,
  failures,
  ...(state !== 'closed' && { until, since }),
  ...(reset && { reset }),
});
