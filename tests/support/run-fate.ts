import fc from 'fast-check';

import type { StepDefinition } from '../../src/core/materializer/definition.js';
import type { CompensationPolicy } from '../../src/core/ports/run.js';

/**
 * How one attempt goes. `hang`: it only ends after it was aborted, and then as `late` says. `throttled`: a provider turns it away, up to three times, and
 * then it goes as `late` says. `doubt`: it does not know whether it has happened; `late` says what is true.
 */
export interface AttemptPlan {
  readonly end: 'succeed' | 'fail' | 'fatal' | 'hang' | 'throttled' | 'doubt';
  /** Also whether its effect has happened when it is lost with its process. */
  readonly late: 'succeed' | 'fail';
  /** Share of the allowance that it spends, or so many hundredths of a dollar and tokens where there is none. */
  readonly share: number;
}

/** Things that somebody, or a fault, does to a run. `crash`: its process is lost, and another takes it up. `replan`: another plan is approved. */
export type Control = 'pause' | 'resume' | 'cancel' | 'repeat' | 'crash' | 'replan';

/** Everything about a run that is chance. Plain data, so that it shrinks. */
export interface Fate {
  /** For step `n`, how its attempts go; the last holds for all that follow. */
  readonly attempts: readonly (readonly AttemptPlan[])[];
  /** For step `n`, how efforts to undo it go; the last holds for all that follow. */
  readonly efforts: readonly (readonly AttemptPlan[])[];
  /** For step `n`, whether its gate is opened. */
  readonly gates: readonly boolean[];
  /** For step `n`, whether its agent can tell what became of an attempt. */
  readonly probes: readonly boolean[];
  /** Which of the things that can happen next does. */
  readonly choices: readonly number[];
  /** Turns at which somebody pauses, goes on, cancels or says something twice, or the process is lost. */
  readonly controls: readonly { readonly turn: number; readonly what: Control }[];
  readonly compensate: CompensationPolicy;
  readonly maxLostStarts: number;
  /** Whether a time limit may run out before an attempt that would have ended. */
  readonly racing: boolean;
  readonly deliveryFails: boolean;
}

export interface FateOptions {
  readonly controls?: readonly Control[];
  readonly racing?: boolean;
  /** Most that an attempt spends, as a share of its allowance. Default: 1. */
  readonly mostShare?: number;
  readonly deliveryFails?: boolean;
  /** Whether attempts are turned away by providers, or do not know what has become of them. Default: false. */
  readonly unclear?: boolean;
}

export function fateArbitrary(options: FateOptions = {}): fc.Arbitrary<Fate> {
  const { racing = true, mostShare = 1, deliveryFails = true, unclear = false } = options;
  const controls = options.controls ?? ['pause', 'resume', 'cancel', 'repeat', 'crash'];
  const attempt = fc.record({
    end: fc.constantFrom<AttemptPlan['end'][]>(
      ...(['succeed', 'succeed', 'succeed', 'fail', 'fatal', 'hang'] as const),
      ...(unclear ? (['throttled', 'throttled', 'doubt'] as const) : []),
    ),
    late: fc.constantFrom<AttemptPlan['late'][]>('succeed', 'fail'),
    share: fc.constantFrom(0, mostShare / 2, mostShare),
  });
  const attempts = fc.array(fc.array(attempt, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 12 });
  // Most runs are short.
  const turn = fc.oneof(fc.nat({ max: 15 }), fc.nat({ max: 60 }));
  const control = () => fc.record({ turn, what: fc.constantFrom(...controls) });
  return fc.record({
    attempts,
    efforts: attempts,
    gates: fc.array(
      fc.nat({ max: 3 }).map((number) => number > 0),
      { minLength: 1, maxLength: 6 },
    ),
    probes: fc.array(fc.boolean(), { minLength: 1, maxLength: 4 }),
    choices: fc.array(fc.nat({ max: 1_000_003 }), { minLength: 1, maxLength: 60 }),
    controls: controls.length === 0 ? fc.constant([]) : fc.array(control(), { maxLength: 6 }),
    compensate: fc.constantFrom<CompensationPolicy[]>('always', 'always', 'on-failure', 'on-cancel', 'never'),
    maxLostStarts: fc.integer({ min: 1, max: 3 }),
    racing: racing ? fc.boolean() : fc.constant(false),
    deliveryFails: deliveryFails ? fc.nat({ max: 9 }).map((number) => number === 9) : fc.constant(false),
  });
}

interface Place {
  readonly index: number;
  /** 1 for the first. */
  readonly attempt: number;
}

/** How attempt `attempt` of step `index` goes: a step that nothing would ever abort does not hang. */
export const attemptPlan = ({ attempts }: Fate, step: StepDefinition, place: Place): AttemptPlan => planAt(attempts, step, place);

/** How effort `attempt` to undo step `index` goes. */
export const effortPlan = ({ efforts }: Fate, step: StepDefinition, place: Place): AttemptPlan => planAt(efforts, step, place);

function planAt(
  plans: readonly (readonly AttemptPlan[])[],
  { timeoutMs }: StepDefinition,
  { index, attempt }: Place,
): AttemptPlan {
  const list = plans[index % plans.length]!;
  const plan = list[Math.min(attempt, list.length) - 1]!;
  return plan.end === 'hang' && timeoutMs === undefined ? { ...plan, end: 'succeed' } : plan;
}

export const isGateOpened = (fate: Fate, index: number): boolean => fate.gates[index % fate.gates.length]!;
export const canProbe = (fate: Fate, index: number): boolean => fate.probes[index % fate.probes.length]!;
