import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { type RunStore, StoreCorruptError, StoreFormatError } from 'planwright';
import { createFileStore } from 'planwright/storage/file';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';

import { commitOf } from '../../src/core/testing/store-samples.js';
import { contentOf } from './support/file-acts.js';
import { logOf, useDirectories } from './support/file-directories.js';
import { type History, historyOf, reopen } from './support/file-history.js';
import { lostSectors, withoutSectors } from './support/file-sectors.js';

const directories = useDirectories({ isVolatile: true });
const isLong = process.env['PLANWRIGHT_LONG'] === '1';
vi.setConfig({ testTimeout: 900_000, hookTimeout: 900_000 });

const write = {
  ...commitOf({ runId: 'r', expectedSeq: 0, count: 2, output: 'ä "quoted"\n' }),
  checkpoint: { a: [1, 2, 3], b: 'b' },
};
/** A store of some groups, each of which was acknowledged. */
const writeHistory = (directory: string): Promise<History> =>
  historyOf({ directory }, [
    (store) => store.commit(write),
    (store) => store.claim({ runId: 'r', owner: 'one', at: 0, leaseMs: 10 }),
    (store) =>
      store.commit({ ...commitOf({ runId: 'r', expectedSeq: 2, status: 'completed' }), fence: 1, checkpoint: { a: null } }),
    (store) => Promise.all(['s', 't'].map((runId) => store.commit(commitOf({ runId, expectedSeq: 0 })))),
  ]);

const withByte = (bytes: Buffer, offset: number, byte: number): Buffer => {
  const changed = Buffer.from(bytes);
  changed[offset] = byte;
  return changed;
};

let history: History;
let content: unknown;
beforeAll(async () => {
  history = await writeHistory(directories.next());
  content = history.marks.at(-1)?.content;
});
afterEach(() => directories.clear());

describe('FO-26: a byte of the log that is not the one that was written', () => {
  const changes: readonly (readonly [string, (byte: number) => number])[] = [
    ['one bit', (byte) => byte ^ 1],
    ['zero', () => 0],
    ...(isLong ? [2, 4, 8, 16, 32, 64, 128].map((bit) => [`bit ${bit}`, (byte: number) => byte ^ bit] as const) : []),
  ];

  it.each(changes)('is found wherever it is: %s', async (_, change) => {
    const { bytes } = history;
    for (const [offset, byte] of bytes.entries()) {
      const { code, content } = await reopen(directories.next(), withByte(bytes, offset, change(byte)));
      expect([offset, content]).toEqual([offset, undefined]);
      expect(['STORE_CORRUPT', 'STORE_FORMAT']).toContain(code);
    }
  });
});

