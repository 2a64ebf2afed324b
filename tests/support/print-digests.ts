import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import fc from 'fast-check';

import { outputOf } from '../../scripts/support/command.js';
import { proposalArbitrary } from '../../src/core/testing/proposal-arbitrary.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The same proposals each time, of every shape and with every kind of key. */
export const sampleProposals = () => fc.sample(proposalArbitrary({ gates: true }), { numRuns: 40, seed: 2_026 });

/** What another process makes of proposals: the lines of tests/fixtures/print-digests.ts. `node` is the command that runs it. */
export async function digestsOf(
  proposals: readonly unknown[],
  node: readonly [string, ...string[]] = [process.execPath],
): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'planwright-digests-'));
  try {
    const file = join(folder, 'proposals.json');
    writeFileSync(file, JSON.stringify(proposals));
    const text = await outputOf([...node, '--import', 'tsx', 'tests/fixtures/print-digests.ts', file], { cwd: root });
    return text.trimEnd().split('\n');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
