// Runs every gate, the same here and in CI, and ends with the counts of the test runner. A gate that fails does not stop the
// next one, so that one run tells all there is to mend.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';

import { runCommand } from './support/command.js';

interface Gate {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
  /** A gate without which this one says nothing. */
  readonly needs?: string;
  readonly timeoutMs?: number;
}

const minutes = 60_000;

const gatesWith = (report: string): readonly Gate[] => [
  { name: 'types', command: ['npm', 'run', '--silent', 'typecheck'], timeoutMs: 5 * minutes },
  { name: 'lint', command: ['npm', 'run', '--silent', 'lint'], timeoutMs: 5 * minutes },
  {
    name: 'tests',
    command: ['npm', 'test', '--silent', '--', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`],
    timeoutMs: 20 * minutes,
  },
  { name: 'build', command: ['npm', 'run', '--silent', 'build'], timeoutMs: 5 * minutes },
  { name: 'package', command: ['npm', 'run', '--silent', 'check:package'], needs: 'build', timeoutMs: 10 * minutes },
  { name: 'example', command: ['npm', 'start', '--silent', '--', '--approve'], timeoutMs: 5 * minutes },
];

type Outcome = 'passed' | 'failed' | 'left out';

async function runGates(gates: readonly Gate[]): Promise<ReadonlyMap<string, Outcome>> {
  const outcomes = new Map<string, Outcome>();
  for (const { name, command, needs, timeoutMs = minutes } of gates) {
    if (needs !== undefined && outcomes.get(needs) !== 'passed') {
      outcomes.set(name, 'left out');
      continue;
    }
    console.log(`\n== ${name}: ${command.join(' ')}`);
    const startedAt = performance.now();
    const { status, stderr } = await runCommand(command, { output: 'show', timeoutMs });
    const outcome = status === 0 ? 'passed' : 'failed';
    outcomes.set(name, outcome);
    const seconds = Math.round((performance.now() - startedAt) / 1_000);
    const how = status === null ? ` (stopped after ${timeoutMs / 1_000} s at most. ${stderr})` : '';
    console.log(`== ${name} ${outcome} in ${seconds} s${how}`);
  }
  return outcomes;
}

interface TestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  /** Files that could not even be loaded have no test that failed. */
  readonly testResults: readonly {
    readonly status: string;
    readonly name: string;
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

/** What failed, then the runner's own counts as one line; a file that failed outside of its tests counts as one that failed. */
function summaryOf(report: string): string {
  if (!existsSync(report)) return '0 passed, 0 failed';
  const { numPassedTests, numPendingTests, testResults } = JSON.parse(readFileSync(report, 'utf8')) as TestReport;
  const failed = testResults.flatMap(({ name, status, assertionResults }) => {
    const tests = assertionResults.filter((test) => test.status === 'failed');
    if (status === 'failed' && tests.length === 0) return [`failed: ${relative(process.cwd(), name)}`];
    return tests.map(({ fullName }) => `failed: ${relative(process.cwd(), name)}: ${fullName}`);
  });
  const skipped = numPendingTests > 0 ? `, ${numPendingTests} skipped` : '';
  return [...failed, `${numPassedTests} passed, ${failed.length} failed${skipped}`].join('\n');
}

const folder = mkdtempSync(join(tmpdir(), 'planwright-check-'));
try {
  const report = join(folder, 'tests.json');
  const outcomes = await runGates(gatesWith(report));
  console.log(`\n${Array.from(outcomes, ([name, outcome]) => `${name}: ${outcome}`).join(', ')}`);
  if ([...outcomes.values()].some((outcome) => outcome !== 'passed')) process.exitCode = 1;
  console.log(summaryOf(report));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
