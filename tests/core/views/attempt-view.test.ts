import fc from 'fast-check';
import { type AttemptView, projectAttempts, projectRun, type RunEvent, type RunFact } from 'planwright';
import { describe, expect, it } from 'vitest';

import { deepFreeze } from '../../../src/core/shared/freeze.js';
import { anyMaterialized, anyTeam, handWritten } from '../../support/materialized.js';
import { fateArbitrary, runToEnd, type Story } from '../../support/run-world.js';
import { sagaRun } from '../../support/saga-run.js';

/** What a run has told, as its readers get it. */
function eventsOf({ journal, commands }: Story, roles: Readonly<Record<string, { readonly agentId: string }>>): RunEvent[] {
  const provisioned: RunFact = { type: 'run.provisioned', teamId: null, projectId: null, roles };
  const facts = journal.flatMap(({ at }, index) =>
    commands[index]!.flatMap((command) => (command.type === 'publish' ? [{ ...command.event, at }] : [])),
  );
  return [{ ...provisioned, at: 0 }, ...facts].map((fact, index) => ({ ...fact, seq: index + 1, runId: 'r' }));
}

const keyOf = ({ stepId, attempt }: Pick<AttemptView, 'stepId' | 'attempt'>): string => JSON.stringify([stepId, attempt]);

describe('attempts of any run, whatever its agents do and however often its process is lost', () => {
  const told = fc.tuple(fc.oneof(anyMaterialized(), sagaRun, anyTeam()), fateArbitrary({ mostShare: 2 })).map(([run, fate]) => {
    const story = runToEnd(run, fate);
    const agents = Object.fromEntries(run.plan.roles.map(({ key }) => [key, { agentId: `agent of ${key}` }]));
    return { plan: run.plan, events: deepFreeze(eventsOf(story, agents)) };
  });

  it('FO-28: have one row for each start, in the order of the starts, linked to run and step', () => {
    fc.assert(
      fc.property(told, ({ plan, events }) => {
        const rows = projectAttempts(plan, events);
        const goals = new Set(plan.steps.filter(({ expands }) => expands).map(({ id }) => id));
        const started = events.filter(
          (event) => event.type === 'step.compensating' || (event.type === 'step.started' && !goals.has(event.stepId)),
        ) as Extract<RunEvent, { type: 'step.started' }>[];
        const added = new Map(events.flatMap((event) => (event.type === 'step.added' ? [[event.stepId, event.role]] : [])));
        expect(rows.map(({ runId, stepId, attempt, startedAt }) => [runId, stepId, attempt, startedAt])).toEqual(
          started.map(({ runId, stepId, attempt, at }) => [runId, stepId, attempt, at]),
        );
        const seen = new Map<string, number>();
        for (const row of rows) {
          seen.set(keyOf(row), (seen.get(keyOf(row)) ?? 0) + 1);
          expect(row.start).toBe(seen.get(keyOf(row)));
          const step = plan.steps.find(({ id }) => id === row.stepId);
          const role = row.kind === 'step' ? (step?.role ?? added.get(row.stepId)) : step?.compensation?.role;
          expect([row.role, row.agentId]).toEqual([role, role && `agent of ${role}`]);
        }
      }),
    );
  });

  it('add up to what the run has spent, in all and step by step', () => {
    fc.assert(
      fc.property(told, ({ plan, events }) => {
        const rows = projectAttempts(plan, events);
        const view = projectRun(plan, events);
        const sum = (some: readonly AttemptView[]) => ({
          tokens: some.reduce((total, { usage }) => total + usage.tokens, 0),
          micro: some.reduce((total, { usage }) => total + Math.round(usage.costUsd * 1_000_000), 0),
        });
        const figures = ({ tokens, costUsd }: AttemptView['usage']) => ({ tokens, micro: Math.round(costUsd * 1_000_000) });
        expect(sum(rows)).toEqual(figures(view.usage));
        for (const { id, usage } of view.steps) expect(sum(rows.filter(({ stepId }) => stepId === id))).toEqual(figures(usage));
      }),
    );
  });

  it('have ended when the run has, as their steps have, and have taken no longer than they could', () => {
    fc.assert(
      fc.property(told, ({ plan, events }) => {
        const rows = projectAttempts(plan, events);
        const last = events.at(-1)!.at;
        for (const row of rows) {
          expect(row.outcome).not.toBe('running');
          expect(row.activeMs).toBeGreaterThanOrEqual(0);
          expect(row.startedAt + row.activeMs).toBeLessThanOrEqual(row.endedAt ?? last);
          if (row.endedAt !== undefined) expect(row.activeMs).toBe(row.endedAt - row.startedAt);
          expect(row.error === undefined).toBe(row.outcome === 'succeeded' || (row.outcome === 'lost' && !row.error));
        }
        for (const { id, status } of projectRun(plan, events).steps) {
          const own = rows.filter(({ stepId, kind }) => stepId === id && kind === 'step');
          const undoing = rows.filter(({ stepId, kind }) => stepId === id && kind === 'compensation');
          // A goal is at work only in the steps that were added for it.
          const isGoal = plan.steps.some((step) => step.id === id && step.expands);
          expect(own.filter(({ outcome }) => outcome === 'succeeded')).toHaveLength(
            !isGoal && (undoing.length > 0 || status === 'succeeded') ? 1 : 0,
          );
          expect(undoing.some(({ outcome }) => outcome === 'succeeded')).toBe(status === 'compensated');
          expect(own.some(({ outcome }) => outcome === 'in-doubt')).toBe(status === 'in-doubt');
        }
      }),
    );
  });

  it('do not change any more once they have ended, but for what was in doubt and what is spent late', () => {
    fc.assert(
      fc.property(told, fc.nat(), ({ plan, events }, cut) => {
        const early = projectAttempts(plan, events.slice(0, cut % (events.length + 1)));
        const late = projectAttempts(plan, events);
        for (const [index, { usage: _, error: _error, ...row }] of early.entries()) {
          if (row.outcome === 'running' || row.outcome === 'in-doubt' || row.outcome === 'lost') continue;
          expect(late[index]).toMatchObject(row);
        }
      }),
    );
  });
});

