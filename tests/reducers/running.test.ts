import { type Contribution, type Reducer, withConflicts } from 'planwright';
import { describe, expect, it } from 'vitest';

import { createWorld, stepOf, ticket, tickets } from '../running/support/world.js';
import { role } from '../running/support/team.js';
import { joined, keyAt, reducedSynthesis, reduceTicket, runJoined, type Writing } from './support/joined.js';

const [a, b, c] = [0, 1, 2].map(keyAt) as [string, string, string];
const give = (...outputs: readonly Writing['output'][]): readonly Writing[] => outputs.map((output) => ({ output }));
const outputOf = async (reducer: string, ...outputs: readonly Writing['output'][]) =>
  (await runJoined(joined(give(...outputs), reducer), give(...outputs))).joined.output;

describe('a ticket with a reducer', () => {
  it('HB-15 joins the outputs of what it depends on, and calls no agent', async () => {
    const { run, asked, joined: step } = await runJoined(joined(give(1, 2), 'collect'), give(1, 2));
    expect(step).toMatchObject({ status: 'succeeded', kind: 'ticket', attempts: 1, output: { [a]: 1, [b]: 2 } });
    expect(step).not.toHaveProperty('role');
    expect(Object.keys(step.output as object)).toEqual([a, b]);
    expect(asked.sort()).toEqual([a, b, 'synthesis'].sort());
    expect(run.view().tickets).toMatchObject({ total: 3, succeeded: 3 });
  });

  it.each([
    ['first', [1, 2], 1],
    ['majority', ['no', 'yes', 'yes'], 'yes'],
    ['majority', ['no', 'yes'], 'no'],
    ['merge', [{ x: { p: 1 } }, { x: { q: 2 }, y: [1] }], { x: { p: 1, q: 2 }, y: [1] }],
    ['sum', [1, 2, 3.5], 6.5],
    ['sum', [{ hours: 1, by: { ada: 2 } }, { by: { ada: 1, bob: 4 } }], { hours: 1, by: { ada: 3, bob: 4 } }],
    ['positions', [1], { worker: 1 }],
    ['ranked', [['x', 'y', 'z'], ['y', 'x', 'z'], ['y']], { ranking: ['y', 'x', 'z'], points: [5, 3.5, 0.5] }],
    ['ranked', [{ ranking: ['x', 'y'] }, { ranking: ['y', 'x'] }], { ranking: ['x', 'y'], points: [1, 1] }],
    [
      'ranked',
      [
        { score: 1, text: 'fair' },
        { score: 3, text: 'good' },
      ],
      {
        ranking: [
          { score: 3, text: 'good' },
          { score: 1, text: 'fair' },
        ],
        points: [3, 1],
      },
    ],
  ] as const)('has the reducer %s make of %j', async (reducer, outputs, expected) => {
    expect(await outputOf(reducer, ...outputs)).toEqual(expected);
  });

  it('HB-51 shows what its writers did not agree on, whole, in the view, the event and the journal', async () => {
    const writings = give({ price: { usd: 9 }, by: 'x' }, { price: { usd: 12 }, by: 'x' });
    const { run, events, joined: step } = await runJoined(joined(writings, 'merge'), writings);
    const conflicts = [
      {
        pointer: '/price/usd',
        values: [
          { from: a, role: 'worker', value: 9 },
          { from: b, role: 'worker', value: 12 },
        ],
        chosen: a,
      },
    ];
    expect(step).toMatchObject({ output: { price: { usd: 9 }, by: 'x' }, conflicts });
    expect(events.find((event) => event.type === 'step.succeeded' && event.stepId === 'joined')).toMatchObject({ conflicts });
    expect(stepOf(run, a)).not.toHaveProperty('conflicts');
  });

  it('HB-51 records dissent with a majority, and with the first of several', async () => {
    const writings = give('no', 'yes', 'yes');
    const { joined: step } = await runJoined(joined(writings, 'majority'), writings);
    expect(step.conflicts).toMatchObject([
      { pointer: '', chosen: b, values: [{ value: 'no' }, { value: 'yes' }, { value: 'yes' }] },
    ]);
    const agreed = await runJoined(joined(give(1, 1), 'first'), give(1, 1));
    expect(agreed.joined).not.toHaveProperty('conflicts');
  });

  it('goes by what there is where a step before it failed, and fails where there is nothing', async () => {
    const writings: Writing[] = [{ output: 1, fails: true }, { output: 2 }];
    const { joined: step, result } = await runJoined(joined(writings, 'first'), writings);
    expect(step.output).toBe(2);
    expect(result.gaps.map(({ key }) => key)).toEqual([a]);
    const none: Writing[] = [{ output: 1, fails: true }];
    const empty = await runJoined(joined(none, 'collect'), none);
    expect(empty.joined).toMatchObject({ status: 'failed', error: { code: 'REDUCER_FAILED', reducer: 'collect' } });
    expect(empty.result.status).toBe('failed');
  });

  it.each([
    ['sum', [1, 'two'], `The output of "${b}" is "two", not a number as with the others.`],
    ['sum', [{ n: 1 }, { n: null }], `The output of "${b}" has at "/n" a value that is null`],
    ['sum', [Number.MAX_VALUE, Number.MAX_VALUE], 'not JSON'],
    ['ranked', [['x', 'x'], ['x']], 'names a candidate twice'],
    ['ranked', ['x', ['x']], 'a list of candidates'],
  ] as const)('fails, with the reason, where %s cannot join %j', async (reducer, outputs, message) => {
    const writings = give(...outputs);
    const { joined: step } = await runJoined(joined(writings, reducer), writings);
    expect(step).toMatchObject({ status: 'failed', attempts: 1, error: { code: 'REDUCER_FAILED' } });
    expect(step.error?.message).toContain(message);
  });

  it('is held to its output schema', async () => {
    const proposal = joined(give(1, 2), 'sum', { parts: { outputSchema: { type: 'string' } } });
    const { joined: step } = await runJoined(proposal, give(1, 2));
    expect(step).toMatchObject({ status: 'failed', error: { code: 'OUTPUT_INVALID' } });
  });

  it('gives members named __proto__ no power', async () => {
    const hostile = JSON.parse('{ "__proto__": { "admin": true }, "x": 1 }') as Writing['output'];
    for (const reducer of ['merge', 'collect', 'first']) {
      const output = (await outputOf(reducer, hostile, { x: 1 })) as Record<string, unknown>;
      expect(output['admin']).toBeUndefined();
      expect(({} as Record<string, unknown>)['admin']).toBeUndefined();
    }
  });

  it('waits for a person where it has a gate', async () => {
    const world = createWorld();
    const proposal = tickets([
      'a',
      reduceTicket('joined', 'collect', { dependsOn: ['a'], gate: { kind: 'before', prompt: 'Join?' } }),
    ]);
    const run = await world.start(proposal);
    world.clock.advance(1_000);
    expect(stepOf(run, 'joined').status).toBe('gated');
    await run.decide('joined', { approve: true, by: { kind: 'user', id: 'ada' } });
    expect((await world.end(run)).status).toBe('completed');
  });

  it('joins goals of a supervisor, which does not decide on it', async () => {
    const roles = [role('lead'), role('hand'), role('clerk')];
    const agents = {
      lead: async () => ({ output: 7, route: { finish: true } as const }),
      hand: async () => ({ output: 0 }),
      clerk: async () => ({ output: 'done' }),
    };
    const goal = (key: string) => ticket(key, { role: 'lead' });
    const proposal = tickets([goal('x'), goal('y'), reduceTicket('both', 'sum', { dependsOn: ['x', 'y'] })], {
      roles,
      synthesis: { role: 'clerk', instructions: 'Sum up.', outputSchema: true },
      topology: { kind: 'supervisor-worker', supervisor: 'lead', workers: ['hand'] },
    });
    const { run } = await createWorld({ agents }).run(proposal);
    expect(stepOf(run, 'both')).toMatchObject({ status: 'succeeded', output: 14 });
  });
});

