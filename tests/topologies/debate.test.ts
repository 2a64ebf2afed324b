import fc from 'fast-check';
import {
  type AgentFunction,
  AgentError,
  type AgentResult,
  analyzePlan,
  type Json,
  ok,
  planProposal,
  type Ticket,
  type TopologyChoice,
  worstCase,
} from 'planwright';
import { createVirtualClock, expectNoCrashDamage, proposalOf, simulateCrashes, topologyConformance } from 'planwright/testing';
import { describe, expect, it } from 'vitest';

import { debate } from '../../examples/own-topology/debate.js';
import { type Briefed, decider, finish, role } from '../running/support/team.js';
import { createWorld, stepOf, ticket } from '../running/support/world.js';

const question = ticket('question', { role: 'judge', instructions: 'Tea or coffee?' });
const roles = ['judge', 'pro', 'con', 'third', 'clerk'].map((key) => role(key));
const debated = (options: Partial<TopologyChoice> = {}, tickets: readonly Ticket[] = [question]) =>
  proposalOf(tickets, {
    roles,
    topology: { kind: 'debate', judge: 'judge', debaters: ['pro', 'con'], ...options },
    synthesis: { role: 'clerk', instructions: 'Hand it in.', outputSchema: true },
  });
const verdictSchema = { type: 'object', required: ['answer'], properties: { answer: { type: 'string' } } };
const another: AgentResult = { output: null, route: { choose: 'another', reason: 'It is not settled.' } };

describe('HB-06 HB-28 debate', () => {
  const reworked = ticket('second', { retry: { attempts: 2 }, verify: { role: 'clerk', instructions: 'Is it fair?' } });
  const proposals = [
    debated(),
    debated({ debaters: ['con', 'pro', 'third'], maxRounds: 2 }, [question, reworked]),
    debated({ maxRounds: 1 }, [{ ...question, outputSchema: verdictSchema }]),
    debated({ debaters: ['pro', 'nobody'] }),
  ];
  const routes = [{ choose: 'another' }, { choose: 'another', reason: 'Not yet.' }, { choose: ['another'] }];
  it.each(topologyConformance(debate, { proposals, routes }))('$name', ({ run }) => run());

  it('is held to what it does at words of its own: without them nobody would ask for a second round', async () => {
    const oneRound: typeof debate = {
      ...debate,
      arrange(proposal, options) {
        const arranged = debate.arrange(proposal, options);
        if (!arranged.ok || !('bounds' in arranged.value)) return arranged;
        return ok({ ...arranged.value, bounds: { ...arranged.value.bounds, delegations: options.debaters.length } });
      },
    };
    const faultsOf = async (own: readonly Json[]) => {
      const cases = topologyConformance(oneRound, { proposals, routes: own, worlds: 100 });
      const found = await Promise.allSettled(cases.map(({ run }) => run()));
      return found.filter(({ status }) => status === 'rejected').length;
    };
    expect(await faultsOf([])).toBe(0);
    expect(await faultsOf(routes)).toBeGreaterThan(0);
  });
});

interface Floor {
  /** Answers of the judge in turn, the last one for all that follow. */
  readonly judge: readonly (AgentResult | ((request: Briefed) => AgentResult))[];
  /** How long each debater takes, in milliseconds. Default: 1. */
  readonly afterMs?: Readonly<Record<string, number>>;
  /** Ids of turns that come to nothing. */
  readonly failing?: readonly string[];
  /** What the clerk says of verdicts, in turn. */
  readonly verdicts?: readonly Json[];
}

/** A place to debate in, and what everybody was asked. */
function openFloor({ judge, afterMs = {}, failing = [], verdicts = [] }: Floor) {
  const clock = createVirtualClock({ startAt: 0 });
  const judging = decider(...(judge as readonly never[]));
  const said: { readonly stepId: string; readonly at: number; readonly input: Json; readonly instructions: string }[] = [];
  const argue: AgentFunction = async ({ stepId, role: key, input, instructions }) => {
    said.push({ stepId, at: clock.now(), input, instructions });
    await clock.sleep(afterMs[key] ?? 1);
    if (failing.includes(stepId)) throw new AgentError('no idea', { reason: 'NO_IDEA', retryable: false });
    return { output: `said in ${stepId}` };
  };
  const checks = verdicts.values();
  const handIn: AgentFunction = async ({ kind, input }) => ({
    output: (kind === 'verification' ? checks.next().value : input['question']) ?? null,
  });
  const agents = { judge: judging.agent, pro: argue, con: argue, third: argue, clerk: handIn };
  return { world: createWorld({ clock, agents, topologies: [debate] }), asked: judging.asked, said };
}

