import { type Artifact, type ArtifactStore, canonicalJson, createOrchestrator, isArtifactRef, type Json } from 'planwright';
import { createFileArtifacts } from 'planwright/storage/file-artifacts';
import { createFileStore } from 'planwright/storage/file';
import { createMemoryArtifacts } from 'planwright/storage/memory-artifacts';
import { type CrashAgents, type CrashLife, expectNoCrashDamage, proposalOf, simulateCrashes } from 'planwright/testing';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';

import { role } from '../running/support/team.js';
import { ada, stepOf, ticket } from '../running/support/world.js';

const made = { pages: Array.from({ length: 2_000 }, (_, page) => `This is page ${page} of a long report.`) };

const proposal = proposalOf(
  [
    ticket('a', { role: 'maker' }),
    ticket('b', { role: 'maker', effect: 'once' }),
    ticket('c', { role: 'reader', dependsOn: ['a', 'b'] }),
  ],
  {
    roles: [role('maker'), role('reader')],
    synthesis: { role: 'reader', instructions: 'Put it together.', outputSchema: true },
  },
);

/** A store that says what was put, and how often. */
function countingStore(): { readonly store: ArtifactStore; readonly puts: Artifact[] } {
  const { put, ...rest } = createMemoryArtifacts();
  const puts: Artifact[] = [];
  return { puts, store: { ...rest, put: (artifact) => (puts.push(artifact), put(artifact)) } };
}

it('DX-06 DD-52 survives a crash at every point: what is put again is the same artifact, one success is on record, and no reference leads nowhere', async () => {
  const { store, puts } = countingStore();
  const wrong: Json[] = [];
  const agents = ({ effects }: CrashLife): CrashAgents => ({
    maker: async ({ stepId, idempotencyKey }) => {
      const output = { stepId, ...made };
      await effects.apply(idempotencyKey, output);
      return { output };
    },
    reader: async ({ stepId, input }, context) => {
      if (stepId !== 'c') return { output: 'done' };
      for (const source of ['a', 'b']) {
        const given = input[source] ?? null;
        // Of a step in doubt, a person may say what it made; that stays as it was said.
        const value = source === 'b' && !isArtifactRef(given) ? given : await context.artifact(given);
        if (canonicalJson(value) !== canonicalJson({ stepId: source, ...made })) wrong.push(value);
      }
      return { output: 'read' };
    },
  });
  const report = await simulateCrashes({ proposal, agents, orchestrator: { artifacts: { store, thresholdBytes: 1_000 } } });
  expectNoCrashDamage(report);
  expect([report.reference.status, report.lostResults, report.keysAppliedTwice, wrong.length]).toEqual(['completed', 0, 0, 0]);
  expect(new Set(puts.map(({ address }) => address)).size).toBe(2);
  // Once for each simulated run and the one without a crash, and again where an attempt's end was lost with its process.
  const putsOfA = puts.filter(({ content }) => content.includes('"stepId":"a"'));
  expect(putsOfA.length).toBeGreaterThan(report.runs + 1);
});

it('DD-52 lets another process read what the one before put away', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'artifacts-'));
  const open = () => {
    const store = createFileStore({ directory: join(folder, 'runs') });
    const artifacts = { store: createFileArtifacts({ directory: join(folder, 'artifacts') }) };
    const agents = {
      maker: async () => ({ output: made }),
      reader: async ({ input }: { readonly input: Readonly<Record<string, Json>> }) => ({
        output: Object.values(input).map(isArtifactRef),
      }),
    };
    return { store, orchestrator: createOrchestrator({ store, artifacts, agents }) };
  };
  const first = open();
  const { runId, revision, digest } = await first.orchestrator.propose(proposal);
  const run = await first.orchestrator.approve(runId, { revision, digest, approvedBy: ada });
  expect(await run.result()).toMatchObject({ status: 'completed' });
  await first.orchestrator.close();
  await first.store.close();
  const second = open();
  const again = await second.orchestrator.run(runId);
  expect(stepOf(again, 'c').output).toEqual([true, true]);
  expect(await second.orchestrator.artifact(runId, stepOf(again, 'a').output ?? null)).toEqual(made);
  await second.orchestrator.close();
  await second.store.close();
  rmSync(folder, { recursive: true, force: true });
});
