import type { AgentRequest } from 'planwright';
import { planProposal } from 'planwright';
import { describe, expect, it } from 'vitest';

import { createTeam, errorIn, handoff, networked, outcomesOf, playTeam, startedIn } from './support/play-team.js';
import { type Briefed, decider, delegate, finish, recorder, role } from './support/team.js';
import { stepOf } from './support/world.js';

/** The fault that a peer is told of in its next turn. */
const faultIn = ({ reports }: Briefed) => errorIn(reports[0]);

describe('peers', () => {
  it('HB-06 HB-21 hand control to each other along an allow-list, until one finishes', async () => {
    const a = decider(handoff('b', 'Check it.'));
    const b = decider(handoff('c', 'Publish it.'));
    const c = decider(finish('published'));
    const { run, result, events } = await playTeam(
      { a: a.agent, b: b.agent, c: c.agent },
      networked(['a', 'b', 'c'], {
        topology: {
          handoffs: [
            ['a', 'b'],
            ['b', 'c'],
          ],
        },
      }),
    );
    expect(result.deliverable).toEqual({ goal: 'published', gaps: [] });
    expect(startedIn(events)).toEqual(['goal', 'goal/1', 'goal/2', 'goal/3', 'synthesis']);
    const turns = ['goal/1', 'goal/2', 'goal/3'].map((id) => stepOf(run, id));
    expect(turns.map(({ kind, role: who, parent }) => [kind, who, parent])).toEqual([
      ['handoff', 'a', 'goal'],
      ['handoff', 'b', 'goal/1'],
      ['handoff', 'c', 'goal/2'],
    ]);
    expect([a, b, c].map(({ asked }) => [asked[0]!.instructions, asked[0]!.board['allowed']])).toEqual([
      ['Reach the goal.', ['b']],
      ['Check it.', ['c']],
      ['Publish it.', []],
    ]);
  });

  it.each([
    [
      'to a peer that is not on its list',
      {
        handoffs: [
          ['a', 'b'],
          ['b', 'c'],
        ],
      },
      handoff('c'),
      'UNKNOWN_ROLE',
    ],
    ['to itself', {}, handoff('a'), 'SELF_DELEGATION'],
    ['to the arbiter', { arbiter: 'judge' }, handoff('judge'), 'UNKNOWN_ROLE'],
    ['by another spelling', {}, handoff('B'), 'UNKNOWN_ROLE'],
    ['without a task', {}, { handoff: { role: 'b', task: ' ' } }, 'ASSIGNMENT_UNREADABLE'],
  ])('HB-21 cannot hand over %s, and is told what it can do', async (_, topology, route, code) => {
    const a = decider(route, finish());
    const { run } = await playTeam(
      { a: a.agent, b: recorder().agent, c: recorder().agent },
      networked(['a', 'b', 'c'], { topology }),
    );
    expect(faultIn(a.asked[1]!)).toMatchObject({ code });
    expect(a.asked[1]!.board).toMatchObject({ refusalsLeft: 4 });
    expect(stepOf(run, 'goal/1').refusals).toMatchObject([{ code }]);
    expect(run.view().steps.filter(({ role: who }) => who === 'b' || who === 'c')).toEqual([]);
  });

  const contract = {
    type: 'object',
    properties: { draft: { type: 'string' }, sources: { type: 'array' } },
    required: ['draft', 'sources'],
    additionalProperties: false,
  };
  it.each([
    ['misses a field', { draft: 'x' }, 'sources'],
    ['has one of the wrong type', { draft: 1, sources: [] }, '/draft'],
    ['has one too many', { draft: 'x', sources: [], secret: 1 }, 'secret'],
    ['is not there', undefined, 'draft'],
  ])(
    'HB-12 HB-48 a payload that %s fails at the sender, with the field named, before the receiver starts',
    async (_, input, field) => {
      const a = decider(handoff('b', 'Check it.', input), handoff('b', 'Check it.', { draft: 'x', sources: ['y'] }));
      const b = decider(finish());
      const peers = [role('a'), role('b', { inputSchema: contract })];
      const { run } = await playTeam({ a: a.agent, b: b.agent }, networked(peers));
      const fault = faultIn(a.asked[1]!);
      expect(fault.code).toBe('CONTRACT_NOT_MET');
      expect(fault.message).toContain(field);
      expect(b.asked).toHaveLength(1);
      expect(b.asked[0]!.input).toMatchObject({ draft: 'x', sources: ['y'] });
      expect(stepOf(run, 'goal/1').refusals).toMatchObject([{ code: 'CONTRACT_NOT_MET' }]);
    },
  );

  it('HB-36 sees of its sender what was handed to it, and nothing else', async () => {
    const a = decider({ route: handoff('b', 'Go on.', { kept: 'this' }), output: 'SECRET thoughts' });
    const b = decider(finish());
    await playTeam({ a: a.agent, b: b.agent }, networked(['a', 'b']));
    const { reports, board, input } = b.asked[0]!;
    expect(input).toEqual({ kept: 'this', reports, board });
    expect(JSON.stringify(b.asked)).not.toContain('SECRET');
  });

  it('delegate, and go on when all that they have asked for has reported', async () => {
    const a = decider(delegate(['b', 'One.'], ['c', 'Two.']), finish('joined'));
    const { result } = await playTeam(
      (time) => {
        const paced = (ms: number) => async () => (await time.sleep(ms), finish(`after ${ms}`));
        return { a: a.agent, b: paced(20), c: paced(10) };
      },
      networked(['a', 'b', 'c']),
    );
    expect(result.deliverable).toEqual({ goal: 'joined', gaps: [] });
    expect(a.asked.map(({ reports }) => reports.map(({ delegationId, output }) => [delegationId, output]))).toEqual([
      [],
      [
        ['goal/3', 'after 10'],
        ['goal/2', 'after 20'],
      ],
    ]);
  });

  it('HB-36 a task can be given what a delegation has reported, though it changed hands on the way', async () => {
    const a = decider(delegate(['b', 'Find it.']), { delegate: [{ role: 'c', task: 'Use it.', from: ['goal/2'] }] }, finish());
    const b = decider({ route: handoff('c', 'You find it.'), output: 'nothing yet' });
    const c = decider(finish('found'), finish('used'));
    await playTeam({ a: a.agent, b: b.agent, c: c.agent }, networked(['a', 'b', 'c']));
    expect(a.asked[1]!.reports).toEqual([{ delegationId: 'goal/2', role: 'b', outcome: 'completed', output: 'found' }]);
    expect(c.asked[1]!.input).toMatchObject({ 'goal/2': 'found' });
  });

  it('HB-36 what has not reported has nothing to give, though the turn that it began with is over', async () => {
    const use = { delegate: [{ role: 'd', task: 'Use it.', from: ['goal/2'] }] };
    const a = decider(delegate(['b', 'Find it.']), use, finish());
    const d = recorder();
    await playTeam(
      (time) => ({
        a: a.agent,
        b: async () => ({ route: handoff('c'), output: 'nothing yet' }),
        c: async () => (await time.sleep(100), finish('found')),
        d: d.agent,
      }),
      networked(['a', 'b', 'c', 'd'], { topology: { reportTimeoutMs: 10 } }),
    );
    expect(faultIn(a.asked[2]!)).toMatchObject({ code: 'UNKNOWN_DELEGATION', delegationId: 'goal/2' });
    expect(d.asked).toEqual([]);
  });
});

