import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { createKernel, replay, type Kernel } from '../../../src/core/kernel/create-kernel.js';
import type { JournalEntry, RunInput } from '../../../src/core/ports/run.js';
import type { Command, RunFact } from '../../../src/core/ports/run-output.js';
import { planProposal } from '../../../src/index.js';
import { proposalOf } from '../../../src/testing.js';
import { materialized } from '../../support/materialized.js';

/** How one attempt comes to nothing, or does not. */
interface End {
  readonly kind: 'succeed' | 'fail' | 'final' | 'reject' | 'time-out' | 'lost';
  /** Agents that are left alone, from the one at it on. */
  readonly passedOver: number;
  readonly notBefore: number | undefined;
}

const end: fc.Arbitrary<End> = fc.record({
  kind: fc.constantFrom('fail', 'fail', 'fail', 'final', 'time-out', 'lost', 'succeed', 'reject'),
  passedOver: fc.constantFrom(0, 0, 0, 1),
  notBefore: fc.option(fc.integer({ min: 0, max: 100_000 }), { nil: undefined }),
});
const cases = fc.record({
  attempts: fc.integer({ min: 1, max: 3 }),
  fallbacks: fc.integer({ min: 0, max: 3 }),
  effect: fc.constantFrom('none' as const, 'idempotent' as const, 'once' as const),
  ends: fc.array(end, { minLength: 16, maxLength: 16 }),
});
type Case = typeof cases extends fc.Arbitrary<infer One> ? One : never;

function machinesOf({ attempts, fallbacks, effect }: Omit<Case, 'ends'>) {
  const names = Array.from({ length: fallbacks }, (_, nth) => `agent-${nth + 1}`);
  const role = { key: 'r', kind: 'existing', agentId: 'agent of r', ...(fallbacks > 0 && { fallbacks: names }) } as const;
  const retry = { attempts, backoffMs: 100 };
  const step = { key: 't', title: 't', role: 'r', instructions: 'Do it.', effect, retry, timeoutMs: 1_000 } as const;
  const plan = planProposal(proposalOf([step], { roles: [role, { key: 'worker', kind: 'existing', agentId: 'worker' }] }));
  if (!plan.ok) throw new Error(JSON.stringify(plan.error));
  return { machines: materialized(plan.value), agents: ['agent of r', ...names] };
}

interface Played {
  readonly journal: readonly JournalEntry[];
  readonly facts: readonly RunFact[];
  /** Who was called, attempt by attempt. */
  readonly called: readonly string[];
  readonly kernel: Kernel;
}

/** Plays one step to its end, or to where nothing goes on by itself. */
function play(given: Case, onInput: (kernel: Kernel) => Kernel = (kernel) => kernel): Played {
  const { machines, agents } = machinesOf(given);
  let kernel = createKernel(machines);
  const journal: JournalEntry[] = [];
  const facts: RunFact[] = [];
  const called: string[] = [];
  let at = 0;
  const tell = (input: Omit<RunInput, 'at'> & { readonly type: RunInput['type'] }): Command[] => {
    const entry = { ...input, at, seq: kernel.seq + 1 } as RunInput & { readonly seq: number };
    const commands = kernel.apply(entry);
    journal.push(entry);
    for (const command of commands) if (command.type === 'publish') facts.push(command.event);
    kernel = onInput(kernel);
    return commands;
  };
  let commands = tell({ type: 'run.start', graceMs: 10 } as never);
  for (const { kind, passedOver, notBefore } of given.ends) {
    const start = commands.find((command) => command.type === 'step.start' && command.stepId === 't');
    if (start?.type !== 'step.start') break;
    const { attempt } = start;
    const { agents: left } = kernel.callees('t');
    const agentId = left[Math.min(passedOver, left.length - 1)]!;
    const of = { stepId: 't', attempt };
    tell({ type: 'step.started', ...of, ...(agentId !== agents[0] && { agentId }) } as never);
    called.push(agentId);
    at += 10;
    if (kind === 'lost') {
      commands = tell({ type: 'run.recovered', lost: [], maxLostStarts: 3, shiftMs: 0 } as never);
      called.pop();
      continue;
    }
    const spend = { inputTokens: 0, outputTokens: 0, costMicroUsd: 0, provenance: 'measured' };
    const error = { code: kind === 'reject' ? 'REJECTED' : 'failed', message: kind };
    const failed = {
      type: 'step.failed',
      ...of,
      error,
      spend,
      retryable: kind === 'fail',
      ...(notBefore !== undefined && { notBefore }),
    };
    if (kind === 'time-out') at += 1_000;
    commands = tell(
      kind === 'succeed'
        ? ({ type: 'step.succeeded', ...of, output: null, spend } as never)
        : kind === 'time-out'
          ? ({ type: 'step.timed-out', ...of } as never)
          : (failed as never),
    );
    const timer = commands.find((command) => command.type === 'timer.set' && command.input.type === 'step.retry-due');
    if (timer?.type !== 'timer.set') break;
    at = timer.dueAt;
    commands = tell({ type: 'step.retry-due', ...of } as never);
  }
  return { journal, facts, called, kernel };
}

