import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { getAdjacencyMap } from 'xstate/graph';

import { stepStatuses } from '../../../src/core/kernel/step-status.js';
import type { Chart, ChartTransition } from '../../../src/core/materializer/chart.js';
import { lifecycleChart, pauseChart } from '../../../src/core/materializer/lifecycle-chart.js';
import { shapeName, stepChart, type StepShape } from '../../../src/core/materializer/step-chart.js';
import type { RunFact } from '../../../src/core/ports/run-output.js';
import type { StepStatus } from '../../../src/core/ports/run.js';
import { anyMaterialized, handWritten, materialized } from '../../support/materialized.js';
import { fateArbitrary, runToEnd } from '../../support/run-world.js';
import { sagaRun } from '../../support/saga-run.js';

const flags = [false, true];
const kinds = ['ticket', 'research', 'position', 'route', 'reduce', 'gate', 'synthesis', 'compensation'] as const;
const shapes: readonly StepShape[] = kinds.flatMap((kind) =>
  flags.flatMap((gate) =>
    flags.flatMap((retry) => flags.flatMap((once) => flags.map((settled) => ({ kind, gate, retry, once, settled })))),
  ),
);
const stepCharts: readonly Chart[] = shapes.map(stepChart);
const facts = ['last', 'unmet', 'retry', 'exhausted', 'compensable'];
const commands = ['enqueue', 'openGate', 'armTimeout', 'disarm', 'armRetry', 'propagate'];

const transitionsOf = (chart: Chart, state: string): readonly (readonly [string, ChartTransition])[] =>
  Object.entries(chart.states[state]?.on ?? {}).flatMap(([event, found]) =>
    (Array.isArray(found) ? (found as readonly ChartTransition[]) : [found as ChartTransition]).map(
      (one) => [event, one] as const,
    ),
  );
const successors = (chart: Chart, state: string): readonly string[] =>
  transitionsOf(chart, state).flatMap(([, { target }]) => target ?? []);

/** What XState's explorer says of one way on. */
interface Step {
  readonly state: { readonly value: string };
}

/** Everything that can be reached from some states, those included. */
function reachable(from: readonly string[], next: (state: string) => readonly string[]): Set<string> {
  const seen = new Set(from);
  for (const state of seen) for (const follower of next(state)) seen.add(follower);
  return seen;
}

/** Members that are not in the portable profile, by their path. */
function outsideProfile(chart: Chart): string[] {
  const extra = (path: string, object: object, allowed: readonly string[]) =>
    Object.keys(object).flatMap((key) => (allowed.includes(key) ? [] : [`${path}.${key}`]));
  return [
    ...extra('chart', chart, ['id', 'initial', 'meta', 'states']),
    ...Object.entries(chart.states).flatMap(([name, state]) => [
      ...extra(name, state, ['type', 'entry', 'exit', 'on']),
      ...(([undefined, 'final'] as unknown[]).includes(state.type) ? [] : [`${name}.type`]),
      ...[...(state.entry ?? []), ...(state.exit ?? [])].flatMap((action) => [
        ...extra(`${name} action`, action, ['type']),
        ...(commands.includes(action.type) ? [] : [`${name} does ${action.type}`]),
      ]),
      ...transitionsOf(chart, name).flatMap(([event, transition]) => [
        ...extra(`${name} ${event}`, transition, ['target', 'guard']),
        ...(/^[A-Z_]+$/.test(event) ? [] : [`${name} ${event}`]),
        ...(transition.target === undefined || Object.hasOwn(chart.states, transition.target) ? [] : [`${name} ${event} target`]),
        ...extra(`${name} ${event} guard`, transition.guard ?? {}, ['type']),
        ...(transition.guard === undefined || facts.includes(transition.guard.type) ? [] : [`${name} ${event} guard`]),
      ]),
    ]),
  ];
}

describe('every chart', () => {
  it('HB-10 keeps to the portable profile, and is JSON', () => {
    for (const chart of [...stepCharts, lifecycleChart, pauseChart]) {
      expect(outsideProfile(chart)).toEqual([]);
      expect(JSON.parse(JSON.stringify(chart))).toEqual(chart);
      expect(Object.hasOwn(chart.states, chart.initial)).toBe(true);
    }
  });

  it('the profile is checked by something that finds what is outside of it', () => {
    const bad = {
      id: 'bad',
      initial: 'a',
      context: {},
      states: {
        a: {
          invoke: {},
          after: {},
          always: [],
          entry: [{ type: 'shout' }],
          on: { '*': { target: 'b' }, GO: { target: 'zebra', guard: { type: 'odd' }, actions: [] } },
        },
        b: { type: 'parallel' },
      },
    } as unknown as Chart;
    expect(outsideProfile(bad)).toEqual([
      'chart.context',
      ...['a.invoke', 'a.after', 'a.always', 'a does shout', 'a *', 'a GO.actions', 'a GO target', 'a GO guard'],
      'b.type',
    ]);
  });

  it('has a name of its own', () => {
    expect(new Set(shapes.map(shapeName)).size).toBe(shapes.length);
  });

  it('has no way on from where it ends, and from wherever it can come to, it can come to an end', () => {
    for (const chart of [...stepCharts, lifecycleChart] as readonly Chart[]) {
      const isEnd = (state: string): boolean => chart.states[state]!.type === 'final';
      const ends = Object.keys(chart.states).filter(isEnd);
      for (const end of ends) expect(successors(chart, end)).toEqual([]);
      for (const state of reachable([chart.initial], (from) => successors(chart, from))) {
        const ways = [...reachable([state], (from) => successors(chart, from))];
        expect(ways.some((way) => isEnd(way) || way === 'succeeded')).toBe(true);
      }
    }
  });
});

