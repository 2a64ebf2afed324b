import type { BreakerChange } from '../ports/breaker.js';

/** The breakers that a run has met, with one of them as it stands by now. */
export const withBreaker = (met: readonly BreakerChange[], change: BreakerChange): readonly BreakerChange[] => {
  const { kind, name } = change.key;
  return [...met.filter(({ key }) => key.kind !== kind || key.name !== name), change];
};