describe('peers that do not get on', () => {
  it('HB-49 who would wait for each other are found out before they do, and the arbiter is asked', async () => {
    const a = decider(delegate(['b']), ({ reports }) => finish(reports.map(({ output }) => output)));
    const b = decider(delegate(['a']));
    const judge = decider((request) => (request.board['arbitration'] === undefined ? finish() : finish('as the judge says')));
    const { run, result } = await playTeam(
      { a: a.agent, b: b.agent, judge: judge.agent },
      networked(['a', 'b'], { topology: { arbiter: 'judge' } }),
    );
    expect(result.deliverable).toEqual({ goal: ['as the judge says'], gaps: [] });
    expect(judge.asked).toHaveLength(1);
    expect(judge.asked[0]!.board['arbitration']).toMatchObject({
      code: 'WAIT_CYCLE',
      chain: ['a', 'b', 'a'],
      from: 'b',
      wanted: { role: 'a', task: 'Do it, a.' },
    });
    expect(stepOf(run, 'goal/2').refusals).toMatchObject([{ code: 'WAIT_CYCLE' }]);
  });

  it('HB-49 CX-21 without an arbiter the one that would close the cycle A -> B -> A is refused', async () => {
    const a = decider(delegate(['b']), finish('a'));
    const b = decider(delegate(['a']), finish('b'));
    const { result } = await playTeam({ a: a.agent, b: b.agent }, networked(['a', 'b']));
    expect(result.status).toBe('completed');
    expect(faultIn(b.asked[1]!)).toMatchObject({ code: 'WAIT_CYCLE', chain: ['a', 'b', 'a'] });
    expect(faultIn(b.asked[1]!).message).toContain('"a" -> "b" -> "a"');
  });

  it('HB-49 the last handoff is for the arbiter to give', async () => {
    let calls = 0;
    const on = (to: string) => async () => ({ output: null, route: handoff(to, `Task ${calls++}`) });
    const judge = decider(handoff('c', 'End it.'));
    const { run, result } = await playTeam(
      { a: on('b'), b: on('a'), c: async () => finish('ended'), judge: judge.agent },
      networked(['a', 'b', 'c'], { topology: { arbiter: 'judge', maxHandoffs: 3 } }),
    );
    expect(result.deliverable).toEqual({ goal: 'ended', gaps: [] });
    expect(judge.asked.map(({ board }) => (board['arbitration'] as { code: string }).code)).toEqual(['LAST_HANDOFF']);
    const roles = run
      .view()
      .steps.filter(({ kind }) => kind === 'handoff' || kind === 'route')
      .map(({ role: who }) => who);
    expect(roles).toEqual(['a', 'b', 'a', 'judge', 'c']);
  });

  it('HB-49 a peer that never answers is told of to the one that waits for it', async () => {
    const a = decider(delegate(['b']), finish('without b'));
    const { run, result } = await playTeam(
      { a: a.agent, b: () => new Promise(() => undefined) },
      networked(['a', 'b'], { topology: { reportTimeoutMs: 60_000 } }),
    );
    expect(outcomesOf(a.asked[1]!.reports)).toEqual([['goal/2', 'overdue']]);
    expect(result.deliverable).toEqual({ goal: 'without b', gaps: [] });
    expect(stepOf(run, 'goal/2')).toMatchObject({ status: 'cancelled', overdue: true });
  });
});

