import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import type { RunStore, StoredRun } from 'planwright';
import { createSqliteStore } from 'planwright/storage/sqlite';

import { commitOf } from '../../src/core/testing/store-samples.js';
import { openRaw, temporaryPath, volatileFolder } from './support/sqlite-database.js';
import { frameHead, type Log, logHead, readLog, wholeTo, xorshift } from './support/sqlite-log.js';

// What SQLite promises, and what is held here: a transaction whose COMMIT has come back lies in the log and was synced. A crash may leave
// anything behind the last of them: nothing, half a frame, sectors in any order, old frames. Whoever opens the database next finds every
// transaction up to the first frame that is not whole, and nothing of any other. While the log is copied back into the database, the
// log stays whole, so the database may be torn in any way.

const isLong = process.env['PLANWRIGHT_LONG'] === '1';
const sector = 512;
const timeout = isLong ? 600_000 : 60_000;

type State = Readonly<Record<string, StoredRun>>;

/** What is stored, seen from where the log ends. */
interface Moment {
  readonly end: number;
  readonly state: State;
}
/** A database file, the log beside it, and what the two held after each acknowledged commit since the log was last begun anew. */
interface History {
  readonly database: Buffer;
  readonly log: Log;
  /** The log before the first of the moments. */
  readonly older: Buffer;
  readonly moments: readonly Moment[];
}

const runIds = ['a', 'b', 'c'];

async function stateOf(store: RunStore): Promise<State> {
  const state: Record<string, StoredRun> = {};
  const { runs } = await store.list();
  for (const { runId } of runs) state[runId] = (await store.load(runId))!;
  return state;
}

/** Commits as runs do: several at once, of all sizes, with parts, claims and compaction. Each is waited for. */
async function live(
  store: RunStore,
  { from, turns }: { readonly from: number; readonly turns: number },
  after: () => Promise<void>,
) {
  const state = await stateOf(store);
  const at = new Map(runIds.map((runId) => [runId, { seq: state[runId]?.seq ?? 0, fence: state[runId]?.fence ?? 0 }]));
  for (let turn = from; turn < from + turns; turn += 1) {
    const busy = runIds.filter((_, index) => turn % (index + 1) === 0);
    await Promise.all(
      busy.map(async (runId, index) => {
        const known = at.get(runId)!;
        const count = 1 + (turn % 3);
        const output = String.fromCharCode(97 + (turn % 26)).repeat((turn * 53 * (index + 1)) % 900);
        const commit = commitOf({ runId, expectedSeq: known.seq, count, output });
        const checkpoint = { turn, [`part ${turn % 4}`]: output };
        const committing = store.commit({ ...commit, fence: known.fence, checkpoint, compactTo: Math.max(0, known.seq - 6) });
        known.seq += count;
        await committing;
      }),
    );
    await after();
    if (turn % 5 === 0) {
      const answer = await store.claim({ runId: 'a', owner: `owner ${turn}`, at: turn * 1_000, leaseMs: 100 });
      if (answer.kind === 'claimed') at.get('a')!.fence = answer.fence;
      await after();
    }
  }
}

/** `before`: turns that are in the database file already, so that the log is written over from its start. */
async function record({ before, turns }: { readonly before: number; readonly turns: number }): Promise<History> {
  const path = temporaryPath();
  const database = openRaw(path);
  const store = createSqliteStore({ database });
  database.exec('PRAGMA wal_autocheckpoint = 0');
  const moments: Moment[] = [];
  if (before > 0) {
    await live(store, { from: 1, turns: before }, async () => undefined);
    database.exec('PRAGMA wal_checkpoint(RESTART)');
    moments.push({ end: 0, state: await stateOf(store) });
  } else {
    moments.push({ end: 0, state: {} });
  }
  const older = readLog(path).bytes;
  await live(store, { from: before + 1, turns }, async () => {
    moments.push({ end: readLog(path).end, state: await stateOf(store) });
  });
  const history = { database: readFileSync(path), log: readLog(path), older, moments };
  await store.close();
  return history;
}

/** The state of the last commit whose frames are whole. */
const stateAt = ({ moments }: History, end: number): State => moments.findLast((moment) => moment.end <= end)!.state;

/** Opens a database and a log as a crash may have left them. */
function reopener(): (database: Buffer, log: Buffer) => Promise<State> {
  const path = join(volatileFolder(), 'runs.db');
  return async (database, log) => {
    for (const suffix of ['-wal', '-shm']) rmSync(path + suffix, { force: true });
    writeFileSync(path, database);
    writeFileSync(`${path}-wal`, log);
    const store = createSqliteStore({ path });
    const state = await stateOf(store);
    await store.close();
    return state;
  };
}

