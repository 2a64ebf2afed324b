import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { createKernel, type Kernel } from '../../../src/core/kernel/create-kernel.js';
import type { MaterializedRun } from '../../../src/core/materializer/materialize.js';
import type { Command } from '../../../src/core/ports/run-output.js';
import type { RaisedBudget } from '../../../src/core/ports/budget.js';
import type { Role } from '../../../src/core/ports/proposal.js';
import type { Spend } from '../../../src/core/ports/usage.js';
import { ada, handWritten, materialized } from '../../support/materialized.js';
import { fateArbitrary, runToEnd, type Turn } from '../../support/run-world.js';
import { sagaRun } from '../../support/saga-run.js';
import { tightRun } from '../../support/tight-run.js';

/** What is spent, how much of it was only estimated, and what is reserved, of the run and of each role with a budget, beside their ceilings. */
function accountsOf({ definition }: MaterializedRun, kernel: Kernel) {
  const { columns, run } = kernel.checkpoint();
  const { raised } = run as unknown as { readonly raised: readonly RaisedBudget[] };
  const ofRun = { ...definition.budget, ...raised[0]?.ceilings };
  const ceilings = [ofRun, ...definition.roles.flatMap(({ budget }) => (budget ? [budget] : []))];
  const figures = (row: number, kind: 'Cost' | 'Tokens') => ({
    spent: columns[`spent${kind}`]![row]!,
    inexact: columns[`inexact${kind}`]![row]!,
    reserved: columns[`reserved${kind}`]![row]!,
  });
  return ceilings.flatMap(({ maxCostMicroUsd = Infinity, maxTokens = Infinity }, row) => [
    { ceiling: maxCostMicroUsd, ...figures(row, 'Cost') },
    { ceiling: maxTokens, ...figures(row, 'Tokens') },
  ]);
}

/** Notices when a person lets a step go on though estimates have used up a budget: then only what was measured has to keep to it. */
function forgiveness() {
  const gated = new Set<string>();
  let isForgiven = false;
  return {
    notice({ input, commands }: Turn): void {
      for (const command of commands)
        if (command.type === 'publish' && command.event.type === 'policy.applied' && command.event.policy === 'budget:exhausted')
          gated.add(command.event.stepId);
      if (input.type === 'step.decided' && input.decision.approve && gated.has(input.stepId)) isForgiven = true;
    },
    get isForgiven() {
      return isForgiven;
    },
  };
}

const tightRuns = fc.constantFrom('fail' as const, 'pause' as const).chain(tightRun);