describe('what a network may cost', () => {
  it('CX-21 one peer turns to another only so often in a span of time', async () => {
    const pairLimit = { limit: 2, intervalMs: 60_000 };
    const world = createTeam((time) => ({
      a: decider(
        delegate(['b', 'One.'], ['b', 'Two.'], ['b', 'Three.']),
        async () => (await time.sleep(60_000), delegate(['b', 'Four.'])),
        finish(),
      ).agent,
      b: async () => finish('b'),
    }));
    const { run } = await world.run(networked(['a', 'b'], { topology: { pairLimit } }));
    expect(stepOf(run, 'goal/1').refusals).toMatchObject([{ code: 'PAIR_LIMIT', bound: 'pairLimit', limit: 2 }]);
    const given = run
      .view()
      .steps.filter(({ kind }) => kind === 'delegation')
      .map(({ title }) => title);
    expect(given).toEqual(['b: One.', 'b: Two.', 'b: Four.']);
  });

  it('CX-21 what is delegated is paid from what the run has left: no budget comes with it', async () => {
    const a = decider(delegate(['b', 'One.']), delegate(['b', 'Two.']), finish());
    const spent = async () => ({ ...finish('b'), usage: { costUsd: 0.6 } });
    const { result, run } = await playTeam({ a: a.agent, b: spent }, networked(['a', 'b'], { budget: { maxCostUsd: 1 } }));
    expect(result).toMatchObject({ status: 'failed', reason: 'budget_exceeded' });
    expect(run.view().usageByRole['b']!.costUsd).toBeCloseTo(1.2, 9);
    expect(a.asked).toHaveLength(2);
  });

  it('HB-50 one decision cannot bring in more agents than may take part', async () => {
    const a = decider(delegate(['b'], ['c']), finish());
    const input = networked(['a', 'b', 'c'], { budget: { maxAgents: 3 } });
    const { run, result } = await playTeam({ a: a.agent, b: async () => finish(), c: async () => finish() }, input);
    expect(result.status).toBe('completed');
    expect(stepOf(run, 'goal/1').refusals).toMatchObject([{ code: 'TOO_MANY_AGENTS', role: 'c', bound: 'maxAgents' }]);
  });

  it.each([3, 10, 40])(
    'HB-65 %i peers take no more turns than the cap of handoffs allows: it is linear in the cap',
    async (count) => {
      const peers = Array.from({ length: count }, (_, nth) => `p${nth}`);
      let calls = 0;
      const chatty = async ({ role: who }: AgentRequest) => {
        const others = peers.filter((peer) => peer !== who);
        return { output: null, route: handoff(others[calls % others.length]!, `Task ${calls++}`) };
      };
      const agents = Object.fromEntries(peers.map((peer) => [peer, chatty]));
      for (const maxHandoffs of [5, 20]) {
        const { events } = await playTeam(agents, networked(peers, { topology: { maxHandoffs, maxRefusals: 0 } }));
        const turns = startedIn(events).filter((id) => id.startsWith('goal/'));
        expect(turns).toHaveLength(maxHandoffs + 1);
      }
    },
  );

  it.each([
    ['an entry that is no role', { entry: 'x' }, 'unknown-role'],
    ['an entry that is no peer', { entry: 'judge' }, 'entry-not-peer'],
    ['an arbiter that is a peer', { arbiter: 'a' }, 'arbiter-as-peer'],
    ['a handoff to somebody else', { handoffs: [['a', 'judge']] }, 'unknown-peer'],
    ['a handoff to itself', { handoffs: [['a', 'a']] }, 'self-handoff'],
  ])('HB-21 no plan comes of %s', (_, topology, code) => {
    const planned = planProposal(networked(['a', 'b'], { topology }));
    expect(planned.ok ? [] : planned.error.map((issue) => issue.code)).toEqual([code]);
  });
});