/** Every nth, so that about `short` of them are left where the long form is not asked for. */
function thinned<T>(items: readonly T[], short: number): readonly T[] {
  const step = isLong ? 1 : Math.max(1, Math.floor(items.length / short));
  return items.filter((_, index) => index % step === 0);
}

/** Where a log is worth cutting: around each frame's bounds and fields, at sectors, and inside pages. */
function cutsOf({ bytes, frameBytes }: Log): readonly number[] {
  const cuts = new Set<number>([0, 1, 4, 8, 16, 24, logHead - 1]);
  for (let at = logHead; at < bytes.length; at += frameBytes) {
    for (const offset of [0, 1, 4, 7, 8, 12, 16, frameHead - 1, frameHead, frameHead + 1, frameBytes >> 1, frameBytes - 1]) {
      cuts.add(at + offset);
    }
  }
  for (let at = 0; at <= bytes.length; at += sector) cuts.add(at);
  cuts.add(bytes.length);
  return [...cuts].filter((cut) => cut <= bytes.length).sort((a, b) => a - b);
}

/** A log as it may be found after a crash. */
type Damage = () => Buffer;

const cutShort = ({ log }: History): readonly Damage[] => cutsOf(log).map((cut) => () => log.bytes.subarray(0, cut));

/** One sector that was never written, for each sector. */
const sectorsLost = ({ log }: History): readonly Damage[] =>
  Array.from({ length: Math.ceil(log.bytes.length / sector) }, (_, index) => () => {
    const torn = Buffer.from(log.bytes);
    return torn.fill(0, index * sector, Math.min((index + 1) * sector, torn.length));
  });

/** For each commit: of what came after it, any sectors were written, and any others hold what was there before, or zeros, or anything. */
const sectorsInAnyOrder = ({ log, older, moments }: History): readonly Damage[] =>
  moments.flatMap(({ end }, index) =>
    Array.from({ length: 12 }, (_, round) => () => {
      const chance = xorshift(1 + index * 100 + round);
      const torn = Buffer.from(log.bytes);
      for (let at = end; at < torn.length; at += sector) {
        const next = Math.min(at + sector, torn.length);
        if (chance() % 2 === 0) continue;
        torn.fill(round % 3 === 0 ? 0x5a : 0, at, next);
        if (round % 3 === 1 && at < older.length) older.copy(torn, at, at, next);
      }
      return torn;
    }),
  );

describe.each([
  ['that was never copied into the database', { before: 0, turns: 30 }],
  ['that is written over an older one', { before: 30, turns: 20 }],
])('a log %s', (_, form) => {
  const check = async (damagesOf: (history: History) => readonly Damage[], short: number): Promise<void> => {
    const history = await record(form);
    const reopen = reopener();
    for (const damage of thinned(damagesOf(history), short)) {
      const torn = damage();
      const end = wholeTo(history.log, torn);
      expect(await reopen(history.database, torn), `whole to ${end}`).toEqual(stateAt(history, end));
    }
  };

  it('that is cut short gives every commit before the cut, and nothing of any other', { timeout }, () => check(cutShort, 120));
  it('in which a sector was never written gives every commit before it', { timeout }, () => check(sectorsLost, 60));
  it('whose newest sectors came to the disk in any order gives every commit that was acknowledged', { timeout }, () =>
    check(sectorsInAnyOrder, 60),
  );
});

it('a database into which the log was copied only in part, in any order of sectors, has every commit', { timeout }, async () => {
  const path = temporaryPath();
  const database = openRaw(path);
  const store = createSqliteStore({ database });
  database.exec('PRAGMA wal_autocheckpoint = 0');
  await live(store, { from: 1, turns: 20 }, async () => undefined);
  database.exec('PRAGMA wal_checkpoint(RESTART)');
  await live(store, { from: 21, turns: 20 }, async () => undefined);
  const [before, log, expected] = [readFileSync(path), readFileSync(`${path}-wal`), await stateOf(store)];
  database.exec('PRAGMA wal_checkpoint(PASSIVE)');
  const after = readFileSync(path);
  const chance = xorshift(11);
  const reopen = reopener();
  for (let round = 0; round < (isLong ? 1_000 : 60); round += 1) {
    const torn = Buffer.alloc(after.length);
    before.copy(torn);
    const odds = 1 + (round % 4);
    for (let at = 0; at < torn.length; at += sector) if (chance() % 5 < odds) after.copy(torn, at, at, at + sector);
    // The file may not have grown yet.
    const length = round % 3 === 0 ? Math.max(before.length, torn.length - (chance() % 8) * 4_096) : torn.length;
    expect(await reopen(torn.subarray(0, length), log)).toEqual(expected);
  }
  await store.close();
});
