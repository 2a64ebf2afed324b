import type { CircuitBreakerSpec } from '../ports/proposal.js';

/**
 * Where a breaker stands, as plain JSON: it is stored as it is, and goes on from there in another process.
 *
 * `closed` lets everything through. `open` lets nothing through before `until`. `half-open` lets one call through at a time, the probe: its success
 * closes the breaker, its failure opens it for longer.
 */
export interface CircuitState {
  readonly state: 'closed' | 'open' | 'half-open';
  /** Failures in a row, as far as they count. */
  readonly failures: number;
  /** When it opened last, in milliseconds since the epoch; 0 while it is closed. */
  readonly since: number;
  /** Until when nothing is let through; 0 while it is closed. */
  readonly until: number;
  /** Times that it has opened since it was last closed: each pause is longer than the one before. */
  readonly openings: number;
  /** Grows by one with each opening and each probe: a call that was let in before that says nothing any more. */
  readonly era: number;
  /** Whether the probe is under way. */
  readonly probing: boolean;
}

/** How a call was let through; it is handed back with what became of the call. */
export interface CircuitPass {
  readonly era: number;
}

/** What became of a call. `neither`: it came to nothing, so that it says nothing of what was called. */
export type CircuitOutcome = 'success' | 'failure' | 'neither';

export type CircuitAnswer =
  | { readonly kind: 'pass'; readonly pass: CircuitPass; readonly state: CircuitState }
  /** Not before `until`, which is past already where the probe is under way. */
  | { readonly kind: 'open'; readonly state: CircuitState };

/** {@link CircuitBreakerSpec} with every default filled in. */
export type CircuitPolicy = Required<CircuitBreakerSpec>;

export const closedCircuit: CircuitState = {
  state: 'closed',
  failures: 0,
  since: 0,
  until: 0,
  openings: 0,
  era: 0,
  probing: false,
};

export const circuitPolicy = ({
  failures = 5,
  openMs = 30_000,
  factor = 2,
  maxOpenMs = Math.max(300_000, openMs),
  whenOpen = 'fail',
}: CircuitBreakerSpec): CircuitPolicy => ({ failures, openMs, factor, maxOpenMs, whenOpen });

/*
 * A breaker of our own, because the well-kept libraries (opossum; cockatiel 3, the last for Node 20) read Date.now() and set timers themselves: they
 * cannot run under a clock that is handed to them, nor keep when they open and close again as data that outlives the process.
 */

/** Whether a call may go now. */
export function enterCircuit(circuit: CircuitState, now: number): CircuitAnswer {
  const { state, until, probing, era } = circuit;
  if (state === 'closed') return { kind: 'pass', pass: { era }, state: circuit };
  if (now < until || probing) return { kind: 'open', state: circuit };
  const next = { ...circuit, state: 'half-open', probing: true, era: era + 1 } as const;
  return { kind: 'pass', pass: { era: era + 1 }, state: next };
}

/**
 * What became of a call that was let through. What was let through before the breaker opened, or as an earlier probe, changes nothing any more, however
 * it ends: the newest word is the probe's.
 */
export function leaveCircuit(
  circuit: CircuitState,
  policy: CircuitPolicy,
  { pass, outcome, now }: { readonly pass: CircuitPass; readonly outcome: CircuitOutcome; readonly now: number },
): CircuitState {
  if (pass.era !== circuit.era || circuit.state === 'open') return circuit;
  const failures = circuit.failures + 1;
  if (circuit.state === 'closed') {
    if (outcome === 'neither') return circuit;
    if (outcome === 'success') return circuit.failures === 0 ? circuit : { ...circuit, failures: 0 };
    return failures < policy.failures ? { ...circuit, failures } : opened({ ...circuit, failures }, policy, now);
  }
  if (outcome === 'neither') return freed(circuit);
  return outcome === 'success' ? closeCircuit(circuit) : opened({ ...circuit, failures }, policy, now);
}

/** As by the success of a probe. What is still under way counts for nothing. */
export const closeCircuit = ({ era }: CircuitState): CircuitState => ({ ...closedCircuit, era: era + 1 });

/** A breaker that another process has left: its probe went with it, and so did the calls that it let through. */
export const takenUpCircuit = (circuit: CircuitState): CircuitState => freed({ ...circuit, era: circuit.era + 1 });

const freed = (circuit: CircuitState): CircuitState => (circuit.probing ? { ...circuit, probing: false } : circuit);

function opened(circuit: CircuitState, { openMs, factor, maxOpenMs }: CircuitPolicy, now: number): CircuitState {
  const pauseMs = Math.min(maxOpenMs, openMs * factor ** circuit.openings);
  return {
    ...circuit,
    state: 'open',
    since: now,
    until: now + pauseMs,
    openings: circuit.openings + 1,
    era: circuit.era + 1,
    probing: false,
  };
}

/** What was stored of a breaker; `undefined` for anything else. */
export function circuitOf(stored: unknown): CircuitState | undefined {
  if (typeof stored !== 'object' || stored === null) return undefined;
  const { state, failures, since, until, openings, era, probing } = stored as Partial<Record<keyof CircuitState, unknown>>;
  const areFigures = [failures, since, until, openings, era].every((figure) => typeof figure === 'number' && figure >= 0);
  const isState = state === 'closed' || state === 'open' || state === 'half-open';
  return areFigures && isState && typeof probing === 'boolean' ? (stored as CircuitState) : undefined;
}
