// The long forms of the tests that lose processes, freeze them and damage files: some hundreds of kills and freezes instead of a few.
// `npm run durability [-- <seed>]`: another seed kills at other moments. Prints what was done in all.
import { runCommand } from './support/command.js';

const [seed = '1'] = process.argv.slice(2);
const hours = 3_600_000;

process.env['PLANWRIGHT_LONG'] = '1';
process.env['PLANWRIGHT_SEED'] = seed;
// One file at a time, so that none is hurried by another.
const { status } = await runCommand(['npx', 'vitest', 'run', 'tests/durability', '--no-file-parallelism'], {
  timeoutMs: 2 * hours,
  output: 'show',
});
process.exitCode = status ?? 1;
