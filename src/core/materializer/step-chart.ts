import type { PlanStep, StepKind } from '../ports/plan.js';
import type { StepStatus } from '../ports/run.js';
import type { Chart, ChartState, ChartTransition } from './chart.js';

/** What makes the charts of two steps differ. Steps of one shape share one chart. */
export interface StepShape {
  readonly kind: StepKind;
  /** Waits for a person before it starts. */
  readonly gate: boolean;
  /** A failed attempt may be followed by another. */
  readonly retry: boolean;
  /** Its effect is `once`: what may have happened is never run again blindly. */
  readonly once: boolean;
  /** Starts when its dependencies have settled, however; otherwise only when all succeeded. */
  readonly settled: boolean;
}

/** Every event that a step's chart knows. */
export type StepEvent =
  | 'RELEASE'
  | 'ADOPT'
  | 'DEPENDENCY_SETTLED'
  | 'REQUIRE_DECISION'
  | 'APPROVE'
  | 'REFUSE'
  | 'START'
  | 'SUCCEED'
  | 'FAIL'
  | 'TIME_OUT'
  | 'THROTTLE'
  | 'LOSE'
  | 'RETRY'
  | 'SKIP'
  | 'CANCEL'
  | 'COMPENSATE'
  | 'COMPENSATED'
  | 'COMPENSATION_FAILED';

/** Every fact that a guard can read. The kernel states it on the event; a guard is true when it is there. */
export type StepFact = 'last' | 'unmet' | 'retry' | 'exhausted' | 'compensable';

/** Every command that a state of a step's chart can give. */
export type StepCommand = 'enqueue' | 'openGate' | 'armTimeout' | 'disarm' | 'armRetry' | 'propagate';

export const shapeOf = (
  step: Pick<PlanStep, 'kind' | 'gate' | 'retry' | 'effect' | 'join'> & { readonly hasFallbacks?: boolean },
): StepShape => ({
  kind: step.kind,
  gate: step.gate !== undefined,
  retry: step.retry.attempts > 1 || step.hasFallbacks === true,
  once: step.effect === 'once',
  settled: step.join === 'all-settled',
});

/** The chart's name in the definition: the kind, then what is special about it, as in `ticket_gate_retry`. */
export const shapeName = ({ kind, gate, retry, once, settled }: StepShape): string =>
  [kind, gate && 'gate', retry && 'retry', once && 'once', settled && 'settled'].filter(Boolean).join('_');

const to = (target: StepStatus, guard?: StepFact): ChartTransition => (guard ? { target, guard: { type: guard } } : { target });
const commands = (...types: readonly StepCommand[]) => types.map((type) => ({ type }));
const over: ChartState = { type: 'final', entry: commands('propagate') };

/**
 * The statechart that all steps of one shape share. It has every status that a step can be in, and each is a state of it.
 * `succeeded` is not final, because a saga may still compensate it.
 */
export function stepChart(shape: StepShape): Chart {
  return {
    id: shapeName(shape),
    initial: 'blocked',
    meta: { ...shape },
    states: { ...waitingStates(shape), ...workingStates(shape), ...endStates } satisfies Record<StepStatus, ChartState>,
  };
}

function waitingStates({ gate, settled }: StepShape) {
  const next = gate ? 'gated' : 'ready';
  const cancel = { SKIP: to('skipped'), CANCEL: to('cancelled') };
  return {
    blocked: {
      on: {
        RELEASE: to(next),
        ADOPT: to('succeeded'),
        DEPENDENCY_SETTLED: [...(settled ? [] : [to('skipped', 'unmet')]), to(next, 'last'), {}],
        ...cancel,
      },
    },
    gated: {
      entry: commands('openGate'),
      exit: commands('disarm'),
      on: { APPROVE: to('ready'), REFUSE: to('failed'), ...cancel },
    },
    ready: {
      entry: commands('enqueue'),
      on: { START: to('running'), REQUIRE_DECISION: to('gated'), FAIL: to('failed'), ...cancel },
    },
    'backing-off': { entry: commands('armRetry'), exit: commands('disarm'), on: { RETRY: to('ready'), ...cancel } },
  };
}

function workingStates({ retry, once }: StepShape) {
  const again = retry ? [to('backing-off', 'retry')] : [];
  return {
    running: {
      entry: commands('armTimeout'),
      exit: commands('disarm'),
      on: {
        SUCCEED: to('succeeded'),
        FAIL: [...again, to('failed')],
        // What was under way when the time was up, or the run, may have happened all the same.
        TIME_OUT: once ? to('in-doubt') : [...again, to('failed')],
        CANCEL: once ? to('in-doubt') : [to('in-doubt', 'compensable'), to('cancelled')],
        LOSE: once ? to('in-doubt') : [to('in-doubt', 'exhausted'), to('ready')],
        THROTTLE: to('backing-off'),
      },
    },
    'in-doubt': {
      on: {
        APPROVE: to('succeeded'),
        REFUSE: to('failed'),
        SUCCEED: to('succeeded'),
        FAIL: [...again, to('failed')],
        CANCEL: {},
        // It turned out not to have happened.
        RETRY: to('ready'),
      },
    },
    succeeded: { entry: commands('propagate'), on: { COMPENSATE: to('compensating', 'compensable') } },
    compensating: { exit: commands('disarm'), on: { COMPENSATED: to('compensated'), COMPENSATION_FAILED: to('failed') } },
  };
}

const endStates = { failed: over, skipped: over, cancelled: over, compensated: { type: 'final' } } satisfies Record<
  string,
  ChartState
>;
