/** A whole number from 0 up to and without `below`. */
export type Random = (below: number) => number;

/** Chance that a seed decides: mulberry32, small and even enough to choose with. */
export function createRandom(seed: number): Random {
  let state = seed | 0;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * below);
  };
}

/** Choices that a seed decides, so that what they lead to can be seen again. */
export interface Chances {
  readonly below: Random;
  /** Whether one of so many cases comes about. */
  oneIn(cases: number): boolean;
  pick<T>(list: readonly T[]): T;
}

export function createChances(seed: number): Chances {
  const below = createRandom(seed);
  return { below, oneIn: (cases) => below(cases) === 0, pick: (list) => list[below(list.length)]! };
}