describe('an attempt', () => {
  const roles = ['worker', 'clerk'].map((key) => ({ key, kind: 'existing', agentId: `agent of ${key}` }) as const);
  const { steps } = handWritten([{ id: 'pay', compensation: { role: 'clerk', instructions: 'Pay back.' } }], { roles });
  const plan = { steps };
  const spend = { inputTokens: 10, outputTokens: 5, costMicroUsd: 1_000, provenance: 'measured' } as const;
  const error = { code: 'NO_LUCK', message: 'It did not work.' };
  /** Facts with the time at which each became true. */
  const project = (...facts: readonly (readonly [number, RunFact])[]) =>
    projectAttempts(
      plan,
      facts.map(([at, fact], index) => ({ ...fact, at, seq: index + 1, runId: 'r' })),
    );
  const started = (attempt = 1): RunFact => ({ type: 'step.started', stepId: 'pay', attempt });
  const ready: RunFact = { type: 'step.ready', stepId: 'pay' };
  const recovered: RunFact = { type: 'run.recovered', lost: ['pay'] };
  const succeeded = (attempt = 1): RunFact => ({ type: 'step.succeeded', stepId: 'pay', attempt, output: 1, spend });
  const inDoubt: RunFact = { type: 'step.in-doubt', stepId: 'pay', attempt: 1, error };

  it('is running until it ends, and has been for as long as is known', () => {
    const progress: RunFact = { type: 'step.progress', stepId: 'pay', attempt: 1, message: 'half' };
    const [row] = project([100, ready], [110, started()], [150, progress]);
    expect(row).toEqual({
      ...{ runId: 'r', stepId: 'pay', attempt: 1, start: 1, kind: 'step', role: 'worker' },
      ...{ startedAt: 110, activeMs: 40, outcome: 'running' },
      usage: { inputTokens: 0, outputTokens: 0, tokens: 0, costUsd: 0, provenance: 'measured' },
    });
  });

  it('has a row for every retry, with its own error, time and usage', () => {
    const failed: RunFact = { type: 'step.backing-off', stepId: 'pay', attempt: 1, error, retryAt: 190, spend };
    const late: RunFact = {
      type: 'step.backing-off',
      stepId: 'pay',
      attempt: 2,
      error: { code: 'TIMED_OUT', message: '' },
      retryAt: 400,
      spend,
    };
    const rows = project([100, started()], [150, failed], [200, started(2)], [300, late], [400, started(3)], [420, succeeded(3)]);
    expect(rows).toMatchObject([
      { attempt: 1, outcome: 'failed', error, startedAt: 100, endedAt: 150, activeMs: 50, usage: { tokens: 15 } },
      { attempt: 2, outcome: 'timed-out', activeMs: 100 },
      { attempt: 3, outcome: 'succeeded', endedAt: 420, activeMs: 20, usage: { costUsd: 0.001 } },
    ]);
    expect(rows[2]).not.toHaveProperty('error');
  });

  it('CX-17: is a row of its own for each start, and is not active while no process is there', () => {
    const rows = project(
      [100, started()],
      [130, { type: 'run.resumed' }],
      [9_000, recovered],
      [9_000, ready],
      [9_001, started()],
      [9_005, succeeded()],
    );
    expect(rows).toMatchObject([
      { attempt: 1, start: 1, outcome: 'lost', startedAt: 100, activeMs: 30, usage: { tokens: 0 } },
      { attempt: 1, start: 2, outcome: 'succeeded', startedAt: 9_001, endedAt: 9_005, activeMs: 4, usage: { tokens: 15 } },
    ]);
    expect(rows[0]).not.toHaveProperty('endedAt');
  });

  it('is in doubt until somebody says what became of it', () => {
    const doubtful = [
      [100, started()],
      [130, { type: 'run.resumed' }],
      [9_000, recovered],
      [9_000, inDoubt],
    ] as const;
    expect(project(...doubtful)).toMatchObject([{ outcome: 'in-doubt', activeMs: 30, error }]);
    expect(project(...doubtful, [20_000, succeeded()])).toMatchObject([{ outcome: 'succeeded', activeMs: 30 }]);
    const refused: RunFact = {
      type: 'step.failed',
      stepId: 'pay',
      attempt: 1,
      error: { code: 'DECLARED_FAILED', message: '' },
      spend,
    };
    expect(project(...doubtful, [20_000, refused])).toMatchObject([{ outcome: 'failed', error: { code: 'DECLARED_FAILED' } }]);
    expect(project(...doubtful, [20_000, ready], [20_001, started()])).toMatchObject([
      { start: 1, outcome: 'lost' },
      { start: 2, outcome: 'running' },
    ]);
  });

  it('is lost, not cancelled, where its process was lost and the run was on its way out', () => {
    const cancelled: RunFact = { type: 'step.cancelled', stepId: 'pay', error };
    expect(project([100, started()], [120, cancelled])).toMatchObject([{ outcome: 'cancelled', endedAt: 120 }]);
    expect(project([100, started()], [500, recovered], [500, cancelled])).toMatchObject([
      { outcome: 'lost', activeMs: 0, error },
    ]);
  });

  it('takes what its agent says it spent after it was given up', () => {
    const cancelled: RunFact = { type: 'step.cancelled', stepId: 'pay', error };
    const spent: RunFact = { type: 'step.spent', stepId: 'pay', attempt: 1, spend };
    expect(project([100, started()], [120, cancelled], [500, spent])).toMatchObject([
      { outcome: 'cancelled', endedAt: 120, activeMs: 20, usage: { tokens: 15 } },
    ]);
  });

  it('at a compensation belongs to the role that compensates, and counts on', () => {
    const compensating = (attempt: number): RunFact => ({ type: 'step.compensating', stepId: 'pay', attempt });
    const cause = { code: 'TIMED_OUT', message: '' };
    const final = { code: 'COMPENSATION_FAILED', message: '', cause };
    const failed = (attempt: number, parts: { retryAt?: number; error: typeof error }): RunFact => ({
      ...{ type: 'step.compensation-failed', stepId: 'pay', attempt, spend },
      ...parts,
    });
    const rows = project(
      ...([
        [100, started()],
        [110, succeeded()],
        [200, compensating(2)],
        [220, failed(2, { error, retryAt: 300 })],
      ] as const),
      ...([
        [300, compensating(3)],
        [380, failed(3, { error: final })],
      ] as const),
    );
    expect(rows).toMatchObject([
      { attempt: 1, kind: 'step', role: 'worker', outcome: 'succeeded' },
      { attempt: 2, kind: 'compensation', role: 'clerk', outcome: 'failed', activeMs: 20 },
      { attempt: 3, kind: 'compensation', outcome: 'timed-out', activeMs: 80, error: final },
    ]);
  });

  it('that was refused before it started has no row', () => {
    const refused: RunFact = {
      type: 'step.failed',
      stepId: 'pay',
      attempt: 0,
      error,
      spend: { ...spend, inputTokens: 0, outputTokens: 0 },
    };
    expect(project([100, { type: 'step.gated', stepId: 'pay', prompt: '' }], [200, refused])).toEqual([]);
    expect(project([100, { type: 'step.cancelled', stepId: 'pay', error }])).toEqual([]);
  });
});
