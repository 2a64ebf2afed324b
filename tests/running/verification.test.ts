import fc from 'fast-check';
import { type AgentFunction, type AgentRequest, fence, type Json, type VerificationSpec } from 'planwright';
import { describe, expect, it } from 'vitest';

import { playTeam, startedIn } from './support/play-team.js';
import { decider, delegate, finish, recorder, role, supervised } from './support/team.js';
import { stepOf, ticket, tickets } from './support/world.js';

const check: VerificationSpec = { role: 'checker', instructions: 'Is {{input.result}} right?' };
const team = { roles: [role('worker'), role('checker'), role('clerk')] };
const synthesis = { role: 'clerk', instructions: 'Put it together.', outputSchema: true } as const;

const no = (...reasons: readonly string[]) => ({ verified: false, reasons: [...reasons] });
const yes = { verified: true };

/** Says these things in turn, the last for all that follow, and remembers what it was asked. */
function saying(...outputs: readonly unknown[]) {
  const { asked, agent: note } = recorder();
  const agent: AgentFunction = async (request, context) => {
    await note(request, context);
    return { output: outputs[Math.min(asked.length, outputs.length) - 1] as Json };
  };
  return { asked, agent };
}
const attempts = (worker: readonly AgentRequest[]) => worker.map(({ input }) => [input['previous'], input['rework']]);

describe('a ticket that is verified', () => {
  const input = (spec: Partial<VerificationSpec> = {}) =>
    tickets([ticket('a', { verify: { ...check, ...spec } }), ticket('b', { dependsOn: ['a'] })], { ...team, synthesis });

  it('HB-17 is released when it passes: what depends on it gets what was made, and nothing of the verdict', async () => {
    const [worker, checker] = [saying('draft', 'b'), saying(yes)];
    const { run, result, events } = await playTeam({ worker: worker.agent, checker: checker.agent }, input());
    expect(startedIn(events)).toEqual(['a', 'a/1', 'a/1.check', 'b', 'synthesis']);
    const instructions = `Is \n${fence('draft', 'result')}\n right?`;
    expect(checker.asked).toMatchObject([{ kind: 'verification', instructions, input: { result: 'draft' } }]);
    expect(worker.asked[1]).toMatchObject({ stepId: 'b', input: { a: 'draft' } });
    expect(stepOf(run, 'a')).toMatchObject({ status: 'succeeded', output: 'draft', isVerified: true });
    expect(result.deliverable).toEqual({ a: 'draft', b: 'b', gaps: [] });
  });

  it.each([1, 2])('HB-17 is done again with what was wrong, %i times', async (reworks) => {
    const verdicts = [...Array.from({ length: reworks }, (_, nth) => no(`fault ${nth}`)), yes];
    const worker = saying('v1', 'v2', 'v3', 'b');
    const { run } = await playTeam({ worker: worker.agent, checker: saying(...verdicts).agent }, input());
    const own = worker.asked.filter(({ stepId }) => stepId.startsWith('a/'));
    expect(attempts(own)).toEqual([
      [undefined, undefined],
      ...Array.from({ length: reworks }, (_, nth) => [`v${nth + 1}`, { round: nth + 1, reasons: [`fault ${nth}`] }]),
    ]);
    expect(stepOf(run, 'a')).toMatchObject({ output: `v${reworks + 1}`, isVerified: true });
  });

  it.each([0, 1, 3])('HB-17 fails by its cap of %i reworks, and nothing of it is released', async (maxReworks) => {
    const worker = saying('SECRET');
    const { run, result } = await playTeam(
      { worker: worker.agent, checker: saying(no('still wrong')).agent },
      input({ maxReworks }),
    );
    expect(worker.asked).toHaveLength(maxReworks + 1);
    const { status, error } = stepOf(run, 'a');
    expect([status, error]).toMatchObject([
      'failed',
      { code: 'VERIFICATION_FAILED', bound: 'maxReworks', limit: maxReworks, reasons: ['still wrong'] },
    ]);
    expect(error).toMatchObject({ decision: `a/${maxReworks + 1}.check` });
    expect(stepOf(run, 'b').status).toBe('skipped');
    expect(result.status).toBe('failed');
    expect(JSON.stringify(result)).not.toContain('SECRET');
  });

  it('HB-17 is not released where the verifier itself fails, or talks of something else', async () => {
    const broken: AgentFunction = () => Promise.reject(new Error('no verifier today'));
    const odd = [saying({ verified: 'yes' }).agent, saying('fine').agent, saying(null).agent, saying({}).agent];
    for (const checker of [broken, ...odd]) {
      const { run } = await playTeam({ worker: saying('draft').agent, checker }, input());
      expect(stepOf(run, 'a')).toMatchObject({ status: 'failed', error: { code: 'VERIFIER_FAILED', stepId: 'a/1.check' } });
    }
  });

  it('HB-17 is not checked where it was not made', async () => {
    const checker = saying(yes);
    const { run } = await playTeam({ worker: () => Promise.reject(new Error('broken')), checker: checker.agent }, input());
    expect(checker.asked).toEqual([]);
    expect(stepOf(run, 'a')).toMatchObject({ status: 'failed', error: { message: 'broken' } });
  });

  it('HB-17 law: it is released with the first verdict that is positive, and never otherwise', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.boolean(), { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 0, max: 4 }),
        async (verdicts, maxReworks) => {
          const said = [...verdicts.map((verified) => ({ verified })), { verified: false }];
          const made = saying('v1', 'v2', 'v3', 'v4', 'v5', 'v6', 'v7');
          const { run } = await playTeam({ worker: made.agent, checker: saying(...said).agent }, input({ maxReworks }));
          const passes = verdicts.slice(0, maxReworks + 1).indexOf(true);
          const { status, output } = stepOf(run, 'a');
          expect([status, output]).toEqual(passes < 0 ? ['failed', undefined] : ['succeeded', `v${passes + 1}`]);
        },
      ),
      { numRuns: 30 },
    );
  });
});

