// How do I avoid double charging? Kills a shop between a payment and its record, starts it again, and counts what was charged.
// npx tsx examples/double-charging/main.ts
import { fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { createProvider, type Booking } from './provider.js';
import { ways, type Way } from './ways.js';

interface Ended {
  readonly status: string;
  readonly pay: string;
}

/** Starts the shop, and once more after it was killed. */
async function liveTwice(folder: string, nth: number): Promise<Ended> {
  for (let life = 1; life <= 2; life += 1) {
    const printed = await oneLife(folder, nth);
    if (printed !== '') return JSON.parse(printed) as Ended;
  }
  throw new TypeError(`The shop came to no end (${ways[nth]?.name}).`);
}

/** What the shop prints when it comes to its end. */
function oneLife(folder: string, nth: number): Promise<string> {
  const shop = fork(fileURLToPath(new URL('shop.ts', import.meta.url)), [folder, String(nth)], { silent: true });
  let printed = '';
  shop.stdout?.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  shop.stderr?.pipe(process.stderr);
  return new Promise((resolve) => shop.on('close', () => resolve(printed)));
}

async function tryOut(way: Way, nth: number): Promise<readonly string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'double-charging-'));
  try {
    const { status, pay } = await liveTwice(folder, nth);
    const bookings = createProvider(join(folder, 'provider.jsonl'), way).bookings();
    const times = (wanted: Booking['type']) => timesOf(bookings.filter(({ type }) => type === wanted).length);
    return [way.name, way.effect, way.lost, times('charge'), times('refund'), `${status}, pay ${pay}`];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const timesOf = (count: number): string => ['never', 'once', 'TWICE'][count] ?? `${count} times`;

const rows = [['way', 'effect', 'lost', 'charged', 'refunded', 'the run'], ...(await Promise.all(ways.map(tryOut)))];
const widthOf = (column: number): number => Math.max(...rows.map((row) => row[column]?.length ?? 0));
for (const row of rows) {
  const cells = row.map((cell, column) => cell.padEnd(widthOf(column)));
  console.log(cells.join('  ').trimEnd());
}
