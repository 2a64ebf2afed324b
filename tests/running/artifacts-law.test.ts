import { canonicalJson, isArtifactRef, type Json } from 'planwright';
import { createMemoryArtifacts } from 'planwright/storage/memory-artifacts';
import fc from 'fast-check';
import { expect, it } from 'vitest';

import { role } from './support/team.js';
import { createWorld, ticket, tickets } from './support/world.js';

const values = fc
  .jsonValue({ maxDepth: 3 })
  .filter(isCanonical)
  .map((value) => value as Json);

function isCanonical(value: unknown): boolean {
  try {
    canonicalJson(value);
    return true;
  } catch {
    return false;
  }
}

it('gives who depends on a step exactly what it made, whatever that is and wherever it lies', async () => {
  await fc.assert(
    fc.asyncProperty(values, fc.nat({ max: 60 }), async (made, thresholdBytes) => {
      let seen: { readonly isRef: boolean; readonly value: Json } | undefined;
      const world = createWorld({
        artifacts: { store: createMemoryArtifacts(), thresholdBytes },
        agents: {
          maker: async () => ({ output: made }),
          reader: async ({ stepId, input }, context) => {
            const given = input['a'] ?? null;
            const isRef = isArtifactRef(given);
            if (stepId === 'b') seen = { isRef, value: isRef ? await context.artifact(given) : given };
            return { output: null };
          },
        },
      });
      await world.run(
        tickets([ticket('a', { role: 'maker' }), ticket('b', { role: 'reader', dependsOn: ['a'] })], {
          roles: [role('maker'), role('reader')],
          synthesis: { role: 'reader', instructions: 'End.', outputSchema: true },
        }),
      );
      const text = canonicalJson(made);
      expect(seen && canonicalJson(seen.value)).toBe(text);
      expect(seen?.isRef).toBe(Buffer.byteLength(text) > thresholdBytes);
    }),
    { numRuns: 150 },
  );
});

it('DD-51 keeps two hundred runs of equal names apart in one store: each reads its own, and none reads another', async () => {
  const store = createMemoryArtifacts();
  const mixed: string[] = [];
  let reads = 0;
  const world = createWorld({
    artifacts: { store, thresholdBytes: 100 },
    agents: {
      maker: async ({ runId }) => ({ output: `made by ${runId} `.repeat(20) }),
      reader: async ({ runId, stepId, input }, context) => {
        if (stepId !== 'b') return { output: null };
        const value = await context.artifact(input['a'] ?? null);
        reads += 1;
        if (value !== `made by ${runId} `.repeat(20)) mixed.push(runId);
        return { output: null };
      },
    },
  });
  const proposal = tickets([ticket('a', { role: 'maker' }), ticket('b', { role: 'reader', dependsOn: ['a'] })], {
    roles: [role('maker'), role('reader')],
    synthesis: { role: 'reader', instructions: 'End.', outputSchema: true },
  });
  const runs = await Promise.all(Array.from({ length: 200 }, () => world.start(proposal)));
  await Promise.all(runs.map((run) => world.end(run)));
  const outputs = runs.map((run) => run.view().steps.find(({ id }) => id === 'a')?.output ?? null);
  for (const [index, run] of runs.entries()) {
    const other = runs[(index + 1) % runs.length]!;
    const stolen = await world.orchestrator
      .artifact(other.runId, outputs[index]!)
      .catch((error: unknown) => (error as { readonly code: string }).code);
    const moved = { ...(outputs[index] as object), runId: other.runId };
    const forged = await world.orchestrator
      .artifact(other.runId, moved)
      .catch((error: unknown) => (error as { readonly code: string }).code);
    if (stolen !== 'ARTIFACT_NOT_FOUND' || forged !== 'ARTIFACT_NOT_FOUND') mixed.push(run.runId);
  }
  expect([reads, mixed]).toEqual([200, []]);
});