describe('FO-26: damage', () => {
  const refusalOf = async (log: Uint8Array) => (await reopen(directories.next(), log)).code;

  it('is a sector that was lost after it was acknowledged, unless nothing shows that it was', async () => {
    const { bytes, marks } = history;
    const lastButOne = marks.at(-2)!.end;
    for (const lost of lostSectors({ start: 0, end: lastButOne, sectorBytes: 512 }, 100)) {
      expect([lost, await refusalOf(withoutSectors(bytes, lost))]).toEqual([lost, 'STORE_CORRUPT']);
    }
  });

  it('is a part that was lost along with all that was written behind it', async () => {
    const { bytes, marks } = history;
    const [start, end] = [marks.at(-3)!.end, marks.at(-2)!.end];
    // Its head, of 48 bytes, says how far it went; the file goes further.
    for (let from = start + 48; from <= end - 16; from += 16) {
      const lost = [{ from, to: bytes.length }];
      expect([from, await refusalOf(withoutSectors(bytes, lost))]).toEqual([from, 'STORE_CORRUPT']);
    }
  });

  it('is a part of what nobody waited for, when what came later was on the disk', async () => {
    const commitNext = (seq: number) => (store: RunStore) => store.commit(commitOf({ runId: 'r', expectedSeq: seq }));
    const renew = (store: RunStore) => store.renew({ owner: 'one', at: 0, leaseMs: 10 });
    const { bytes, marks } = await historyOf({ directory: directories.next() }, [
      commitNext(0),
      renew,
      commitNext(1),
      commitNext(2),
    ]);
    const lost = [{ from: marks[1]!.end + 48, to: marks[2]!.end }];
    expect(await refusalOf(withoutSectors(bytes, lost))).toBe('STORE_CORRUPT');
  });

  it('is a sector that was lost of a log after it was written anew', async () => {
    const directory = directories.next();
    expect(await reopen(directory, history.bytes)).toMatchObject({ code: undefined });
    const anew = readFileSync(logOf(directory));
    for (const lost of lostSectors({ start: 64, end: anew.length, sectorBytes: 512 }, 100)) {
      expect(await refusalOf(withoutSectors(anew, lost))).toBe('STORE_CORRUPT');
    }
    expect(await refusalOf(anew.subarray(0, 64))).toBe('STORE_CORRUPT');
    for (let end = 0; end < anew.length; end += isLong ? 1 : 37)
      expect(await refusalOf(anew.subarray(0, end))).toBe('STORE_CORRUPT');
  });

  it('is a group twice, out of order, or of another store', async () => {
    const { bytes, marks } = history;
    const [start, first, second] = marks.map(({ end }) => end) as [number, number, number];
    const groups = [bytes.subarray(start, first), bytes.subarray(first, second)] as const;
    const other = await writeHistory(directories.next());
    const head = bytes.subarray(0, start);
    for (const log of [
      [head, groups[0], groups[0]],
      [head, groups[1], groups[0]],
      [head, groups[1]],
      [head, groups[0], other.bytes.subarray(first)],
      [bytes, Buffer.from('something that somebody else has put behind it all')],
    ]) {
      expect(await refusalOf(Buffer.concat(log))).toBe('STORE_CORRUPT');
    }
  });

  it('is a log without its beginning', async () => {
    const { bytes } = history;
    for (const log of ['', 'planwright log', '{"runs": []}', bytes.subarray(0, 63), bytes.subarray(64)]) {
      expect(await refusalOf(Buffer.from(log))).toBe('STORE_CORRUPT');
    }
  });

  it('is named with its file and place, is left as it is, and is refused again', async () => {
    const directory = directories.next();
    const offset = history.marks[1]!.end;
    const log = withByte(history.bytes, offset + 60, 0x41);
    await reopen(directory, log);
    const store = createFileStore({ directory });
    for (const call of [() => store.load('r'), () => store.list(), () => store.commit(write)]) {
      const error = await call().catch((error: unknown) => error);
      expect(error).toBeInstanceOf(StoreCorruptError);
      expect(error).toMatchObject({ place: `${join(directory, '00000001-00000001.log')}, byte ${offset}` });
    }
    await store.close();
    expect(readFileSync(logOf(directory))).toEqual(log);
  });

  it('that comes while the store is open is found when it is read, and keeps nobody from the rest', async () => {
    const directory = directories.next();
    const store = createFileStore({ directory });
    await store.commit(write);
    await store.commit(commitOf({ runId: 's', expectedSeq: 0 }));
    const log = logOf(directory);
    const bytes = readFileSync(log);
    writeFileSync(log, withByte(bytes, bytes.indexOf('quoted'), 0x41));
    for (const call of [store.load('r'), store.journal('r')]) await expect(call).rejects.toBeInstanceOf(StoreCorruptError);
    await store.commit({ ...commitOf({ runId: 's', expectedSeq: 1 }) });
    expect((await store.load('s'))?.seq).toBe(2);
    await store.close();
  });
});

it('FO-26: refuses a log of a version that it does not know, and names both', async () => {
  const directory = directories.next();
  const log = Buffer.from(history.bytes.toString('latin1').replace('planwright log 1 ', 'planwright log 27 '), 'latin1');
  await reopen(directory, log);
  const error = await createFileStore({ directory })
    .list()
    .catch((error: unknown) => error);
  expect(error).toBeInstanceOf(StoreFormatError);
  expect(error).toMatchObject({ found: 27, supported: [1], place: logOf(directory) });
  expect(readFileSync(logOf(directory))).toEqual(log);
});

it('FO-26: a lock that is damaged takes nothing away', async () => {
  const directory = directories.next();
  await writeHistory(directory);
  const lock = readdirSync(directory).find((name) => name.endsWith('.lock'))!;
  const bytes = readFileSync(join(directory, lock));
  const positions = [...bytes.keys()].filter((position) => isLong || position % 5 === 0);
  // All at once: a lock that nobody can read is watched for a second before it is passed over.
  await Promise.all(
    positions.map(async (position) => {
      const copy = directories.next();
      cpSync(directory, copy, { recursive: true });
      writeFileSync(join(copy, lock), withByte(bytes, position, bytes[position]! ^ 1));
      const store = createFileStore({ directory: copy });
      expect(await contentOf(store)).toEqual(content);
      await store.close();
    }),
  );
});
