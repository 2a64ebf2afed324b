// Checks that equal proposals become the same bytes on every version of Node that planwright supports. Run it by hand, since it
// fetches those versions (the npm package `node` brings the binaries along): npx tsx scripts/check-node-versions.ts [VERSION...]
import { digestsOf, sampleProposals } from '../tests/support/print-digests.js';

const versions = process.argv.length > 2 ? process.argv.slice(2) : ['20', '22', '24'];
const proposals = sampleProposals();
const expected = await digestsOf(proposals);
console.log(`this Node, ${process.version}: ${proposals.length} proposals`);
for (const version of versions) {
  const lines = await digestsOf(proposals, ['npx', '--yes', '--package', `node@${version}`, 'node']);
  const different = lines.filter((line, index) => line !== expected[index]).length;
  const isSame = different === 0 && lines.length === expected.length;
  console.log(`Node ${version}: ${isSame ? 'the same digests' : `${different} of ${expected.length} differ`}`);
  if (!isSame) process.exitCode = 1;
}