describe('what is verified elsewhere', () => {
  it('HB-17 a supervisor finishes, its result is checked, and it begins again with what was wrong', async () => {
    const lead = decider(delegate(['coder']), finish('v1'), ({ input }) => finish(`v2 for ${JSON.stringify(input['rework'])}`));
    const goals = [ticket('goal', { role: 'lead', verify: check })];
    const { run, result } = await playTeam(
      { lead: lead.agent, coder: saying('code').agent, checker: saying(no('too short'), yes).agent },
      supervised(['coder', role('checker')], { topology: { workers: ['coder'] }, tickets: goals }),
    );
    expect(result.deliverable).toMatchObject({ goal: 'v2 for {"round":1,"reasons":["too short"]}' });
    expect(stepOf(run, 'goal')).toMatchObject({ isVerified: true, status: 'succeeded' });
    // Rounds of the first time do not count against the second.
    expect(lead.asked[2]!.board).toMatchObject({ round: 1, done: [] });
  });

  it('HB-17 a deliverable is released only when it passes; else the run fails', async () => {
    const only = (verify: VerificationSpec) => tickets(['a'], { ...team, synthesis: { ...synthesis, verify } });
    const good = await playTeam({ clerk: saying('v1', 'v2').agent, checker: saying(no(), yes).agent }, only(check));
    expect(good.result).toMatchObject({ status: 'completed', deliverable: 'v2', isVerified: true });
    const bad = await playTeam(
      { clerk: saying('v1').agent, checker: saying(no('bad')).agent },
      only({ ...check, maxReworks: 1 }),
    );
    expect(bad.result).toMatchObject({ status: 'failed', reason: 'synthesis_failed', error: { code: 'VERIFICATION_FAILED' } });
    expect(bad.result.deliverable).toBeUndefined();
  });

  it('HB-53 what is completed, and what of that is verified, are counted apart', async () => {
    const given = [
      ticket('plain'),
      ticket('checked', { verify: check }),
      ticket('refused', { verify: { ...check, maxReworks: 0 } }),
    ];
    const checker: AgentFunction = async ({ stepId }) => ({ output: { verified: stepId.startsWith('checked') } });
    const { run, result } = await playTeam({ worker: saying('x').agent, checker }, tickets(given, { ...team, synthesis }));
    expect(run.view().tickets).toMatchObject({ total: 3, succeeded: 2, verified: 1, failed: 1 });
    expect(result).toMatchObject({ status: 'completed', isVerified: false });
    expect(stepOf(run, 'plain').isVerified).toBeUndefined();
  });
});