describe('spent and reserved', () => {
  it('CC-12 never pass a ceiling of the run or of a role, in whatever order results come', () => {
    fc.assert(
      fc.property(tightRuns, fateArbitrary(), (run, fate) => {
        const person = forgiveness();
        runToEnd(run, fate, {
          onTurn(turn) {
            person.notice(turn);
            for (const { ceiling, spent, inexact, reserved } of accountsOf(run, turn.kernel)) {
              expect(spent - (person.isForgiven ? inexact : 0) + reserved).toBeLessThanOrEqual(ceiling);
              expect(Math.min(spent, reserved, inexact, spent - inexact)).toBeGreaterThanOrEqual(0);
            }
          },
        });
      }),
      { numRuns: 100 },
    );
  });

  it('CX-22 are warned of once they have passed 80 % of a ceiling of the run, and once only before it is raised', () => {
    fc.assert(
      fc.property(tightRuns, fateArbitrary({ mostShare: 3 }), (run, fate) => {
        const warned = new Set<string>();
        runToEnd(run, fate, {
          onTurn({ kernel: now, commands }) {
            for (const command of commands) {
              if (command.type !== 'publish') continue;
              if (command.event.type === 'budget.raised') warned.clear();
              if (command.event.type !== 'budget.warning') continue;
              const of = JSON.stringify([command.event.owner, command.event.unit]);
              expect(warned).not.toContain(of);
              warned.add(of);
            }
            if (now.status !== 'executing' || now.stop) return;
            const units = ['USD', 'tokens'] as const;
            for (const [place, { ceiling, spent }] of accountsOf(run, now).slice(0, 2).entries())
              if (ceiling < Infinity && ceiling > 0 && spent >= 0.8 * ceiling)
                expect(warned).toContain(JSON.stringify([{ kind: 'run' }, units[place]]));
          },
        });
      }),
      { numRuns: 100 },
    );
  });

  it('HB-57 attempts keep to their ceiling like money', () => {
    fc.assert(
      fc.property(tightRuns, fateArbitrary(), (run, fate) => {
        runToEnd(run, fate, {
          onTurn({ kernel: now }) {
            const { run: scalars, columns } = now.checkpoint();
            const { raised } = scalars as unknown as { readonly raised: readonly RaisedBudget[] };
            const ceiling = raised[0]?.ceilings.maxAttempts ?? run.definition.budget.maxAttempts ?? Infinity;
            expect(columns['accountAttempts']![0]).toBeLessThanOrEqual(ceiling);
            expect(columns['accountAttempts']![0]).toBe(columns['attempt']!.reduce((sum, one) => sum + one, 0));
          },
        });
      }),
      { numRuns: 60 },
    );
  });

  it('CC-12 near a ceiling only what can be done without is left out, and none of it begins any more', () => {
    let shed = 0;
    fc.assert(
      fc.property(tightRuns, fateArbitrary({ controls: ['crash', 'repeat', 'pause', 'resume'] }), (run, fate) => {
        const { facts } = runToEnd(run, fate);
        const priorities = new Map(run.definition.steps.map(({ id, priority }) => [id, priority]));
        const dropped = new Set<string>();
        for (const fact of facts) {
          if (fact.type === 'step.started') expect(dropped).not.toContain(fact.stepId);
          if (fact.type !== 'step.skipped') continue;
          // Whatever stays does not wait for what was left out.
          if (fact.error.code === 'DEPENDENCY_NOT_MET') expect(dropped).not.toContain(fact.error['dependency']);
          if (fact.error.code !== 'BUDGET_SHED') continue;
          dropped.add(fact.stepId);
          expect(priorities.get(fact.stepId)).toBe('low');
        }
        shed += dropped.size;
      }),
      { numRuns: 100 },
    );
    expect(shed).toBeGreaterThan(0);
  });

  it('CC-12 are shared among exactly the steps that have yet to be given something', () => {
    fc.assert(
      fc.property(fc.oneof(tightRuns, sagaRun), fateArbitrary(), (run, fate) => {
        runToEnd(run, fate, {
          onTurn({ kernel: now }) {
            const { columns } = now.checkpoint();
            const waiting = now.statuses().filter(({ status }, index) => {
              if (run.definition.steps[index]!.agentId === undefined) return false;
              return (
                ['blocked', 'gated', 'backing-off'].includes(status) || (status === 'ready' && columns['issued']![index] === 0)
              );
            });
            expect(columns['awaiting']![0]).toBe(waiting.length);
          },
        });
      }),
      { numRuns: 80 },
    );
  });

  it('count every attempt once, late ones and those of given-up attempts too', () => {
    fc.assert(
      fc.property(fc.oneof(tightRun('fail'), sagaRun), fateArbitrary(), (run, fate) => {
        const { kernel, journal, facts, commands } = runToEnd(run, fate);
        const spends = facts.flatMap((fact): Spend[] => ('spend' in fact ? [fact.spend] : []));
        const sum = (of: (spend: Spend) => number): number => spends.reduce((total, spend) => total + of(spend), 0);
        expect(kernel.ledger.spentMicroUsd).toBe(sum(({ costMicroUsd }) => costMicroUsd));
        expect(kernel.ledger.spentTokens).toBe(sum(({ inputTokens, outputTokens }) => inputTokens + outputTokens));
        // An attempt that had ended in doubt, and is asked for again because nothing has happened, ends twice.
        const asked = starts(commands.flat()).map(({ stepId, attempt }) => `${stepId} ${attempt}`);
        const askedOnce = new Set(asked.filter((name) => asked.indexOf(name) === asked.lastIndexOf(name)));
        const ended = journal.flatMap((input) => ('spend' in input ? [`${input.stepId} ${input.attempt}`] : []));
        const endedOnce = ended.filter((name) => askedOnce.has(name));
        expect(new Set(endedOnce).size).toBe(endedOnce.length);
      }),
      { numRuns: 80 },
    );
  });

  const retry = { attempts: 2, backoffMs: 0, factor: 1, maxBackoffMs: 0, jitter: 0 };

  /** A step with 100 tokens for all its attempts, whose first has timed out and whose second is due. */
  const timedOut = (): Kernel => {
    const step = { id: 'a', timeoutMs: 5, retry, budget: { maxTokens: 100 } };
    const kernel = createKernel(materialized(handWritten([step], { budget: { maxTokens: 300 } })));
    kernel.apply({ type: 'run.start', at: 0, graceMs: 10 });
    kernel.apply({ type: 'step.started', at: 0, stepId: 'a', attempt: 1 });
    kernel.apply({ type: 'step.timed-out', at: 5, stepId: 'a', attempt: 1 });
    expect(starts(kernel.apply({ type: 'step.retry-due', at: 5, stepId: 'a', attempt: 1 }))).toEqual([]);
    expect(kernel.ledger.reservedTokens).toBe(100);
    return kernel;
  };

  it('CC-12 free what a given-up attempt holds only when that very attempt has ended', () => {
    const kernel = timedOut();
    const spent = { type: 'step.spent', at: 6, stepId: 'a', spend: tokens(60) } as const;
    expect(() => kernel.apply({ ...spent, attempt: 2 })).toThrow('was not given up');
    // The budget is for all attempts together: the second gets what the first has left.
    expect(starts(kernel.apply({ ...spent, attempt: 1 })).map(({ allowance }) => allowance)).toEqual([{ tokens: 40 }]);
    expect(kernel.ledger).toMatchObject({ spentTokens: 60, reservedTokens: 40 });
    expect(() => kernel.apply({ ...spent, attempt: 1 })).toThrow('has ended since');
    expect(kernel.ledger.spentTokens).toBe(60);
  });

  it('hold nobody up for a step that waits for an attempt of its own', () => {
    const steps = [{ id: 'a', timeoutMs: 5, retry, budget: { maxTokens: 100 } }, { id: 'b' }, { id: 'c', dependsOn: ['b'] }];
    const kernel = createKernel(materialized(handWritten(steps, { budget: { maxTokens: 300 } })));
    kernel.apply({ type: 'run.start', at: 0, graceMs: 10 });
    for (const stepId of ['a', 'b']) kernel.apply({ type: 'step.started', at: 0, stepId, attempt: 1 });
    kernel.apply({ type: 'step.timed-out', at: 5, stepId: 'a', attempt: 1 });
    kernel.apply({ type: 'step.retry-due', at: 5, stepId: 'a', attempt: 1 });
    const done = kernel.apply({ type: 'step.succeeded', at: 6, stepId: 'b', attempt: 1, output: null, spend: tokens(1) });
    expect(starts(done).map(({ stepId }) => stepId)).toEqual(['c']);
    const spent = kernel.apply({ type: 'step.spent', at: 7, stepId: 'a', attempt: 1, spend: tokens(60) });
    expect(starts(spent).map(({ stepId }) => stepId)).toEqual(['a']);
  });

  it('count an attempt that never ends as having spent all it held, so that nothing waits for it for ever', () => {
    const kernel = timedOut();
    kernel.apply({ type: 'step.given-up', at: 15, stepId: 'a', attempt: 1 });
    expect(kernel.ledger).toMatchObject({ spentTokens: 100, reservedTokens: 0 });
    // Nobody knows whether it did: that is for a person to say, and no reason to fail the step.
    expect(kernel.stepStatus('a')).toBe('gated');
    const refused = createKernel(kernel.materialized, kernel.checkpoint());
    refused.apply({ type: 'step.decided', at: 16, stepId: 'a', decision: { approve: false, by: ada } });
    expect(refused.stop?.reason).toBe('all_tickets_failed');
    const commands = kernel.apply({ type: 'step.decided', at: 16, stepId: 'a', decision: { approve: true, by: ada } });
    expect(starts(commands).map(({ allowance }) => allowance)).toEqual([{ tokens: 100 }]);
  });
});