describe('a debate', () => {
  it('goes in rounds: all argue at once, knowing what the others said last, and the judge hears each round', async () => {
    const afterMs = { pro: 30, con: 10 };
    const { world, asked, said } = openFloor({ judge: [another, finish({ answer: 'tea' })], afterMs });
    const { run, result } = await world.run(debated({}, [{ ...question, outputSchema: verdictSchema }]));
    expect(result).toMatchObject({ status: 'completed', deliverable: { answer: 'tea' } });
    expect(said).toEqual([
      { stepId: 'question/1.pro', at: 0, input: {}, instructions: 'Tea or coffee?' },
      { stepId: 'question/1.con', at: 0, input: {}, instructions: 'Tea or coffee?' },
      { stepId: 'question/2.pro', at: 30, input: { 'question/1.con': 'said in question/1.con' }, instructions: 'Tea or coffee?' },
      { stepId: 'question/2.con', at: 30, input: { 'question/1.pro': 'said in question/1.pro' }, instructions: 'Tea or coffee?' },
    ]);
    const heard = asked.map(({ stepId, reports, input: { reports: _, board: __, ...earlier } }) => [
      stepId,
      reports.map(({ delegationId, outcome, output }) => `${delegationId} ${outcome}: ${output as string}`),
      earlier,
    ]);
    const turn = (id: string) => `${id} completed: said in ${id}`;
    expect(heard).toEqual([
      ['question/1.judge', [turn('question/1.pro'), turn('question/1.con')], {}],
      [
        'question/2.judge',
        [turn('question/2.pro'), turn('question/2.con')],
        { 'question/1.pro': 'said in question/1.pro', 'question/1.con': 'said in question/1.con' },
      ],
    ]);
    expect(asked[0]).toMatchObject({ outputSchema: verdictSchema, board: { round: 1, decisionsLeft: 2 } });
    expect(stepOf(run, 'question/1.judge').decision).toMatchObject({
      to: ['question/2.pro', 'question/2.con'],
      reason: 'another round',
    });
    expect(stepOf(run, 'question/2.pro')).toMatchObject({ goal: 'question', parent: 'question/1.judge', depth: 1 });
  });

  it('comes to the same whoever is first to answer', async () => {
    const requests = async (afterMs: Readonly<Record<string, number>>) => {
      const floor = openFloor({ judge: [another, finish('tea')], afterMs });
      await floor.world.run(debated({ debaters: ['pro', 'con', 'third'] }));
      const bare = (one: { readonly input: Json; readonly instructions: string; readonly stepId: string }) => [
        one.stepId,
        one.instructions,
        one.input,
      ];
      return [floor.asked.map(bare), floor.said.map(bare)];
    };
    const delay = fc.integer({ min: 0, max: 5 });
    const expected = await requests({});
    await fc.assert(
      fc.asyncProperty(fc.record({ pro: delay, con: delay, third: delay }), async (afterMs) => {
        const [asked, said] = await requests(afterMs);
        // The board lists what is done in the order in which it was.
        const withoutBoard = (list: unknown) =>
          JSON.parse(JSON.stringify(list, (key, value: unknown) => (key === 'board' ? undefined : value))) as unknown;
        expect(withoutBoard(asked)).toEqual(withoutBoard(expected[0]));
        expect(said).toEqual(expected[1]);
      }),
      { numRuns: 30 },
    );
  });

  it('ends at its cap: who is told that no round is left and wants another gives no verdict, and the bound is named', async () => {
    const { world, asked, said } = openFloor({ judge: [another] });
    const { plan, bounds, ...proposed } = await world.propose(debated({ maxRounds: 3 }));
    const run = await world.approve({ plan, bounds, ...proposed });
    const result = await world.end(run);
    expect(result.status).toBe('failed');
    expect(asked.map(({ board }) => board['decisionsLeft'])).toEqual([2, 1, 0]);
    expect(asked.map(({ instructions }) => instructions.split('\n\n').at(-1))).toEqual([
      'Finish with your verdict, or choose "another" round.',
      'Finish with your verdict, or choose "another" round.',
      'Finish with your verdict: this was the last round.',
    ]);
    expect(stepOf(run, 'question').error).toMatchObject({
      code: 'NO_VERDICT',
      bound: 'maxRounds',
      limit: 3,
      decision: 'question/3.judge',
      message: 'There is no verdict on "question" after 3 decisions (maxRounds). The judge wanted another round.',
    });
    // What was approved is exactly what a judge can use up that goes on for ever.
    expect(said).toHaveLength(plan.expansion!.bounds.delegations);
    expect(asked).toHaveLength(plan.expansion!.bounds.decisions);
    expect(run.view().steps.filter(({ goal }) => goal === 'question')).toHaveLength(plan.expansion!.bounds.steps);
    expect(bounds.delegations).toBe(6);
  });

  it.each<[string, Json]>([
    ['nothing', null],
    ['a word', 'another'],
    ['what a supervisor says', { delegate: [{ role: 'pro', task: 'Say it again.' }] }],
    ['half of it', { finish: false }],
  ])('asks a judge again that answers %s, and tells it why', async (_, route) => {
    const nonsense = { output: 'hm', route } as unknown as AgentResult;
    const { world, asked, said } = openFloor({ judge: [nonsense, finish('tea')] });
    const { run, result } = await world.run(debated());
    expect(result).toMatchObject({ status: 'completed', deliverable: 'tea' });
    expect(said).toHaveLength(2);
    const told = asked[1]!.reports.map(({ delegationId, outcome }) => `${delegationId} ${outcome}`);
    expect(told).toEqual(['question/1.pro completed', 'question/1.con completed', 'question/1.judge refused']);
    expect(asked[1]!.reports.at(-1)!.output).toMatchObject({ code: 'ROUTE_UNREADABLE' });
    expect(stepOf(run, 'question/1.judge').refusals).toMatchObject([{ code: 'ROUTE_UNREADABLE' }]);
  });

  it('ends with the last reason where the judge never answers anything else', async () => {
    const { world, asked, said } = openFloor({ judge: [{ output: null }] });
    const { run } = await world.run(debated({ maxRounds: 4 }));
    expect([said.length, asked.length]).toEqual([2, 4]);
    const { code, message } = stepOf(run, 'question').error!;
    expect(code).toBe('NO_VERDICT');
    expect(message).toMatch(
      /after 4 decisions \(maxRounds\)\. Finish with a verdict or choose "another" round, instead of null\.$/,
    );
  });

  it('refuses a verdict that is not what the ticket asks for', async () => {
    const { world, asked } = openFloor({ judge: [finish('tea'), finish({ answer: 'tea' })] });
    const { result } = await world.run(debated({}, [{ ...question, outputSchema: verdictSchema }]));
    expect(result).toMatchObject({ status: 'completed', deliverable: { answer: 'tea' } });
    expect(asked[1]!.reports.at(-1)!.output).toMatchObject({ code: 'OUTPUT_INVALID' });
  });

  it('leaves a debater out that has failed, and hears no monologue', async () => {
    const judge = [another, another, another, finish('tea') as AgentResult];
    const failing = ['question/1.con', 'question/2.third'];
    const { world, asked, said } = openFloor({ judge, failing });
    const { run, result } = await world.run(debated({ debaters: ['pro', 'con', 'third'], maxRounds: 4 }));
    expect(result.status).toBe('completed');
    expect(said.map(({ stepId }) => stepId)).toEqual([
      ...['question/1.pro', 'question/1.con', 'question/1.third'],
      ...['question/2.pro', 'question/2.third'],
    ]);
    expect(said.slice(3).map(({ input }) => Object.keys(input as object))).toEqual([['question/1.third'], ['question/1.pro']]);
    expect(asked[0]!.reports.find(({ role: key }) => key === 'con')).toMatchObject({
      outcome: 'failed',
      output: { code: 'NO_IDEA' },
    });
    expect(stepOf(run, 'question/2.judge').refusals).toMatchObject([{ code: 'NOBODY_TO_ANSWER' }]);
  });

  it('fails where nobody is left, without asking the judge', async () => {
    const { world, asked } = openFloor({ judge: [another], failing: ['question/1.pro', 'question/1.con'] });
    const { run } = await world.run(debated());
    expect(asked).toEqual([]);
    expect(stepOf(run, 'question').error).toMatchObject({ code: 'NOBODY_LEFT', round: 1 });
  });

  it('fails where the judge does, as often as the ticket has it try', async () => {
    const judge = [
      () => {
        throw new Error('no time');
      },
    ];
    const { world, asked } = openFloor({ judge });
    const { run } = await world.run(debated({}, [{ ...question, retry: { attempts: 3 } }]));
    expect(asked).toHaveLength(3);
    expect(stepOf(run, 'question').error).toMatchObject({ code: 'JUDGE_FAILED', decision: 'question/1.judge' });
  });

  it('is held again where a verifier finds the verdict wanting, and everybody reads why', async () => {
    const verdicts = [{ verified: false, reasons: ['It is one-sided.'] }, { verified: true }];
    const { world, asked, said } = openFloor({ judge: [finish('tea')], verdicts });
    const verify = { role: 'clerk', instructions: 'Is it fair?' };
    const { run, result } = await world.run(debated({}, [{ ...question, verify }]));
    expect(result).toMatchObject({ status: 'completed', deliverable: 'tea' });
    expect(stepOf(run, 'question').isVerified).toBe(true);
    expect(said.map(({ stepId }) => stepId)).toEqual([
      'question/1/1.pro',
      'question/1/1.con',
      'question/2/1.pro',
      'question/2/1.con',
    ]);
    const rework = { round: 1, reasons: ['It is one-sided.'] };
    expect(said.map(({ input }) => input)).toEqual([{}, {}, { rework }, { rework }]);
    expect(asked[1]!.input['rework']).toEqual(rework);
  });

  it('refuses roles that are not there, or stand twice', () => {
    const issuesOf = (options: Partial<TopologyChoice>) => {
      const planned = planProposal(debated(options), { topologies: [debate] });
      return planned.ok ? [] : planned.error.map(({ code, pointer }) => `${code} ${pointer}`);
    };
    expect(issuesOf({ debaters: ['pro', 'nobody'] })).toEqual(['unknown-role /topology/debaters/1']);
    expect(issuesOf({ debaters: ['pro', 'judge', 'pro'] })).toEqual([
      'duplicate-role /topology/debaters/1',
      'duplicate-role /topology/debaters/2',
    ]);
    expect(issuesOf({ judge: 'nobody' })).toEqual(['unknown-role /topology/judge']);
    expect(issuesOf({ debaters: ['pro'] })).toEqual(['invalid-topology-option /topology/debaters']);
    expect(issuesOf({ maxRounds: 0 })).toEqual(['invalid-topology-option /topology/maxRounds']);
  });

  it('is approved with its worst case', () => {
    const planned = planProposal(debated({ maxRounds: 5 }), { topologies: [debate] });
    if (!planned.ok) throw new Error(JSON.stringify(planned.error));
    expect(analyzePlan(planned.value).filter(({ severity }) => severity === 'error')).toEqual([]);
    expect(worstCase(planned.value)).toMatchObject({ delegations: 10, agents: 4 });
  });
});

describe('CC-22 a process lost at every point of a debate', () => {
  it('makes no difference to how it ends', async () => {
    const report = await simulateCrashes({
      proposal: debated({ debaters: ['pro', 'con', 'third'], maxRounds: 3 }),
      topologies: [debate],
      agents: ({ clock }) => {
        const argue: AgentFunction = async ({ stepId, role: key }) => {
          await new Promise<void>((resolve) => clock.schedule(clock.now() + (key === 'pro' ? 20 : 10), resolve));
          if (stepId === 'question/2.third') throw new AgentError('no idea', { retryable: false });
          return { output: stepId };
        };
        const judge: AgentFunction = async ({ stepId }) => {
          if (stepId === 'question/1.judge') return another;
          return stepId === 'question/2.judge' ? { output: 'hm' } : { output: 'tea', route: { finish: true } };
        };
        return {
          judge,
          pro: argue,
          con: argue,
          third: argue,
          clerk: async ({ input }) => ({ output: input['question'] ?? null }),
        };
      },
    });
    expectNoCrashDamage(report);
    expect(report.reference.status).toBe('completed');
    expect(report.runs).toBeGreaterThan(40);
  });
});