describe('a chart of a step', () => {
  it('HB-10 has the twelve statuses as its states, and each can be reached', () => {
    expect(stepStatuses).toHaveLength(12);
    for (const chart of stepCharts) {
      expect(Object.keys(chart.states).sort()).toEqual([...stepStatuses].sort());
      expect([...reachable([chart.initial], (from) => successors(chart, from))].sort()).toEqual([...stepStatuses].sort());
    }
  });

  it('HB-27 differs only where its shape says so', () => {
    for (const chart of stepCharts) {
      const { gate, retry, once, settled } = chart.meta as unknown as StepShape;
      const targets = (state: string, event: string) =>
        transitionsOf(chart, state).flatMap(([name, { target = state }]) => (name === event ? [target] : []));
      expect(targets('blocked', 'RELEASE')).toEqual([gate ? 'gated' : 'ready']);
      expect(targets('blocked', 'DEPENDENCY_SETTLED')).toEqual([
        ...(settled ? [] : ['skipped']),
        gate ? 'gated' : 'ready',
        'blocked',
      ]);
      expect(targets('running', 'FAIL')).toEqual([...(retry ? ['backing-off'] : []), 'failed']);
      expect(targets('running', 'TIME_OUT')).toEqual(once ? ['in-doubt'] : [...(retry ? ['backing-off'] : []), 'failed']);
      expect(targets('running', 'CANCEL')).toEqual(once ? ['in-doubt'] : ['in-doubt', 'cancelled']);
      expect(targets('running', 'LOSE')).toEqual(once ? ['in-doubt'] : ['in-doubt', 'ready']);
    }
  });

  it('HB-10 has the same states and ways for XState, which explores the machine made of it', () => {
    const gate = { kind: 'before', prompt: 'May it?' } as const;
    const retry = { attempts: 2, backoffMs: 1, factor: 1, maxBackoffMs: 1, jitter: 0 };
    const { definition, machines } = materialized(handWritten([{ id: 'a' }, { id: 'b', gate, retry, effect: 'once' }]));
    for (const [name, chart] of Object.entries(definition.charts)) {
      const machine = machines[name]!;
      const events = (machine.events as string[]).flatMap((type) => [{ type }, ...facts.map((fact) => ({ type, [fact]: true }))]);
      const map = getAdjacencyMap(machine, { events, serializeState: ({ value }) => value as string });
      expect(Object.keys(map).sort()).toEqual([...stepStatuses].sort());
      for (const [from, { transitions }] of Object.entries(map)) {
        const found = new Set(Object.values(transitions as Record<string, Step>).map(({ state }) => state.value));
        found.delete(from);
        expect([...found].sort()).toEqual([...new Set(successors(chart, from))].sort());
      }
    }
  });
});

describe('a run', () => {
  const after: Readonly<Record<string, StepStatus>> = {
    'step.ready': 'ready',
    'step.gated': 'gated',
    'step.started': 'running',
    'step.backing-off': 'backing-off',
    'step.succeeded': 'succeeded',
    'step.failed': 'failed',
    'step.skipped': 'skipped',
    'step.cancelled': 'cancelled',
    'step.in-doubt': 'in-doubt',
    'step.compensated': 'compensated',
  };

  const statusAfter = (fact: RunFact): StepStatus | undefined => {
    if (fact.type === 'step.compensating') return 'compensating';
    if (fact.type === 'step.compensation-failed') return fact.retryAt === undefined ? 'failed' : undefined;
    return after[fact.type];
  };

  it('HB-10 takes no transition that is not in its definition', () => {
    fc.assert(
      fc.property(fc.oneof(anyMaterialized(), sagaRun), fateArbitrary(), (run, fate) => {
        const { definition, graph } = run;
        const at = new Map<string, StepStatus>();
        for (const fact of runToEnd(run, fate).facts) {
          const to = statusAfter(fact);
          if (to === undefined || !('stepId' in fact)) continue;
          const from = at.get(fact.stepId) ?? 'blocked';
          // Another effort leaves it where it is.
          if (from === to && to === 'compensating') continue;
          const { chart } = definition.steps[graph.indexOf.get(fact.stepId)!]!;
          expect(successors(definition.charts[chart]!, from)).toContain(to);
          at.set(fact.stepId, to);
        }
      }),
      { numRuns: 80 },
    );
  });
});
