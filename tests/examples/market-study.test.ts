import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { proposalOf } from 'planwright/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { ticket, tickets } from '../running/support/world.js';

const checkout = fileURLToPath(new URL('../../', import.meta.url));
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'planwright-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** What `npm start -- ARGUMENTS` does, without a terminal. */
function start(...args: readonly string[]) {
  const child = spawn(process.execPath, ['--import', 'tsx', 'examples/market-study/main.ts', ...args], {
    cwd: checkout,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const texts = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (texts.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (texts.stderr += chunk.toString()));
  return new Promise<{
    readonly code: number | null;
    readonly signal: string | null;
    readonly stdout: string;
    readonly stderr: string;
  }>((resolve) => child.on('close', (code, signal) => resolve({ code, signal, ...texts })));
}

async function writeProposal(name: string, proposal: unknown): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, typeof proposal === 'string' ? proposal : JSON.stringify(proposal));
  return path;
}

/** The folders of runs that have ended, beside the database that all are kept in. */
async function endedRuns(out: string): Promise<readonly string[]> {
  const names = await readdir(out);
  expect(names).toContain('runs.db');
  return names.filter((name) => !name.startsWith('runs.db'));
}

/** The files that a run left in its own folder below `out`. */
async function results(out: string): Promise<ReadonlyMap<string, string>> {
  const [run = ''] = await endedRuns(out);
  const names = await readdir(join(out, run));
  return new Map(await Promise.all(names.map(async (name) => [name, await readFile(join(out, run, name), 'utf8')] as const)));
}

it('CR-02 stops after the plan when nobody can be asked, and says how to go on', async () => {
  const out = join(folder, 'never');
  const { code, stdout } = await start('--out', out);
  expect(code).toBe(0);
  for (const part of ['Goal', 'Team', 'Diagnostics', 'Waves', 'Critical path', 'Bounds (worst case)', 'Digest']) {
    expect(stdout).toContain(part);
  }
  expect(stdout).toMatch(/revision 1 {3}[0-9a-f]{64}/);
  expect(stdout).toContain('npm start -- --approve');
  expect(await endedRuns(out)).toEqual([]);
});

it('runs the market study to its positioning document when it is approved', async () => {
  const out = join(folder, 'study');
  const { code, stdout } = await start('--approve', '--out', out);
  expect(code).toBe(0);
  for (const part of ['Timeline', 'Usage', 'Kept', 'completed', 'tries again', `Runs are kept in ${join(out, 'runs.db')}`])
    expect(stdout).toContain(part);
  const files = await results(out);
  expect([...files.keys()].sort()).toEqual(['deliverable.json', 'deliverable.md', 'plan.mmd']);
  const deliverable = JSON.parse(files.get('deliverable.json')!) as { document: string };
  expect(files.get('deliverable.md')).toBe(deliverable.document);
  expect(deliverable.document).toMatch(/positioning/i);
  expect(files.get('plan.mmd')).toMatch(/^flowchart /m);
});

/** The steps of which it said that they had succeeded. */
const succeeded = (stdout: string): string[] => Array.from(stdout.matchAll(/\/16 {2}(\S+) succeeded$/gm), ([, id]) => id!);

it('HB-11 HB-47 CC-22 killed in the middle, the next start goes on from there, and does nothing again that was done', async () => {
  const out = join(folder, 'killed');
  const first = await start('--approve', '--crash-after', '6', '--out', out);
  expect([first.code, first.signal]).toEqual([null, 'SIGKILL']);
  expect(succeeded(first.stdout)).toHaveLength(6);
  expect(await endedRuns(out)).toEqual([]);

  const second = await start('--out', out);
  expect(second.code).toBe(0);
  const [, done = ''] = /was interrupted: (\d+) of 16 steps were done\. Going on\./.exec(second.stdout) ?? [];
  // What was committed may be a little more than what there was time to print.
  expect(Number(done)).toBeGreaterThanOrEqual(6);
  const goneOn = succeeded(second.stdout);
  expect(goneOn).toHaveLength(16 - Number(done));
  expect(goneOn.filter((id) => succeeded(first.stdout).includes(id))).toEqual([]);
  expect([...(await results(out)).keys()].sort()).toEqual(['deliverable.json', 'deliverable.md', 'plan.mmd']);

  const third = await start('--out', out);
  expect(third.stdout).toContain('Not approved.');
  expect(await endedRuns(out)).toHaveLength(1);
});

