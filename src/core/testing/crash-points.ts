import type { Random } from './random.js';

/** Where one life of a simulated process ends. Each figure counts from 1 within that life. */
export type CrashPoint =
  /** At a write to the store, a commit or a claim: just before it is stored, or once it is and before the answer has come. */
  | { readonly write: number; readonly stored: boolean }
  /** At a call of an agent: when it is called, or when it has answered and nobody has heard yet. */
  | { readonly call: number; readonly answered: boolean }
  /** Right after an effect that one of its agents had on the world. */
  | { readonly effect: number };

/** Where each life of a simulated process ends, in turn. The life behind the last goes on to the end. */
export type CrashSchedule = readonly CrashPoint[];

/** How much one life did, which is where it can be made to end. */
export interface LifeFigures {
  readonly writes: number;
  readonly calls: number;
  readonly effects: number;
}

/** Lives that may end in one schedule made by chance. */
const mostCrashes = 3;
/** Writes of a later life among which most of its ends are chosen: it is taking the run up then. */
const takingUp = 6;

/** Every point of a life. */
export function everyPoint({ writes, calls, effects }: LifeFigures): readonly CrashPoint[] {
  const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);
  return [
    ...upTo(writes).flatMap((write) => [false, true].map((stored) => ({ write, stored }))),
    ...upTo(calls).flatMap((call) => [false, true].map((answered) => ({ call, answered }))),
    ...upTo(effects).map((effect) => ({ effect })),
  ];
}

/** Every point of the first life once by itself, and once with further crashes by chance in the lives that follow. */
export function everySchedule(figures: LifeFigures, random: Random): readonly CrashSchedule[] {
  return everyPoint(figures).flatMap((point) => [[point], [point, ...laterPoints(figures, random)]]);
}

/** Schedules by chance. */
export function someSchedules(count: number, { figures, random }: { readonly figures: LifeFigures; readonly random: Random }) {
  const points = everyPoint(figures);
  return Array.from({ length: count }, (): CrashSchedule => {
    const first = points[random(points.length)];
    if (!first) return [];
    return random(2) === 0 ? [first] : [first, ...laterPoints(figures, random)];
  });
}

function laterPoints(figures: LifeFigures, random: Random): CrashSchedule {
  return Array.from({ length: 1 + random(mostCrashes - 1) }, (): CrashPoint => {
    const points = everyPoint(figures);
    const isEarly = random(10) < 7;
    return isEarly ? { write: 1 + random(takingUp), stored: random(2) === 0 } : points[random(points.length)]!;
  });
}
