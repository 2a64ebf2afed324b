import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, describe, expect, it } from 'vitest';

import { createOrchestrator } from 'planwright';
import { createVirtualClock } from 'planwright/testing';

import { ada } from '../running/support/world.js';
import { goldenStores, heldBy, leftAt } from './support/golden-stores.js';
import { agentOf, scenarios } from './support/scenarios.js';

const root = join(import.meta.dirname, 'stores');
const folder = mkdtempSync(join(tmpdir(), 'planwright-golden-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each(readdirSync(root))('what version %s has stored', (version) => {
  it.each(readdirSync(join(root, version)))('CC-21: in %s, goes on from where it was left', async (name) => {
    const copy = join(folder, version, name);
    cpSync(join(root, version, name), copy, { recursive: true });
    const store = goldenStores[name]!(copy);
    const clock = createVirtualClock({ startAt: leftAt + 60_000 });
    const agents = { worker: agentOf({ isFirst: false }) };
    const orchestrator = createOrchestrator({ store: heldBy(clock, store), clock, agents, owner: 'golden' });
    const taken = await clock.runUntil(orchestrator.recover());
    const open = scenarios.filter(({ status }) => status !== 'proposed');
    expect(taken.map(({ runId }) => runId).sort()).toEqual(open.map((scenario) => scenario.name).sort());
    for (const scenario of scenarios) {
      const run = await clock.runUntil(orchestrator.run(scenario.name));
      if (scenario.status === 'proposed') {
        const { digest, revision } = run.view();
        const approved = await orchestrator.approve(scenario.name, { digest, revision, approvedBy: ada });
        expect(await clock.runUntil(approved.result())).toMatchObject({ status: 'completed' });
        continue;
      }
      await clock.advanceAsync(0);
      await scenario.goOn?.(run);
      expect(await clock.runUntil(run.result())).toMatchObject({ status: scenario.status });
      const steps = run.view().steps.map(({ id, status }) => [id, status]);
      expect(Object.fromEntries(steps)).toEqual(scenario.steps);
    }
    await clock.runUntil(orchestrator.close());
    await store.close();
  });
});
