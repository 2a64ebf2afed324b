import type { Workspace } from 'planwright';
import { type CrashPoint, expectNoCrashDamage, scriptedAgent, simulateCrashes } from 'planwright/testing';
import { afterAll, describe, expect, it } from 'vitest';

import { simulate } from './support/simulate.js';
import { ticket, tickets } from '../running/support/world.js';
import { stories } from './support/stories.js';

const totals = { runs: 0, crashes: 0, callsRepeated: 0, resultsKept: 0 };

describe('CC-22 HB-04 HB-46 HB-47 HB-55 HB-56 CC-46: a process lost at every point of', () => {
  it.each(stories.map((story) => [[story.ids, story.name].filter(Boolean).join(' '), story] as const))('%s', async (_, story) => {
    const report = await simulate(story);
    expectNoCrashDamage(report);
    const { reference, runs, crashes, resumed } = report;
    expect(reference.status).toBe(story.status);
    // Each write twice, each call of an agent twice, each effect; alone, and followed by others.
    expect(runs).toBe(2 * (2 * reference.writes + 2 * reference.calls + reference.effects));
    expect([resumed, report.keysAppliedTwice, report.lostResults, report.secondStarts]).toEqual([runs, 0, 0, 0]);
    expect(crashes).toBeGreaterThan(runs);
    for (const key of Object.keys(totals) as (keyof typeof totals)[]) totals[key] += report[key];
  });

  afterAll(() => console.info('Crashes simulated:', totals));
});

describe('CC-30 CR-10 CX-09: what was set up before the crash is not set up again, whether re-approved or recovered', () => {
  const proposal = tickets(['a'], {
    context: { parentTicket: 'T-1' },
    roles: [
      { key: 'worker', kind: 'hire', hire: { name: 'Worker' } },
      { key: 'writer', kind: 'hire', hire: { name: 'Writer' } },
    ],
  });
  const hooks = ['hire worker', 'hire writer', 'createTeam', 'createProject'];
  /** Proposal, claim and approval come first, then one write for each hook, then the machines, then the start of the run. */
  const points = [2, 3, 4, 5, 6, 7, 8, 9].map((write): CrashPoint => ({ write, stored: true }));
  // A second life that dies at once makes a third of it, which goes the other way: recovered before it is approved, or after.
  const schedules = points.flatMap((point) => [[point], [point, { write: 1, stored: false } as const]]);

  it.each(schedules.map((at) => [JSON.stringify(at), at] as const))('at %s', async (_, at) => {
    const called: string[] = [];
    const workspace = (): Workspace => ({
      hire: async ({ role }) => {
        called.push(`hire ${role}`);
        return { agentId: 'worker' };
      },
      createTeam: async () => {
        called.push('createTeam');
        return { teamId: 'team' };
      },
      createProject: async () => {
        called.push('createProject');
        return { projectId: 'project' };
      },
    });
    const agents = () => ({ worker: async () => ({ output: {} }) });
    const report = await simulateCrashes({ proposal, agents, workspace, at });
    expectNoCrashDamage(report);
    expect(report.crashes).toBe(at.length);
    // Once without a crash, and once with.
    expect(called).toEqual([...hooks, ...hooks]);
  });
});

describe('a person who looks after a run whose journal was compacted', () => {
  const point = (write: number, stored: boolean): CrashPoint => ({ write, stored });
  const schedules = [true, false].flatMap((answered) =>
    [true, false].map((stored) => [point(3, true), { call: 1, answered }, point(5, stored)] as const),
  );

  it.each(schedules.map((at) => [JSON.stringify(at), at] as const))('answers what waits by then, at %s', async (_, at) => {
    const report = await simulateCrashes({
      proposal: tickets([ticket('a', { effect: 'once' }), ticket('b', { gate: { kind: 'before', prompt: 'Go?' } })]),
      agents: ({ clock }) => ({ worker: scriptedAgent({ default: { delayMs: 1 } }, { clock }) }),
      orchestrator: { journalLimit: 1, memoryLimitBytes: 1 },
      at,
    });
    expectNoCrashDamage(report);
  });
});
