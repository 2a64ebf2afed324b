// Checks that equal proposals become the same bytes on every version of Node that planwright supports, and that the SQLite store works on the
// driver of those that bring one. Run it by hand, since it fetches those versions (the npm package `node` brings the binaries along):
// npx tsx scripts/check-node-versions.ts [VERSION...]
import { fileURLToPath } from 'node:url';

import { runCommand } from './support/command.js';
import { digestsOf, sampleProposals } from '../tests/support/print-digests.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const versions = process.argv.length > 2 ? process.argv.slice(2) : ['20', '22', '24'];
const proposals = sampleProposals();
const expected = await digestsOf(proposals);
console.log(`this Node, ${process.version}: ${proposals.length} proposals`);
for (const version of versions) {
  const node = ['npx', '--yes', '--package', `node@${version}`, 'node'] as const;
  const lines = await digestsOf(proposals, node);
  const different = lines.filter((line, index) => line !== expected[index]).length;
  const isSame = different === 0 && lines.length === expected.length;
  console.log(`Node ${version}: ${isSame ? 'the same digests' : `${different} of ${expected.length} differ`}`);
  if (!isSame) process.exitCode = 1;
  // Before 22.13, Node has no SQLite, or hides it behind a flag.
  if (Number.parseInt(version, 10) < 22) continue;
  const command = [...node, '--import', 'tsx', 'tests/storage/support/sqlite-conformance.ts'] as const;
  const { status, stdout, stderr } = await runCommand(command, { cwd: root });
  console.log(`Node ${version}, store on node:sqlite: ${(status === 0 ? stdout : stdout + stderr).trimEnd()}`);
  if (status !== 0) process.exitCode = 1;
}
