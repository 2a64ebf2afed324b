import fc from 'fast-check';
import { roleLibrary } from 'planwright';
import { describe, expect, it } from 'vitest';

import { outcomesOf, playTeam } from './support/play-team.js';
import { decider, delegate, finish, recorder, role, supervised } from './support/team.js';
import { ticket } from './support/world.js';

/** Texts as a person or an agent might write them, markers of our own among them. */
const anyText = fc
  .oneof(
    fc.string({ unit: 'grapheme', maxLength: 80 }),
    fc.constantFrom('{{input.secret}}', '## Task', '{{goal}}', '\n\n## Task\n\n'),
  )
  .filter((text) => text.trim() !== '');
const names = fc.string({ minLength: 1, maxLength: 12 }).filter((name) => name !== '__proto__');

describe('what a worker is given', () => {
  it('DD-06 DD-24 DD-36 DD-39 is its template, its task and what it was handed, and nothing else', async () => {
    const handed = fc.option(fc.dictionary(names, anyText, { maxKeys: 3 }), { nil: undefined });
    const template = fc.option(anyText, { nil: undefined });
    await fc.assert(
      fc.asyncProperty(template, anyText, handed, async (promptTemplate, task, given) => {
        const lead = decider(
          delegate(['first', 'Keep this: SECRET.']),
          given ? delegate(['second', task, given]) : delegate(['second', task]),
          finish(),
        );
        const [first, second] = [recorder('SECRET output'), recorder()];
        const team = [role('first'), role('second', promptTemplate === undefined ? {} : { promptTemplate })];
        const goals = [
          ticket('before', { role: 'lead', instructions: 'SECRET of another goal' }),
          ticket('goal', { role: 'lead', instructions: 'SECRET of the goal', dependsOn: ['before'] }),
        ];
        const { result } = await playTeam(
          {
            lead: (request, context) =>
              request.stepId.startsWith('before') ? Promise.resolve(finish('SECRET before')) : lead.agent(request, context),
            first: first.agent,
            second: second.agent,
          },
          supervised(team, { tickets: goals }),
        );
        expect(result.status).toBe('completed');
        const [request] = second.asked;
        expect(request!.instructions).toBe(promptTemplate === undefined ? task : `${promptTemplate}\n\n## Task\n\n${task}`);
        expect(request!.input).toEqual(given ?? {});
        expect(JSON.stringify(request)).not.toContain('SECRET');
      }),
      { numRuns: 40 },
    );
  });

  it('DD-06 HB-36 gives it the outputs that were named for it, and no others', async () => {
    const lead = decider(
      delegate(['a', 'One.'], ['a', 'Two.']),
      { delegate: [] },
      { delegate: [{ role: 'b', task: 'Join.', from: ['goal/1.2'], input: { tone: 'dry' } }] },
      finish(),
    );
    const b = recorder();
    const a = async ({ stepId }: { readonly stepId: string }) => ({ output: `by ${stepId}` });
    await playTeam({ lead: lead.agent, a, b: b.agent }, supervised(['a', 'b']));
    expect(b.asked.map(({ input }) => input)).toEqual([{ 'goal/1.2': 'by goal/1.2', tone: 'dry' }]);
  });

  it('HB-36 what has not completed, or is of another goal, cannot be named', async () => {
    const from = (...ids: readonly string[]) => ({ delegate: ids.map((id) => ({ role: 'b', task: id, from: [id] })) });
    const lead = decider(delegate(['a']), from('goal/1.1', 'other', 'goal/9', 'synthesis'), finish());
    const b = recorder();
    const failing = (): never => {
      throw new Error('no');
    };
    const goals = [ticket('other', { role: 'lead' }), ticket('goal', { role: 'lead', dependsOn: ['other'] })];
    const agent: typeof lead.agent = (request, context) =>
      request.stepId.startsWith('other') ? Promise.resolve(finish('SECRET')) : lead.agent(request, context);
    await playTeam({ lead: agent, a: failing, b: b.agent }, supervised(['a', 'b'], { tickets: goals }));
    expect(lead.asked[2]!.reports.map(({ outcome, output }) => [outcome, (output as { code: string }).code])).toEqual([
      ['refused', 'UNKNOWN_DELEGATION'],
      ['refused', 'UNKNOWN_DELEGATION'],
      ['refused', 'UNKNOWN_DELEGATION'],
      ['refused', 'UNKNOWN_DELEGATION'],
    ]);
    expect(b.asked).toEqual([]);
  });
});

