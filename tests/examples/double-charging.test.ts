import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { expect, it } from 'vitest';

import { root } from '../architecture/support/source-files.js';
import { blocksOf } from '../docs/support/markdown.js';

const execute = promisify(execFile);

/** Cells of a table whose columns are two spaces apart. */
const cellsOf = (table: string): string[][] =>
  table
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/ {2,}/));

it('HB-68 HB-33 HB-34 HB-35 HB-46 a customer is charged once where one of the ways is taken, and twice where none is', async () => {
  const args = ['--import', 'tsx', 'examples/double-charging/main.ts'];
  const { stdout, stderr } = await execute(process.execPath, args, { cwd: root, timeout: 110_000 });
  expect(stderr).toBe('');
  const [, ...rows] = cellsOf(stdout);
  const charged = rows.map(([way, , lost, times]) => [`${way}, ${lost}`, times]);
  const contrasts = ['nothing, the process, after the charge', 'idempotencyKey, the answer to the charge'];
  expect(charged.filter(([, times]) => times === 'TWICE').map(([way]) => way)).toEqual(contrasts);
  expect(charged.filter(([, times]) => times === 'once')).toHaveLength(rows.length - contrasts.length);
  expect(rows.at(-1)?.slice(4)).toEqual(['once', 'failed, pay compensated']);

  const path = 'docs/durability.md';
  const blocks = blocksOf({ path, text: readFileSync(join(root, path), 'utf8') });
  expect(blocks.map(({ text }) => text)).toContain(stdout);
}, 120_000);
