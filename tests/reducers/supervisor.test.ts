import { parseProposal, planProposal, type Json } from 'planwright';
import { topologyConformance } from 'planwright/testing';
import { supervisorWorker } from 'planwright/topologies';
import { describe, expect, it } from 'vitest';

import { decider, delegate, finish, supervised, wait } from '../running/support/team.js';
import { createWorld, rejectionOf, stepOf } from '../running/support/world.js';

const clerk = async () => ({ output: 'done' });
const proposal = (reducer?: string) => supervised(['x', 'y'], { topology: reducer === undefined ? {} : { reducer } });

async function runWith(
  lead: ReturnType<typeof decider>,
  { slow = 'x', output }: { slow?: string; output: (role: string) => Json },
) {
  const worker = (role: string) => async () => {
    const afterMs = role === slow ? 100 : 1;
    await new Promise<void>((resolve) => void world.clock.schedule(world.clock.now() + afterMs, resolve));
    return { output: output(role) };
  };
  const world = createWorld({ agents: { lead: lead.agent, x: worker('x'), y: worker('y'), clerk } });
  return world.run(proposal('merge'));
}

describe('a supervisor with a reducer', () => {
  it('HB-15 HB-20 is given what the reports of one decision come to, beside each, once all are there', async () => {
    for (const slow of ['x', 'y']) {
      const lead = decider(delegate(['x'], ['y']), wait, finish('all'));
      const { run, result } = await runWith(lead, { slow, output: (role) => ({ from: role, [role]: 1 }) });
      expect(result.status).toBe('completed');
      const [, second, third] = lead.asked;
      const fast = slow === 'x' ? 'y' : 'x';
      expect(second?.reports.map(({ role }) => role)).toEqual([fast]);
      expect(third?.reports).toMatchObject([
        { role: slow, outcome: 'completed' },
        { delegationId: 'goal/1.joined', role: '', outcome: 'completed', output: { from: 'x', x: 1, y: 1 } },
      ]);
      expect(third?.board.inProgress).toEqual([]);
      expect(stepOf(run, 'goal/1.joined')).toMatchObject({ kind: 'reduce', parent: 'goal/1', attempts: 1 });
      expect(stepOf(run, 'goal/1.joined').conflicts).toMatchObject([
        { pointer: '/from', values: [{ value: 'x' }, { value: 'y' }] },
      ]);
    }
  });

  it('joins nothing of one delegation, and is told where a join comes to nothing', async () => {
    const alone = decider(delegate(['x']), finish());
    const { run } = await runWith(alone, { output: () => 1 });
    expect(run.view().steps.some(({ kind }) => kind === 'reduce')).toBe(false);
    const lead = decider(delegate(['x'], ['nobody'], ['y']), wait, finish());
    const world = createWorld({
      agents: { lead: lead.agent, x: async () => ({ output: 'a' }), y: async () => ({ output: 1 }), clerk },
    });
    const { result } = await world.run(proposal('sum'));
    expect(result.status).toBe('completed');
    expect(
      lead.asked.flatMap(({ reports }) => reports).find(({ delegationId }) => delegationId === 'goal/1.joined'),
    ).toMatchObject({
      outcome: 'failed',
      output: { code: 'REDUCER_FAILED' },
    });
  });

  it('has a reducer that there is, and a plan as before where it has none', async () => {
    expect(await rejectionOf(createWorld().propose(proposal('last')))).toMatchObject({
      issues: [{ code: 'unknown-reducer', pointer: '/topology/reducer' }],
    });
    expect(await rejectionOf(createWorld().propose(proposal('custom:mine')))).toMatchObject({
      issues: [{ code: 'unknown-reducer' }],
    });
    const parsed = parseProposal(proposal());
    const plan = parsed.ok ? planProposal(parsed.value) : parsed;
    expect(plan.ok && JSON.stringify(plan.value)).not.toContain('reducer');
  });

  it.each(topologyConformance(supervisorWorker, { proposals: [proposal('merge'), proposal('majority')], worlds: 300 }))(
    'HB-28 $name',
    ({ run }) => run(),
  );
});