const tokens = (outputTokens: number): Spend => ({ inputTokens: 0, outputTokens, costMicroUsd: 0, provenance: 'measured' });
const starts = (commands: readonly Command[]) => commands.flatMap((command) => (command.type === 'step.start' ? [command] : []));

describe('agents that spend more than they may', () => {
  it('CC-12 CC-38 end the run as budget_exceeded, and nothing starts after the crossing', () => {
    fc.assert(
      fc.property(tightRun('fail'), fateArbitrary({ mostShare: 5 }), (run, fate) => {
        const isCrossed = (kernel: Kernel) =>
          accountsOf(run, kernel)
            .slice(0, 2)
            .some(({ spent, inexact, ceiling }) => spent - inexact > ceiling);
        const turns: { readonly isOver: boolean; readonly starts: boolean; readonly reason: string | undefined }[] = [];
        const { kernel } = runToEnd(run, fate, {
          onTurn({ kernel: now, input, commands }) {
            const isStart = input.type === 'step.started' || starts(commands).length > 0;
            turns.push({ isOver: isCrossed(now), starts: isStart, reason: now.stop?.reason });
          },
        });
        const crossing = turns.findIndex((turn) => turn.isOver);
        if (crossing < 0) return;
        expect(turns.slice(crossing).some((turn) => turn.starts)).toBe(false);
        const reasonBefore = turns[crossing - 1]?.reason;
        expect(kernel.stop?.reason).toBe(reasonBefore ?? 'budget_exceeded');
        if (reasonBefore === undefined) {
          expect(kernel.status).toBe('failed');
          expect(kernel.stop?.error).toMatchObject({ code: 'BUDGET_EXCEEDED' });
        }
      }),
      { numRuns: 100 },
    );
  });

  it('CC-12 pause the run where its budget says so, again each time it goes on, and what is done can be delivered', () => {
    const kernel = createKernel(materialized(handWritten([{ id: 'a' }], { budget: { maxTokens: 50, onExceeded: 'pause' } })));
    kernel.apply({ type: 'run.start', at: 0, graceMs: 0 });
    kernel.apply({ type: 'step.started', at: 0, stepId: 'a', attempt: 1 });
    kernel.apply({ type: 'step.succeeded', at: 1, stepId: 'a', attempt: 1, output: null, spend: tokens(51) });
    expect([kernel.status, kernel.paused]).toEqual(['synthesizing', true]);
    const commands = kernel.apply({ type: 'run.resume', at: 2 });
    expect(starts(commands)).toEqual([]);
    expect(kernel.paused).toBe(true);
    expect(commands).toContainEqual(
      expect.objectContaining({
        type: 'publish',
        event: {
          type: 'run.paused',
          reason: 'budget_exceeded',
          error: expect.objectContaining({ code: 'BUDGET_EXCEEDED' }) as unknown,
        },
      }),
    );
  });
});