describe('agents that take over', () => {
  it('each have the attempts of the step for themselves, in their order, and nobody comes back', () => {
    fc.assert(
      fc.property(cases, (given) => {
        const { called } = play(given);
        const { agents } = machinesOf(given);
        expect(called.length).toBeLessThanOrEqual(given.attempts * agents.length);
        for (const agent of agents) expect(called.filter((one) => one === agent).length).toBeLessThanOrEqual(given.attempts);
        const places = called.map((agent) => agents.indexOf(agent));
        expect(places).toEqual([...places].sort((a, b) => a - b));
        expect(places).not.toContain(-1);
      }),
    );
  });

  it('are never handed what may happen only once, once somebody may have begun it', () => {
    fc.assert(
      fc.property(cases, (given) => {
        const { called } = play({ ...given, effect: 'once' });
        expect(new Set(called).size).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('are asked until none is left, where every attempt fails', () => {
    fc.assert(
      fc.property(cases, ({ ends: _, ...given }) => {
        const failing = Array.from({ length: 16 }, (): End => ({ kind: 'fail', passedOver: 0, notBefore: undefined }));
        const once = given.effect === 'once';
        const { called, kernel } = play({ ...given, ends: failing });
        expect(called).toHaveLength(given.attempts * (once ? 1 : 1 + given.fallbacks));
        expect(kernel.stepStatus('t')).toBe('failed');
        const final = play({ ...given, ends: failing.map((one) => ({ ...one, kind: 'final' })) });
        expect(final.called).toHaveLength(once ? 1 : 1 + given.fallbacks);
        const rejected = play({ ...given, ends: failing.map((one) => ({ ...one, kind: 'reject' })) });
        expect(rejected.called).toHaveLength(1);
      }),
    );
  });

  it('are tried no sooner than is of use, after the pause of the agent at it, or at once where another takes over', () => {
    fc.assert(
      fc.property(cases, (given) => {
        const { journal, facts } = play(given);
        const byAttempt = new Map(
          facts.flatMap((fact) => (fact.type === 'step.started' ? [[fact.attempt, fact.agentId ?? 'agent of r'] as const] : [])),
        );
        for (const fact of facts) {
          if (fact.type !== 'step.backing-off') continue;
          const { attempt, retryAt } = fact;
          const failed = journal.find(
            (entry) => (entry.type === 'step.failed' || entry.type === 'step.timed-out') && entry.attempt === attempt,
          );
          if (failed?.type !== 'step.failed' && failed?.type !== 'step.timed-out') throw new Error('Nothing has failed.');
          const isFailed = failed.type === 'step.failed';
          const tries = [...byAttempt].filter(([nth, agent]) => nth <= attempt && agent === byAttempt.get(attempt)).length;
          const isOwn = (!isFailed || failed.retryable) && tries < given.attempts;
          const pauseMs = isOwn ? 100 * 2 ** (tries - 1) : 0;
          expect(retryAt).toBe(Math.max(failed.at + pauseMs, isFailed ? (failed.notBefore ?? 0) : 0));
        }
      }),
    );
  });

  it('are known to a run that is replayed, or goes on from a checkpoint, whole or in parts', () => {
    fc.assert(
      fc.property(cases, (given) => {
        const { machines } = machinesOf(given);
        const live = play(given);
        expect(replay(machines, live.journal).digest()).toBe(live.kernel.digest());
        const stored = play(given, (kernel) => createKernel(machines, JSON.parse(JSON.stringify(kernel.checkpoint())) as never));
        expect(stored.called).toEqual(live.called);
        expect(stored.kernel.digest()).toBe(live.kernel.digest());
        let parts = {};
        const inParts = play(given, (kernel) => {
          parts = { ...parts, ...kernel.takeChanges() };
          return createKernel(machines, { parts: JSON.parse(JSON.stringify(parts)) as never });
        });
        expect(inParts.kernel.digest()).toBe(live.kernel.digest());
      }),
    );
  });

  it('are refused where it is not their turn, and that changes nothing', () => {
    const { machines } = machinesOf({ attempts: 1, fallbacks: 1, effect: 'none' });
    const kernel = createKernel(machines);
    kernel.apply({ type: 'run.start', at: 0, graceMs: 10 });
    const before = kernel.digest();
    const start = { type: 'step.started', at: 0, stepId: 't', attempt: 1 } as const;
    expect(() => kernel.apply({ ...start, agentId: 'stranger' })).toThrow('not among those');
    expect(() => kernel.apply({ ...start, agentId: 7 as unknown as string })).toThrow('must be the id of an agent');
    expect(kernel.digest()).toBe(before);
    kernel.apply({ ...start, agentId: 'agent-1' });
    expect(kernel.callees('t')).toEqual({ agents: ['agent-1'], called: ['agent of r', 'agent-1'], mayRepeat: false });
  });
});
