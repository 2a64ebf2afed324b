import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import {
  circuitPolicy,
  type CircuitOutcome,
  type CircuitPass,
  type CircuitState,
  closeCircuit,
  closedCircuit,
  enterCircuit,
  leaveCircuit,
  takenUpCircuit,
} from '../../../src/core/limits/circuit-breaker.js';

/** Somebody asks to be let through, or a call that was let through ends; `which` picks one of those under way. */
type Act =
  | { readonly kind: 'ask'; readonly afterMs: number }
  | { readonly kind: 'end'; readonly afterMs: number; readonly which: number; readonly outcome: CircuitOutcome };

const outcomes = fc.constantFrom<CircuitOutcome>('success', 'failure', 'failure', 'neither');
const act: fc.Arbitrary<Act> = fc.oneof(
  fc.record({ kind: fc.constant('ask' as const), afterMs: fc.nat(60) }),
  fc.record({ kind: fc.constant('end' as const), afterMs: fc.nat(60), which: fc.nat(10), outcome: outcomes }),
);
const spec = fc.record({
  failures: fc.integer({ min: 1, max: 4 }),
  openMs: fc.integer({ min: 1, max: 100 }),
  factor: fc.constantFrom(1, 1.5, 2),
  maxOpenMs: fc.integer({ min: 1, max: 300 }),
});

interface Seen {
  readonly act: Act;
  readonly at: number;
  readonly before: CircuitState;
  readonly after: CircuitState;
  /** For one that asked. */
  readonly passed?: boolean;
  /** For a call that ended. */
  readonly ended?: CircuitPass;
}

/** Plays acts through; `between` stands for what happens to the state from one to the next, such as being stored. */
function play(
  policy: Parameters<typeof circuitPolicy>[0],
  acts: readonly Act[],
  between = (state: CircuitState) => state,
): Seen[] {
  const filled = circuitPolicy(policy);
  const underWay: CircuitPass[] = [];
  const seen: Seen[] = [];
  let state = closedCircuit;
  let at = 1_000;
  for (const next of acts) {
    at += next.afterMs;
    const before = between(state);
    if (next.kind === 'ask') {
      const answer = enterCircuit(before, at);
      if (answer.kind === 'pass') underWay.push(answer.pass);
      state = answer.state;
      seen.push({ act: next, at, before, after: state, passed: answer.kind === 'pass' });
    } else if (underWay.length > 0) {
      const [pass] = underWay.splice(next.which % underWay.length, 1);
      state = leaveCircuit(before, filled, { pass: pass!, outcome: next.outcome, now: at });
      seen.push({ act: next, at, before, after: state, ended: pass! });
    }
  }
  return seen;
}

const histories = fc.tuple(spec, fc.array(act, { maxLength: 80 }));