describe('an allowance', () => {
  it('is an equal share of what is unreserved among the steps that have yet to start, or what the step says itself', () => {
    const steps = [{ id: 'a' }, { id: 'b' }, { id: 'c', budget: { maxTokens: 7 } }];
    const kernel = createKernel(materialized(handWritten(steps, { budget: { maxTokens: 100 } })));
    const commands = starts(kernel.apply({ type: 'run.start', at: 0, graceMs: 0 }));
    // Four steps have yet to start: a quarter of 100, a third of 75, and c what it asks for.
    expect(commands.map(({ stepId, allowance }) => [stepId, allowance])).toEqual([
      ['a', { tokens: 25 }],
      ['b', { tokens: 25 }],
      ['c', { tokens: 7 }],
    ]);
    expect(kernel.ledger.reservedTokens).toBe(57);
  });

  it('is waited for while others hold what is missing, and given when they leave some', () => {
    const steps = [
      { id: 'a', budget: { maxTokens: 8 } },
      { id: 'b', budget: { maxTokens: 8 } },
    ];
    const kernel = createKernel(materialized(handWritten(steps, { budget: { maxTokens: 10 } })));
    expect(starts(kernel.apply({ type: 'run.start', at: 0, graceMs: 0 })).map(({ stepId }) => stepId)).toEqual(['a']);
    kernel.apply({ type: 'step.started', at: 1, stepId: 'a', attempt: 1 });
    const commands = kernel.apply({ type: 'step.succeeded', at: 2, stepId: 'a', attempt: 1, output: null, spend: tokens(2) });
    expect(starts(commands).map(({ stepId }) => stepId)).toEqual(['b']);
  });

  it('of a role that has none left fails that step alone', () => {
    const roles: Role[] = [
      { key: 'poor', kind: 'existing', agentId: 'a', budget: { maxTokens: 10 } },
      { key: 'worker', kind: 'existing', agentId: 'w' },
    ];
    const kernel = createKernel(
      materialized(
        handWritten(
          [
            { id: 'a', role: 'poor' },
            { id: 'b', role: 'poor', dependsOn: ['a'] },
            { id: 'c', dependsOn: ['a'] },
          ],
          { roles },
        ),
      ),
    );
    kernel.apply({ type: 'run.start', at: 0, graceMs: 0 });
    kernel.apply({ type: 'step.started', at: 1, stepId: 'a', attempt: 1 });
    const commands = kernel.apply({ type: 'step.succeeded', at: 2, stepId: 'a', attempt: 1, output: null, spend: tokens(10) });
    expect(starts(commands).map(({ stepId }) => stepId)).toEqual(['c']);
    expect(kernel.errorOf('b')).toMatchObject({ code: 'BUDGET_EXCEEDED', unit: 'tokens', ceiling: 10, spent: 10 });
    expect([kernel.status, kernel.stepStatus('b')]).toEqual(['executing', 'failed']);
  });
});

