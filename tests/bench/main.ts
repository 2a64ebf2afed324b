// Measures what planwright costs, and prints tables. `--short` is for CI: the same code on fewer rounds, so that it cannot rot.
// Nothing here fails for being slow: figures depend on the machine and on what else runs on it.
import { availableParallelism, cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';

import { benchConcurrentRuns } from './concurrent-runs.js';
import { benchGrowingRun } from './growing-run.js';
import { benchEvents, benchMemory, benchReplay, benchStarKernel } from './kernel.js';
import { benchDurableChain, benchDurableMemory, benchDurableRun, benchManyRuns, benchRecovery } from './durability.js';
import { benchLimits } from './limits.js';
import { benchPipeline } from './pipeline.js';
import { benchStarRun, benchWholeRun } from './whole-run.js';

// Collecting garbage on demand, again and again, makes V8 throw away code too, which no program in use would have to compile anew.
setFlagsFromString('--no-flush-bytecode');

const { values, positionals } = parseArgs({ options: { short: { type: 'boolean', default: false } }, allowPositionals: true });
const { short } = values;

const rounds = (full: number): number => (short ? 1 : full);
const sizes = short ? [1_000, 10_000] : [1_000, 10_000, 100_000];

const benches: Readonly<Record<string, () => void | Promise<void>>> = {
  pipeline: () => benchPipeline({ rounds: rounds(11) }),
  events: () => benchEvents({ sizes, rounds: rounds(7) }),
  memory: () => benchMemory({ sizes: short ? [10_000] : sizes }),
  replay: () => benchReplay({ rounds: rounds(11) }),
  star: () => benchStarKernel({ rounds: rounds(11) }),
  run: () => benchWholeRun({ sizes: [1_000, 10_000], rounds: rounds(15) }),
  growing: () => benchGrowingRun({ sizes: [1_000, 10_000], rounds: rounds(7) }),
  limits: () => benchLimits({ tickets: short ? 2_000 : 10_000, rounds: rounds(9) }),
  runs: () => benchConcurrentRuns({ rounds: rounds(3) }),
  'star-run': () => benchStarRun({ rounds: rounds(9) }),
  'durable-memory': benchDurableMemory,
  durable: () => benchDurableRun({ rounds: rounds(7) }),
  chain: () => benchDurableChain({ rounds: rounds(9) }),
  'many-runs': () => benchManyRuns({ rounds: rounds(7) }),
  recovery: () => benchRecovery({ rounds: rounds(7) }),
};

const names = positionals.length > 0 ? positionals : Object.keys(benches);
const unknown = names.filter((name) => !Object.hasOwn(benches, name));
if (unknown.length > 0)
  throw new TypeError(`No bench is called ${unknown.join(', ')}; there are ${Object.keys(benches).join(', ')}.`);

const built = import.meta.resolve('planwright').includes('/dist/') ? 'dist' : 'src, transpiled on the fly';
console.log(`Node ${process.version}, ${availableParallelism()} × ${cpus()[0]?.model ?? 'unknown processor'}, ${built}`);
for (const name of names) await benches[name]!();
