// Records the stores of this version for tests/golden, which resumes them with every later one. To be run once for each release, by hand:
//   npx tsx scripts/record-golden.ts
import { rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

import { goldenStores, recordGolden } from '../tests/golden/support/golden-stores.js';

const { version } = createRequire(import.meta.url)('../package.json') as { readonly version: string };
const root = join(import.meta.dirname, '..', 'tests', 'golden', 'stores', version);
rmSync(root, { recursive: true, force: true });
for (const [name, open] of Object.entries(goldenStores)) {
  await recordGolden(join(root, name), open);
  console.log(`recorded ${name} of ${version}`);
}
// Agents that hang are a part of what is recorded.
process.exit(0);