describe('maxSteps', () => {
  it('CC-12 ends the run before a step more than that starts; another attempt of a step is no other step', () => {
    const retry = { attempts: 3, backoffMs: 0, factor: 1, maxBackoffMs: 0, jitter: 0 };
    const steps = [0, 1, 2, 3].map((index) => ({ id: `t${index}`, retry, dependsOn: index === 0 ? [] : [`t${index - 1}`] }));
    // Analysis refuses a plan whose ceiling is below its steps; delegations will reach it all the same.
    const run = materialized(handWritten(steps, { budget: { maxSteps: 5 } }));
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5 }),
        fateArbitrary({ controls: [], racing: false, deliveryFails: false }),
        (maxSteps, fate) => {
          const tight = { ...run, definition: { ...run.definition, budget: { ...run.definition.budget, maxSteps } } };
          const [fail, succeed] = (['fail', 'succeed'] as const).map((end) => ({ end, late: 'fail', share: 0 }) as const);
          const attempts = [...steps.map(() => [fail!, succeed!]), [succeed!]];
          const { kernel, facts } = runToEnd(tight, { ...fate, attempts });
          const started = new Set(facts.flatMap((fact) => (fact.type === 'step.started' ? [fact.stepId] : [])));
          expect(started.size).toBe(maxSteps);
          expect(kernel.status).toBe(maxSteps === 5 ? 'completed' : 'failed');
          if (maxSteps < 5)
            expect(kernel.stop?.error).toMatchObject({ code: 'BUDGET_EXCEEDED', dimension: 'steps', ceiling: maxSteps });
        },
      ),
      { numRuns: 30 },
    );
  });
});
