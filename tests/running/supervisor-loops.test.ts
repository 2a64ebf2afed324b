import type { AgentFunction, RoleStatus, Run } from 'planwright';
import { describe, expect, it } from 'vitest';

import { createTeam, playTeam, slowly, startedIn } from './support/play-team.js';
import { type Briefed, decider, delegate, finish, recorder, supervised, wait } from './support/team.js';
import { ticket, tickets } from './support/world.js';

/** Roles that were given something, in the order in which they began. */
const courseOf = (run: Run, started: readonly string[]): readonly string[] => {
  const roles = new Map(run.view().steps.map(({ id, kind, role: who = '' }) => [id, kind === 'delegation' ? who : '']));
  return started.map((id) => roles.get(id) ?? '').filter((who) => who !== '');
};

const reported = ({ reports }: Briefed, from: string): unknown => reports.find(({ role: who }) => who === from)?.output;

describe('a loop', () => {
  /** coder -> reviewer and auditor at once -> coder again while the reviewer objects -> release -> end. */
  const devFlow = () => {
    const verdicts: Record<string, unknown> = {};
    return decider((request) => {
      if (request.reports.length === 0) return delegate(['coder']);
      const [report] = request.reports;
      if (report!.role === 'coder') return delegate(['reviewer'], ['auditor']);
      if (report!.role === 'release') return finish('released');
      verdicts[report!.role] = report!.output;
      if (request.board.inProgress.length > 0) return wait;
      return verdicts['reviewer'] === 'rejected' ? delegate(['coder', 'Mend it.']) : delegate(['release']);
    });
  };
  const reviewerRejecting = (times: number): AgentFunction => {
    let calls = 0;
    return async () => ({ output: calls++ < times ? 'rejected' : 'accepted' });
  };
  const play = (rejections: number, maxRounds: number) =>
    playTeam(
      {
        lead: devFlow().agent,
        coder: recorder('code').agent,
        reviewer: reviewerRejecting(rejections),
        auditor: recorder('safe').agent,
        release: recorder('out').agent,
      },
      supervised(['coder', 'reviewer', 'auditor', 'release'], { topology: { maxRounds } }),
    );

  it.each([0, 1, 3])('DD-11 DD-29 goes round %i times while the reviewer rejects, and then out', async (rejections) => {
    const { run, result, events } = await play(rejections, 20);
    const round = ['coder', 'reviewer', 'auditor'];
    expect(courseOf(run, startedIn(events))).toEqual([...Array.from({ length: rejections + 1 }, () => round).flat(), 'release']);
    expect(result).toMatchObject({ status: 'completed', deliverable: { goal: 'released' } });
  });

  it('DD-11 DD-29 has another way out where the reviewer never accepts: its rounds', async () => {
    const { run, events } = await play(Infinity, 7);
    // Six rounds delegate: coder, then both, and so on; in the seventh it can only finish.
    expect(courseOf(run, startedIn(events)).filter((who) => who === 'coder')).toHaveLength(3);
    const goal = run.view().steps.find(({ id }) => id === 'goal');
    expect(goal).toMatchObject({ status: 'failed', error: { code: 'ROUNDS_EXHAUSTED', bound: 'maxRounds', limit: 7 } });
    expect(goal!.error!.message).toContain('"lead" has not finished "goal" within its 7 rounds');
    expect(goal!.error!.message).toContain('delegate to "coder"');
  });

  it('DD-29 tester -> coder -> tester until green', async () => {
    let red = 2;
    const lead = decider((request) => {
      if (reported(request, 'tester') === 'green') return finish('green');
      return reported(request, 'tester') === 'red' ? delegate(['coder']) : delegate(['tester']);
    });
    const tester: AgentFunction = async () => ({ output: red-- > 0 ? 'red' : 'green' });
    const { run, events } = await playTeam(
      { lead: lead.agent, tester, coder: recorder().agent },
      supervised(['tester', 'coder']),
    );
    expect(courseOf(run, startedIn(events))).toEqual(['tester', 'coder', 'tester', 'coder', 'tester']);
  });
});

describe('a supervisor as a router', () => {
  it('HB-14 HB-15 sends each task to the worker for its kind, and joins what comes back in one result', async () => {
    const kinds = { retrieve: 'retriever', compute: 'coder', write: 'drafter' } as const;
    const parts: unknown[] = [];
    const lead = decider(
      delegate(...Object.entries(kinds).map(([kind, to]) => [to, `Do: ${kind}`] as const)),
      ({ reports, board }) => {
        parts.push(...reports.map(({ output }) => output));
        return board.inProgress.length > 0 ? wait : finish(parts as string[]);
      },
    );
    const worker =
      (key: string): AgentFunction =>
      async ({ instructions }) => ({ output: `${key}: ${instructions}` });
    const agents = Object.fromEntries(Object.values(kinds).map((key) => [key, worker(key)]));
    const { result } = await playTeam({ lead: lead.agent, ...agents }, supervised(Object.values(kinds)));
    const joined = ['retriever: Do: retrieve', 'coder: Do: compute', 'drafter: Do: write'];
    expect(result.deliverable).toEqual({ goal: joined, gaps: [] });
  });
});

describe('what each role is doing', () => {
  it('DD-34 DX-11 is one of five things at any time, with the moment since when', async () => {
    const seen: Record<string, [RoleStatus, number][]> = {};
    const stage: { run?: Run } = {};
    const look = (): void => {
      for (const { role: who, status, since } of stage.run!.view().roles) {
        const list = (seen[who] ??= []);
        if (list.at(-1)?.[0] !== status) list.push([status, since]);
      }
    };
    const lead = decider(delegate(['coder'], ['flaky']), wait, finish());
    const world = createTeam((time) => ({
      lead: async (request, context) => (await time.sleep(100), lead.agent(request, context)),
      coder: slowly(time, { afterMs: 1_000, output: 'code' }),
      flaky: async () => {
        await time.sleep(200);
        throw new Error('no');
      },
      bored: recorder().agent,
    }));
    const goals = [ticket('goal', { role: 'lead', retry: { attempts: 2, backoffMs: 300 } })];
    stage.run = await world.start(supervised(['coder', 'flaky', 'bored'], { tickets: goals }));
    const ended = { is: false };
    void stage.run.result().then(() => (ended.is = true));
    await world.clock.advanceAsync(0);
    while (!ended.is) {
      look();
      await world.clock.advanceAsync(50);
    }
    look();
    expect(seen['lead']).toEqual([
      ['thinking', 0],
      ['idle', 100],
      ['thinking', 800],
      ['idle', 900],
      ['thinking', 1_100],
      ['idle', 1_200],
    ]);
    expect(seen['coder']).toEqual([
      ['idle', 0],
      ['working', 100],
      ['idle', 1_100],
    ]);
    expect(seen['flaky']).toEqual([
      ['idle', 0],
      ['working', 100],
      ['waiting', 300],
      ['working', 600],
      ['error', 800],
    ]);
    expect(seen['bored']).toEqual([['idle', 0]]);
  });

  it('DD-34 waits where a person has to say something first', async () => {
    const world = createTeam({});
    const run = await world.start(tickets([ticket('release', { gate: { kind: 'before', prompt: 'Now?' } })]));
    await world.clock.advanceAsync(1);
    expect(run.view().roles).toContainEqual({ role: 'worker', status: 'waiting', since: 0 });
    await world.clock.runUntil(run.decide('release', { approve: false, by: 'ada' }));
    await world.end(run);
    expect(run.view().roles).toContainEqual({ role: 'worker', status: 'error', since: 1 });
  });
});