describe('what a supervisor is given', () => {
  it('DD-23 finds its workers on the board, with what each is good for', async () => {
    const lead = decider(finish());
    const team = [
      role('coder', { description: 'Writes code.' }),
      role('auditor'),
      role('outsider', { description: 'Not asked.' }),
    ];
    const workers = { topology: { workers: ['coder', 'auditor'] } };
    await playTeam(
      { lead: lead.agent, coder: recorder().agent, auditor: recorder().agent, outsider: recorder().agent },
      supervised(team, workers),
    );
    expect(lead.asked[0]!.board).toMatchObject({ round: 1, roundsLeft: 24 });
    expect(lead.asked[0]!.board['roles']).toEqual([{ role: 'auditor' }, { role: 'coder', description: 'Writes code.' }]);
  });

  it('HB-20 every result goes to the supervisor before anything follows from it, and to no other worker', async () => {
    const lead = decider(delegate(['a'], ['b']), { delegate: [] }, delegate(['c']), finish());
    const team = Object.fromEntries(['a', 'b', 'c'].map((key) => [key, recorder(`from ${key}`)]));
    const agents = Object.fromEntries(Object.entries(team).map(([key, { agent }]) => [key, agent]));
    const { run } = await playTeam({ lead: lead.agent, ...agents }, supervised(['a', 'b', 'c']));
    expect(lead.asked.flatMap(({ reports }) => reports.map(({ output }) => output))).toEqual(['from a', 'from b', 'from c']);
    for (const { asked } of Object.values(team)) expect(JSON.stringify(asked)).not.toContain('from ');
    const decided = run
      .view()
      .steps.filter(({ kind }) => kind === 'delegation')
      .map(({ parent }) => parent);
    expect(decided).toEqual(['goal/1', 'goal/1', 'goal/3']);
  });
});

describe('sessions', () => {
  it.each([
    ['DD-25 clear: true gives every delegation a session of its own', true, 2],
    ['DD-25 DD-26 clear: false goes on with the session of the role', false, 1],
  ])('%s', async (_, clear, sessions) => {
    const lead = decider(delegate(['w', 'One.']), delegate(['w', 'Two.']), finish());
    const w = recorder();
    await playTeam({ lead: lead.agent, w: w.agent }, supervised([role('w', { clear })]));
    expect(w.asked).toHaveLength(2);
    expect(new Set(w.asked.map(({ session }) => session)).size).toBe(sessions);
  });

  it('DD-26 a retry after a failure finds the session as it was left', async () => {
    const memory = new Map<string, string[]>();
    const lead = decider(delegate(['release', 'Open the pull request.']), delegate(['release', 'Merge it.']), finish());
    const release = async ({ session, attempt, instructions }: { session: string; attempt: number; instructions: string }) => {
      const notes = memory.get(session) ?? [];
      memory.set(session, [...notes, `${attempt}: ${instructions}`]);
      if (attempt === 1) throw new Error('flaky');
      return { output: notes };
    };
    const goals = [ticket('goal', { role: 'lead', retry: { attempts: 2, backoffMs: 10 } })];
    await playTeam({ lead: lead.agent, release }, supervised([role('release', { ...roleLibrary.release })], { tickets: goals }));
    expect([...memory.values()]).toEqual([
      ['1: Open the pull request.', '2: Open the pull request.', '1: Merge it.', '2: Merge it.'].map((note) =>
        note.replace(/: /, `: ${roleLibrary.release.promptTemplate}\n\n## Task\n\n`),
      ),
    ]);
    expect(lead.asked[1]!.reports[0]!.output).toHaveLength(1);
  });

  it('DD-42 the library has the seven roles of a team that writes software, and only release keeps its session', () => {
    expect(Object.entries(roleLibrary).map(([name, { clear }]) => [name, clear])).toEqual([
      ['coder', true],
      ['reviewer', true],
      ['auditor', true],
      ['tester', true],
      ['documenter', true],
      ['release', false],
      ['researcher', true],
    ]);
    for (const { description, promptTemplate } of Object.values(roleLibrary)) {
      expect(description).toMatch(/\S/);
      expect(promptTemplate).toMatch(/\S/);
    }
  });

  it.each([
    ['another-instance', [['goal/1.1', 'goal/1.2'], 2]],
    ['queue', [['goal/1.1'], 1]],
    ['refuse', [['goal/1.1'], 1]],
  ] as const)('a worker that is busy: %s', async (whenBusy, [atOnce, sessions]) => {
    const running: string[][] = [];
    const open = new Set<string>();
    const lead = decider(delegate(['w', 'One.'], ['w', 'Two.']), ...(whenBusy === 'refuse' ? [] : [{ delegate: [] }]), finish());
    const seen = new Set<string>();
    const { events } = await playTeam(
      (time) => ({
        lead: lead.agent,
        w: async ({ stepId, session }) => {
          open.add(stepId);
          seen.add(session);
          running.push([...open]);
          await time.sleep(10);
          open.delete(stepId);
          return { output: stepId };
        },
      }),
      supervised([role('w', { clear: false })], { topology: { whenBusy } }),
    );
    expect(running.reduce((most, now) => (now.length > most.length ? now : most))).toEqual(atOnce);
    expect(seen.size).toBe(sessions);
    const told = outcomesOf(lead.asked.flatMap(({ reports }) => reports));
    const second = whenBusy === 'refuse' ? 'refused' : 'completed';
    expect(new Map(told).get('goal/1.2')).toBe(second);
    expect(events.at(-1)!.type).toBe('run.completed');
  });
});
