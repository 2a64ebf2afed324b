import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';

import { expect, it } from 'vitest';

import { isPlanwrightError, type StoredRun } from 'planwright';
import { createSqliteStore } from 'planwright/storage/sqlite';

import { commitOf } from '../../src/core/testing/store-samples.js';
import { xorshift } from './support/sqlite-log.js';
import { temporaryPath, volatileFolder } from './support/sqlite-database.js';

// SQLite keeps no checksums of the database file, and promises nothing where a disk loses what was synced. The store's own cover every value,
// the place of every entry and the number of parts. What is left: the index of run ids may lose a run, which is then not found.

const isLong = process.env['PLANWRIGHT_LONG'] === '1';

/** A database file of several runs, and what is in it. */
async function record(): Promise<{ readonly bytes: Buffer; readonly runs: ReadonlyMap<string, StoredRun> }> {
  const path = temporaryPath();
  const store = createSqliteStore({ path });
  const runIds = Array.from({ length: 12 }, (_, index) => `run-${index}`);
  for (let turn = 0; turn < 6; turn += 1) {
    for (const [index, runId] of runIds.entries()) {
      if (turn === 3) await store.claim({ runId, owner: 'one', at: 0, leaseMs: 1 });
      const commit = commitOf({ runId, expectedSeq: turn * 3, count: 3, output: 'x'.repeat((turn * 97 + index * 31) % 900) });
      const checkpoint = { turn, [`part ${turn}`]: 'y'.repeat((turn * index * 50) % 1_500) };
      await store.commit({ ...commit, fence: turn < 3 ? 0 : 1, checkpoint, compactTo: Math.min(index, turn * 3) });
    }
  }
  const runs = new Map<string, StoredRun>();
  for (const runId of runIds) runs.set(runId, (await store.load(runId))!);
  await store.close();
  return { bytes: readFileSync(path), runs };
}

function* damages(bytes: Buffer): Generator<readonly [what: string, damaged: Buffer]> {
  const chance = xorshift(3);
  const step = isLong ? 1 : 3;
  for (let at = 0; at < bytes.length; at += 512 * step) yield [`no sector at ${at}`, Buffer.from(bytes).fill(0, at, at + 512)];
  for (let round = 0; round < (isLong ? 5_000 : 200); round += 1) {
    const damaged = Buffer.from(bytes);
    const at = chance() % bytes.length;
    damaged[at] = damaged[at]! ^ (1 << (chance() % 8));
    yield [`a bit at ${at}`, damaged];
  }
  for (let round = 0; round < (isLong ? 200 : 10); round += 1) yield ['the end', bytes.subarray(0, chance() % bytes.length)];
}

it(
  'a damaged file is never read as another state: what is damaged is refused, the rest is as it was',
  { timeout: 600_000 },
  async () => {
    const { bytes, runs } = await record();
    const path = join(volatileFolder(), 'runs.db');
    const codes = new Map<string, number>();
    /** @throws what is no error of planwright. */
    const noted = (error: unknown): void => {
      if (!isPlanwrightError(error)) throw error;
      codes.set(error.code, (codes.get(error.code) ?? 0) + 1);
    };
    for (const [what, damaged] of damages(bytes)) {
      for (const suffix of ['-wal', '-shm']) rmSync(path + suffix, { force: true });
      writeFileSync(path, damaged);
      try {
        const store = createSqliteStore({ path, synchronous: 'NORMAL' });
        for (const [runId, expected] of runs) {
          const run = await store.load(runId).catch(noted);
          if (run && !isDeepStrictEqual(run, expected)) expect(run, `${runId} without ${what}`).toEqual(expected);
        }
        await store.list().catch(noted);
        await store.close();
      } catch (error) {
        noted(error);
      }
    }
    expect([...codes.keys()]).toEqual(['STORE_CORRUPT']);
  },
);