describe('HB-44 a circuit breaker', () => {
  it('opens after the declared failures in a row, and not before', () => {
    fc.assert(
      fc.property(spec, fc.array(outcomes, { maxLength: 30 }), (policy, ends) => {
        let state = closedCircuit;
        let inARow = 0;
        for (const outcome of ends) {
          const answer = enterCircuit(state, 0);
          if (answer.kind !== 'pass') throw new Error('It was closed.');
          state = leaveCircuit(answer.state, circuitPolicy(policy), { pass: answer.pass, outcome, now: 0 });
          if (outcome !== 'neither') inARow = outcome === 'failure' ? inARow + 1 : 0;
          expect(state.state).toBe(inARow >= policy.failures ? 'open' : 'closed');
          if (state.state === 'open') return;
          expect(state.failures).toBe(inARow);
        }
      }),
    );
  });

  it('lets nothing through while it is open, and the first who asks when the time is up', () => {
    fc.assert(
      fc.property(histories, ([policy, acts]) => {
        for (const {
          act: { kind },
          at,
          before,
          passed,
        } of play(policy, acts)) {
          if (kind !== 'ask' || before.state !== 'open') continue;
          expect(passed).toBe(at >= before.until);
        }
      }),
    );
  });

  it('has one probe under way at most when it is half open, and another when that came to nothing', () => {
    fc.assert(
      fc.property(histories, ([policy, acts]) => {
        let probe: CircuitPass | undefined;
        for (const { act: one, before, after, passed, ended } of play(policy, acts)) {
          if (before.state === 'closed') continue;
          if (one.kind === 'ask' && passed) {
            expect(probe).toBeUndefined();
            probe = { era: after.era };
          }
          if (one.kind === 'ask' && !passed && before.state === 'half-open') expect(probe).toBeDefined();
          if (ended?.era === probe?.era) probe = undefined;
        }
      }),
    );
  });

  it('goes by what becomes of the probe, and by nothing that began before', () => {
    fc.assert(
      fc.property(histories, ([policy, acts]) => {
        for (const { act: one, at, before, after, ended } of play(policy, acts)) {
          if (one.kind !== 'end' || before.state === 'closed') continue;
          const isProbe = before.state === 'half-open' && ended?.era === before.era;
          if (!isProbe) expect(after).toEqual(before);
          else if (one.outcome === 'success') expect(after).toMatchObject({ state: 'closed', failures: 0, openings: 0 });
          else if (one.outcome === 'neither') expect(after).toEqual({ ...before, probing: false });
          else expect(after).toMatchObject({ state: 'open', since: at, openings: before.openings + 1 });
        }
      }),
    );
  });

  it('stays open for longer with each probe that fails, as long as it may at most', () => {
    fc.assert(
      fc.property(histories, ([policy, acts]) => {
        for (const { at, before, after } of play(policy, acts)) {
          if (after.state !== 'open' || after === before || after.since !== at) continue;
          const pauseMs = policy.openMs * policy.factor ** (after.openings - 1);
          expect(after.until - at).toBe(Math.min(policy.maxOpenMs, pauseMs));
        }
      }),
    );
  });

  it('goes on in the same way from its JSON, wherever it was', () => {
    fc.assert(
      fc.property(histories, ([policy, acts]) => {
        const stored = play(policy, acts, (state) => JSON.parse(JSON.stringify(state)) as CircuitState);
        expect(stored).toEqual(play(policy, acts));
      }),
    );
  });

  it('is as open as it was where another process takes it up, until the same time, with its probe free', () => {
    fc.assert(
      fc.property(histories, ([policy, acts]) => {
        for (const { after } of play(policy, acts)) {
          const taken = takenUpCircuit(after);
          const { era: _era, probing: _probing, ...rest } = after;
          expect(taken).toMatchObject({ ...rest, probing: false });
          expect(enterCircuit(taken, after.until - 1).kind).toBe(after.state === 'closed' || after.until === 0 ? 'pass' : 'open');
          expect(enterCircuit(taken, after.until).kind).toBe('pass');
          // Whatever the process before had under way says nothing here.
          const late = { pass: { era: after.era }, outcome: 'failure', now: after.until } as const;
          expect(leaveCircuit(taken, circuitPolicy(policy), late)).toEqual(taken);
        }
      }),
    );
  });

  it('is closed by hand, whatever it was, and then counts from nothing', () => {
    fc.assert(
      fc.property(histories, ([policy, acts]) => {
        for (const { after } of play(policy, acts)) {
          expect(closeCircuit(after)).toMatchObject({ ...closedCircuit, era: after.era + 1 });
        }
      }),
    );
  });

  it('has defaults for all that is left out', () => {
    const defaults = { failures: 5, openMs: 30_000, factor: 2, maxOpenMs: 300_000, whenOpen: 'fail' };
    expect(circuitPolicy({})).toEqual(defaults);
    expect(circuitPolicy({ openMs: 600_000 }).maxOpenMs).toBe(600_000);
  });
});