describe('a synthesis with a reducer', () => {
  it('HB-20 makes the deliverable of the tickets that no other depends on, without an agent', async () => {
    const writings = give({ x: 1 }, { y: 2 });
    const proposal = tickets([a, ticket(b, { dependsOn: [] }), ticket(c, { dependsOn: [a] })], {
      synthesis: reducedSynthesis('merge'),
    });
    const { result, asked, run } = await runJoined(proposal, [...writings, { output: { z: 3 } }]);
    expect(result).toMatchObject({ status: 'completed', deliverable: { y: 2, z: 3 } });
    expect(asked.sort()).toEqual([a, b, c].sort());
    expect(stepOf(run, 'synthesis')).not.toHaveProperty('role');
  });

  it('fails the run with its reason', async () => {
    const { result } = await runJoined(tickets([a], { synthesis: reducedSynthesis('sum') }), give('one'));
    expect(result).toMatchObject({ status: 'failed', reason: 'synthesis_failed' });
  });
});

describe('a reducer of one’s own', () => {
  const lowest: Reducer = (contributions) => Math.min(...contributions.map(({ output }) => output as number));
  const runWith = (reducer: Reducer) => runJoined(joined(give(3, 2), 'custom:mine'), give(3, 2), { reducers: { mine: reducer } });

  it('gets the outputs whole and frozen, in plan order, with the roles they came from', async () => {
    let seen: readonly Contribution[] = [];
    const { joined: step } = await runWith((contributions) => ((seen = contributions), lowest(contributions)));
    expect(step.output).toBe(2);
    expect(seen).toEqual([
      { stepId: a, role: 'worker', output: 3 },
      { stepId: b, role: 'worker', output: 2 },
    ]);
  });

  it('HB-51 may say what its writers did not agree on', async () => {
    const conflicts = [{ pointer: '', values: [{ from: a, role: 'worker', value: 3 }] }];
    const { joined: step } = await runWith((contributions) => withConflicts(lowest(contributions) as number, conflicts));
    expect(step).toMatchObject({ output: 2, conflicts });
    const lookalike = await runWith(() => ({ output: 2, conflicts: [] }));
    expect(lookalike.joined.output).toEqual({ output: 2, conflicts: [] });
  });

  it.each<readonly [string, Reducer, string]>([
    [
      'throws',
      () => {
        throw new TypeError('no idea');
      },
      'no idea',
    ],
    ['gives nothing', (() => undefined) as unknown as Reducer, 'It returned nothing'],
    ['gives no JSON', (() => ({ at: new Date(0) })) as unknown as Reducer, 'not JSON at "/output/at"'],
    ['makes one wait', (async () => 1) as unknown as Reducer, 'not JSON'],
    ['changes what it is given', (given) => ((given[0] as { output: number }).output = 4), 'read only'],
  ])('fails its step where it %s', async (_, reducer, message) => {
    const { joined: step } = await runWith(reducer);
    expect(step).toMatchObject({ status: 'failed', error: { code: 'REDUCER_FAILED', reducer: 'custom:mine' } });
    expect(step.error?.message).toContain(message);
  });
});
