import type { CancelTimer, Clock } from '../ports/clock.js';
import { createDeferred } from '../runtime/deferred.js';
import type { EffectLedger } from './crash-ledger.js';
import type { CrashPoint, LifeFigures } from './crash-points.js';
import type { VirtualClock } from './virtual-clock.js';

/** What agents and workspaces of one life are made with. All of it goes dead when that life is over. */
export interface CrashLife {
  /** 1 for the first life of a run. */
  readonly life: number;
  /** Virtual time. */
  readonly clock: Clock;
  readonly effects: EffectLedger;
}

/** One life of a simulated process. What goes through it stops without a word where the life ends. */
export interface LifeSpan {
  readonly life: number;
  readonly clock: Clock;
  readonly figures: LifeFigures;
  /** Resolves when the life has ended at its point. */
  readonly died: Promise<undefined>;
  /** Ends it now. */
  die(): void;
  /** Does work, and tells what came of it, only while the life lasts; settles never otherwise. */
  whileAlive<T>(work: () => Promise<T> | T): Promise<T>;
  /** {@link whileAlive} for work in real time, during which virtual time stands still. */
  held<T>(work: () => Promise<T>): Promise<T>;
  /** Counts one more, and gives how many there were by now. */
  count(what: keyof LifeFigures): number;
  /** Resolves, unless this is where the life ends. */
  pass(point: CrashPoint): Promise<void>;
}

export interface LifeSpanOptions {
  readonly life: number;
  readonly clock: VirtualClock;
  /** Where it ends; absent for one that goes on to the end. */
  readonly point: CrashPoint | undefined;
}

export function createLifeSpan({ life, clock, point }: LifeSpanOptions): LifeSpan {
  const figures = { writes: 0, calls: 0, effects: 0 };
  const timers = createMortalTimers(clock);
  const death = createDeferred<undefined>();
  let isDead = false;
  const isOver = (): boolean => isDead;

  const die = (): void => {
    isDead = true;
    timers.stop();
    death.resolve(undefined);
  };
  const whileAlive = async <T>(work: () => Promise<T> | T): Promise<T> => {
    if (isOver()) return never();
    try {
      const value = await work();
      return isOver() ? await never() : value;
    } catch (error) {
      if (isOver()) return never();
      throw error;
    }
  };

  return {
    life,
    clock: timers.clock,
    figures,
    died: death.promise,
    die,
    whileAlive,
    held: (work) => whileAlive(() => clock.hold(work())),
    count: (what) => (figures[what] += 1),
    async pass(here) {
      if (point === undefined || !isSamePoint(point, here)) return;
      die();
      await never();
    },
  };
}

const never = <T>(): Promise<T> => new Promise<T>(() => undefined);

function isSamePoint(one: CrashPoint, other: CrashPoint): boolean {
  if ('write' in one) return 'write' in other && one.write === other.write && one.stored === other.stored;
  if ('call' in one) return 'call' in other && one.call === other.call && one.answered === other.answered;
  return 'effect' in other && one.effect === other.effect;
}

/** A clock whose timers can all be stopped at once, for good. */
function createMortalTimers(inner: Clock): { readonly clock: Clock; stop(): void } {
  const timers = new Set<CancelTimer>();
  let isStopped = false;
  return {
    clock: {
      now: () => inner.now(),
      schedule(dueAt, callback, options) {
        if (isStopped) return () => undefined;
        const fire = (): void => {
          timers.delete(cancel);
          callback();
        };
        const stop = inner.schedule(dueAt, fire, options);
        const cancel = (): void => {
          timers.delete(cancel);
          stop();
        };
        timers.add(cancel);
        return cancel;
      },
    },
    stop() {
      isStopped = true;
      for (const cancel of timers) cancel();
    },
  };
}
