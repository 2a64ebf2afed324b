/** Measures how long the event loop is held up. */
export interface BlockProbe {
  /** The longest time between two turns of the loop since the last call, in milliseconds. */
  longestMs(): number;
  stop(): void;
}

/** A callback in every turn of the loop notes how long the turn took. */
export function createBlockProbe(): BlockProbe {
  let longestMs = 0;
  let lastAt = performance.now();
  let pending: NodeJS.Immediate;
  const note = (): void => {
    const now = performance.now();
    longestMs = Math.max(longestMs, now - lastAt);
    lastAt = now;
  };
  const turn = (): void => {
    note();
    pending = setImmediate(turn);
  };
  pending = setImmediate(turn);
  return {
    longestMs() {
      note();
      const found = longestMs;
      longestMs = 0;
      return found;
    },
    stop: () => clearImmediate(pending),
  };
}