it('takes any proposal', async () => {
  const out = join(folder, 'own');
  const file = await writeProposal('own.json', tickets(['bake', ticket('eat', { dependsOn: ['bake'] })]));
  const { code, stdout } = await start(file, '--approve', '--out', out);
  expect([code, stdout.includes('eat succeeded')]).toEqual([0, true]);
  expect([...(await results(out)).keys()]).toContain('deliverable.json');
});

it('prints every issue of a file that is no sound proposal, and runs nothing', async () => {
  const file = await writeProposal('broken.json', { ...proposalOf([ticket('a', { role: 'nobody' })]), goal: ' ', colour: 'red' });
  const out = join(folder, 'broken');
  const { code, stderr } = await start(file, '--approve', '--out', out);
  expect(code).toBe(2);
  for (const pointer of ['/goal', '/colour', '/tickets/0/role']) expect(stderr).toContain(pointer);
  expect(stderr).not.toMatch(/\n\s+at /);
  const text = await start(await writeProposal('text.json', '{"goal": '), '--out', out);
  expect(text.code).toBe(2);
  expect(text.stderr).toMatch(/JSON/);
});

it('says which file there is not, and which option', async () => {
  const missing = await start(join(folder, 'missing.json'));
  expect([missing.code, missing.stderr.includes('missing.json')]).toEqual([2, true]);
  const option = await start('--aprove');
  expect([option.code, option.stderr.includes('--aprove')]).toEqual([2, true]);
  const number = await start('--crash-after', 'soon');
  expect([number.code, number.stderr.includes('"soon"')]).toEqual([2, true]);
  const help = await start('--help');
  expect([help.code, help.stdout.startsWith('Usage: npm start')]).toEqual([0, true]);
});

it('says of what may not be done twice that it is in doubt, also with agents of another file than the one at hand', async () => {
  const out = join(folder, 'doubt');
  const roles = [{ key: 'clerk', kind: 'existing', agentId: 'clerk-1' }] as const;
  // By their names, the second takes 0.6 s longer, and so is under way when the first is done.
  const steps = [ticket('look', { role: 'clerk' }), ticket('transfer', { role: 'clerk', effect: 'once' })];
  const synthesis = { role: 'clerk', instructions: 'Sum up.', outputSchema: true };
  const file = await writeProposal('pay.json', proposalOf(steps, { roles, synthesis }));
  expect((await start(file, '--approve', '--crash-after', '1', '--out', out)).signal).toBe('SIGKILL');
  const { code, stdout } = await start('--out', out);
  expect(code).toBe(0);
  expect(stdout).toContain('1 of 3 steps were done');
  expect(stdout).toContain('transfer: user "operator" declared "transfer", which was in doubt, to have failed');
});

it('refuses a gate where there is no terminal to ask at, and the run ends', async () => {
  const gate = { kind: 'before', prompt: 'May it go out?' } as const;
  const file = await writeProposal('gated.json', tickets(['draft', ticket('publish', { dependsOn: ['draft'], gate })]));
  const { code, stdout } = await start(file, '--approve', '--out', join(folder, 'gated'));
  expect(code).toBe(0);
  expect(stdout).toContain('publish waits for a person: May it go out?');
  expect(stdout).toContain('gap: publish is failed');
  expect(stdout).toContain('there is no terminal to ask at');
});
