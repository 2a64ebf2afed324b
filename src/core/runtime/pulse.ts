import { canonicalJson } from '../shared/canonical-json.js';
import type { CancelTimer, Clock } from '../ports/clock.js';
import type { Json } from '../shared/json.js';

/** Whether an attempt is alive. */
export interface Pulse {
  /** The attempt has given a sign of life. Costs no more than to note the time. What was said last is kept as it is. */
  beat(details?: unknown): void;
  /** The attempt waits for its turn, and cannot be expected to say anything. Gives what ends that; once is enough. */
  pause(): () => void;
  stop(): void;
}

export interface PulseOptions {
  readonly clock: Clock;
  /** How long the attempt may be silent; `undefined`: for ever. */
  readonly limitMs: number | undefined;
  /** Called once at most. */
  readonly onSilent: (silence: { readonly lastBeatAt: number; readonly details?: Json }) => void;
}

/** What an attempt has that may be silent: nothing is looked at. */
const unwatched: Pulse = { beat: () => undefined, pause: () => () => undefined, stop: () => undefined };

/** A timer that goes off so much too late, as a share of the limit, says that the process stood still, and not the agent. */
const mostLate = 0.1;

/** Watches an attempt. It has one timer, which looks when it goes off whether there was a sign of life meanwhile, so that a flood of them costs nothing. */
export function createPulse({ clock, limitMs, onSilent }: PulseOptions): Pulse {
  if (limitMs === undefined) return unwatched;
  let lastBeatAt = clock.now();
  let details: unknown;
  let pauses = 0;
  let disarm: CancelTimer | undefined;
  let isOver = false;

  const arm = (): void => {
    const dueAt = lastBeatAt + limitMs;
    disarm = clock.schedule(dueAt, () => look(dueAt));
  };
  const look = (dueAt: number): void => {
    disarm = undefined;
    if (isOver || pauses > 0) return;
    const now = clock.now();
    if (now - dueAt > mostLate * limitMs) lastBeatAt = now;
    if (now - lastBeatAt < limitMs) return arm();
    isOver = true;
    const said = details === undefined ? undefined : briefly(details);
    onSilent({ lastBeatAt, ...(said !== undefined && { details: said }) });
  };
  arm();

  return {
    beat(given) {
      lastBeatAt = clock.now();
      if (given !== undefined) details = given;
    },
    pause() {
      pauses += 1;
      let isPaused = true;
      return () => {
        if (!isPaused) return;
        isPaused = false;
        pauses -= 1;
        lastBeatAt = clock.now();
        if (pauses === 0 && !disarm && !isOver) arm();
      };
    },
    stop() {
      isOver = true;
      disarm?.();
      details = undefined;
    },
  };
}

/** Characters of what an attempt said with its last sign of life that are kept. */
const mostDetails = 1_000;

/** What was said, as JSON; what is longer, or no JSON, as the beginning of a text. Never throws. */
function briefly(details: unknown): Json {
  try {
    const text = canonicalJson(details);
    return text.length <= mostDetails ? (JSON.parse(text) as Json) : text.slice(0, mostDetails).toWellFormed();
  } catch {
    return 'What it said with it is not JSON.';
  }
}
