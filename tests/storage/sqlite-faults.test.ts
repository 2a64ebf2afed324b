import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { describe, expect, it, onTestFinished } from 'vitest';

import type { RunStore } from 'planwright';
import { createSqliteStore, type SqliteDatabase, type SqliteStoreOptions } from 'planwright/storage/sqlite';

import { commitOf } from '../../src/core/testing/store-samples.js';
import { openRaw, temporaryFolder, temporaryPath, valueIn } from './support/sqlite-database.js';
import { startStore } from './support/sqlite-processes.js';

const first = commitOf({ runId: 'r', expectedSeq: 0 });
const second = commitOf({ runId: 'r', expectedSeq: 1 });

function open(options: SqliteStoreOptions): RunStore {
  const store = createSqliteStore(options);
  onTestFinished(() => store.close());
  return store;
}

/** What a rejection with this code looks like, whose message says what to do. */
const failing = (code: string, message: string) => ({ code, message: expect.stringContaining(message) as unknown });
const unavailable = (message: string) => failing('STORE_UNAVAILABLE', message);

describe('a disk that is full', () => {
  const full = unavailable('Make room and try again.');
  /** A large run in which no compression finds anything to save. */
  const large = commitOf({ runId: 'large', expectedSeq: 0, output: noise(400_000) });

  it('rejects all commits of the transaction, keeps what was there, and goes on when there is room', async () => {
    const database = openRaw(temporaryPath());
    const store = open({ database });
    await store.commit(first);
    database.exec('PRAGMA max_page_count = 40');
    const together = await Promise.allSettled([store.commit(second), store.commit(large)]);
    for (const outcome of together) expect(outcome).toMatchObject({ status: 'rejected', reason: full });
    expect(await store.load('r')).toMatchObject({ seq: 1 });
    expect(await store.load('large')).toBeUndefined();
    await store.commit(second);
    database.exec('PRAGMA max_page_count = 100000');
    await store.commit(large);
    expect((await store.load('large'))?.journal).toEqual(large.entries);
  });

  it.skipIf(!canMount())('ends the same on a file system of 3 MB', async () => {
    const folder = temporaryFolder();
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', folder]);
    onTestFinished(() => void execFileSync('umount', [folder]));
    const path = join(folder, 'runs.db');
    const store = createSqliteStore({ path });
    await store.commit(first);
    writeFileSync(join(folder, 'ballast'), Buffer.alloc(2_500_000));
    const together = await Promise.allSettled([store.commit(second), store.commit(large)]);
    for (const outcome of together) expect(outcome).toMatchObject({ status: 'rejected', reason: full });
    expect(await store.load('r')).toMatchObject({ seq: 1 });
    await store.commit(second);
    rmSync(join(folder, 'ballast'));
    await store.commit(large);
    await store.close();
    const again = createSqliteStore({ path });
    expect(await again.load('r')).toMatchObject({ seq: 2 });
    expect((await again.load('large'))?.journal).toEqual(large.entries);
    await again.close();
  });
});

describe('a right that is lost', () => {
  const isRoot = process.getuid?.() === 0;

  it.skipIf(process.platform === 'win32').each([
    ['file', false],
    ['file and to its directory', true],
  ])('to write to the %s stops writers until it is given back', async (_, withFolder) => {
    const path = temporaryPath();
    const folder = dirname(path);
    // Nobody takes a right from root, so the store runs as somebody else.
    if (isRoot) chownSync(folder, 65_534, 65_534);
    const as = isRoot ? { uid: 65_534 } : {};
    const child = startStore(path, as);
    await child.commit(first);
    await child.close();
    chmodSync(path, 0o444);
    if (withFolder) chmodSync(folder, 0o555);
    const next = startStore(path, as);
    await expect(next.commit(second)).rejects.toMatchObject(unavailable('Let this process'));
    await expect(next.commit(second)).rejects.toMatchObject(unavailable('Let this process'));
    chmodSync(folder, 0o755);
    // What SQLite makes beside a file has the rights of the file.
    for (const suffix of ['', '-wal', '-shm']) if (existsSync(path + suffix)) chmodSync(path + suffix, 0o644);
    await next.commit(second);
    expect(await next.load('r')).toMatchObject({ seq: 2 });
  });

  it('lets a database that can only be read be read', async () => {
    const path = temporaryPath();
    await open({ path }).commit(first);
    const store = open({ database: openRaw(path, { readonly: true }) });
    expect(await store.load('r')).toMatchObject({ seq: 1 });
    await expect(store.commit(second)).rejects.toMatchObject(unavailable('can only be read'));
  });
});

describe('a lock that another process holds', () => {
  it('is waited for without stopping the process, and then all goes on', async () => {
    const path = temporaryPath();
    const store = open({ path });
    await store.commit(first);
    const holder = startStore(path);
    await holder.sql('BEGIN IMMEDIATE');
    let isWaiting = true;
    const committing = store.commit(second).finally(() => (isWaiting = false));
    // What is read, and other work of the process, waits for no writer.
    for (let turn = 0; turn < 100; turn += 1) expect(await store.load('r')).toMatchObject({ seq: 1 });
    expect(isWaiting).toBe(true);
    await holder.sql('COMMIT');
    await committing;
    expect(await store.load('r')).toMatchObject({ seq: 2 });
  });

  it('is waited for no longer than the limit, and nothing is written then', async () => {
    const path = temporaryPath();
    const store = open({ path, lockTimeoutMs: 50 });
    await store.commit(first);
    const holder = startStore(path);
    await holder.sql('BEGIN IMMEDIATE');
    const claim = store.claim({ runId: 'r', owner: 'one', at: 0, leaseMs: 1 });
    const together = await Promise.allSettled([store.commit(second), claim]);
    for (const outcome of together) expect(outcome).toMatchObject({ status: 'rejected', reason: unavailable('`lockTimeoutMs`') });
    await holder.sql('ROLLBACK');
    expect(await store.load('r')).toMatchObject({ seq: 1, fence: 0 });
    await store.commit(second);
  });

  it('does not keep a store from being made: it is opened when the lock is free', async () => {
    const path = temporaryPath();
    const holder = openRaw(path);
    holder.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
    const store = open({ path });
    const committing = store.commit(first);
    const closing = store.close();
    holder.exec('ROLLBACK');
    holder.close();
    await committing;
    await closing;
    expect(await open({ path }).load('r')).toMatchObject({ seq: 1 });
  });

  it('is a transaction that the owner of the database has left open', async () => {
    const database = openRaw(':memory:');
    const store = open({ database, lockTimeoutMs: 1 });
    database.exec('BEGIN');
    await expect(store.commit(first)).rejects.toMatchObject(unavailable('End the transaction'));
    expect(valueIn(database, 'SELECT count(*) FROM runs')).toBe(0);
    // It was not ours to end.
    database.exec('COMMIT');
    await store.commit(first);
  });
});

describe('a file that is not what it should be', () => {
  /** What opening a store throws; the file is then as it was. */
  function openingError(path: string): unknown {
    const before = readFileSync(path);
    try {
      void createSqliteStore({ path }).close();
      return undefined;
    } catch (error) {
      expect(readFileSync(path).equals(before)).toBe(true);
      return error;
    }
  }

  it.each([
    ['text', 'hello'],
    ['much text', 'hello '.repeat(2_000)],
    ['zeros', '\0'.repeat(8_192)],
    ['a header and nothing more', 'SQLite format 3\0'],
  ])('holds %s and is left as it is', (_, content) => {
    const path = temporaryPath();
    writeFileSync(path, content);
    expect(openingError(path)).toMatchObject(failing('STORE_CORRUPT', 'it is no SQLite database'));
  });

  it('is the database of another program and is left as it is', () => {
    for (const sql of ['CREATE TABLE t (x)', 'PRAGMA user_version = 1', 'PRAGMA application_id = 7']) {
      const path = temporaryPath();
      openRaw(path).exec(sql);
      expect(openingError(path)).toMatchObject(failing('STORE_CORRUPT', 'another program'));
    }
  });

  it('was written in another format: both versions are named', () => {
    const path = temporaryPath();
    void createSqliteStore({ path }).close();
    for (const version of [0, 2, 9]) {
      openRaw(path).exec(`PRAGMA user_version = ${version}`);
      expect(openingError(path)).toMatchObject({ code: 'STORE_FORMAT', found: version, supported: [1] });
    }
  });

  it('is empty, and becomes a store', async () => {
    const path = temporaryPath();
    writeFileSync(path, '');
    const store = open({ path });
    await store.commit(first);
    expect(valueIn(openRaw(path), 'PRAGMA user_version')).toBe(1);
  });

  it('cannot be one at all', () => {
    const path = temporaryPath();
    const opening = (place: string) => () => createSqliteStore({ path: place });
    expect(opening(join(path, 'below', 'runs.db'))).toThrow(
      expect.objectContaining(unavailable('does not exist. Make it first')),
    );
    expect(opening(dirname(path))).toThrow(expect.objectContaining(unavailable('cannot be opened')));
    expect(opening('')).toThrow(expect.objectContaining(unavailable('is no path')));
    expect(opening(`${path}\0`)).toThrow(expect.objectContaining(unavailable('is no path')));
  });
});

describe('a file that goes while it is open', () => {
  const gone = unavailable('was deleted, moved or replaced');

  it.each(['', '-wal'])('is missed before anything is written where nobody would find it: runs.db%s', async (suffix) => {
    const path = temporaryPath();
    const store = open({ path });
    await store.commit(first);
    renameSync(path + suffix, `${path}.away`);
    await expect(store.commit(second)).rejects.toMatchObject(gone);
    await expect(store.load('r')).rejects.toMatchObject(gone);
    renameSync(`${path}.away`, path + suffix);
    await store.commit(second);
    expect(await store.load('r')).toMatchObject({ seq: 2 });
  });

  it('is never made anew, nor is another in its place written', async () => {
    const path = temporaryPath();
    const store = open({ path });
    await store.commit(first);
    for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix);
    await expect(store.commit(second)).rejects.toMatchObject(gone);
    const other = open({ path });
    await expect(store.commit(second)).rejects.toMatchObject(gone);
    await store.close();
    await other.commit(first);
    await other.close();
    expect(await open({ path }).load('r')).toMatchObject({ seq: 1 });
  });
});

/** A database on which statements fail as they do where the disk fails, once for each error that is waiting. */
function flaky(database: SqliteDatabase): { readonly database: SqliteDatabase; failAt(sql: RegExp, code: string): void } {
  const faults: { readonly sql: RegExp; readonly code: string }[] = [];
  const breaking = (sql: string): void => {
    const index = faults.findIndex((fault) => fault.sql.test(sql));
    const [fault] = index < 0 ? [] : faults.splice(index, 1);
    if (fault) throw Object.assign(new Error('disk I/O error'), { code: fault.code });
  };
  return {
    failAt: (sql, code) => void faults.push({ sql, code }),
    database: {
      exec: (sql) => database.exec(sql),
      prepare(sql) {
        const statement = database.prepare(sql);
        return {
          run: (...values) => (breaking(sql), statement.run(...values)),
          get: (...values) => (breaking(sql), statement.get(...values)),
          all: (...values) => (breaking(sql), statement.all(...values)),
        };
      },
    },
  };
}

describe('a disk that fails', () => {
  it.each([
    [/^BEGIN IMMEDIATE/, 'SQLITE_IOERR_LOCK'],
    [/INSERT INTO journal/, 'SQLITE_IOERR_WRITE'],
    [/INSERT INTO parts/, 'SQLITE_IOERR_READ'],
    [/^COMMIT/, 'SQLITE_IOERR_FSYNC'],
  ])('in a transaction, at %s: all of it is rejected, nothing is written, and the next goes through', async (sql, code) => {
    const { database, failAt } = flaky(openRaw(temporaryPath()));
    const store = open({ database });
    await store.commit(first);
    const other = commitOf({ runId: 'other', expectedSeq: 0 });
    failAt(sql, code);
    const together = await Promise.allSettled([store.commit({ ...second, checkpoint: { a: 1 } }), store.commit(other)]);
    for (const outcome of together)
      expect(outcome).toMatchObject({ status: 'rejected', reason: unavailable('See what the system says') });
    expect(await store.load('r')).toMatchObject({ seq: 1 });
    expect(await store.load('other')).toBeUndefined();
    await store.commit(second);
    await store.commit(other);
  });

  it('for a moment at the end of a transaction, as where it is locked: the same transaction is tried again', async () => {
    const { database, failAt } = flaky(openRaw(temporaryPath()));
    const store = open({ database });
    failAt(/^COMMIT/, 'SQLITE_BUSY');
    const outcomes = await Promise.allSettled([store.commit(first), store.commit(first), store.commit(second)]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(await store.load('r')).toMatchObject({ seq: 2, journal: [...first.entries, ...second.entries] });
  });

  it('says what became of a commit in the end, and not what it had come to before it was tried again', async () => {
    const raw = openRaw(temporaryPath());
    const { database, failAt } = flaky(raw);
    const meanwhile: SqliteDatabase = {
      prepare: (sql) => database.prepare(sql),
      exec(sql) {
        database.exec(sql);
        if (sql === 'ROLLBACK') raw.exec('DELETE FROM journal; DELETE FROM runs');
      },
    };
    const store = open({ database: meanwhile });
    await store.commit(first);
    failAt(/^COMMIT/, 'SQLITE_BUSY');
    await expect(store.commit(second)).rejects.toMatchObject({ code: 'STORE_CONFLICT', actualSeq: 0 });
  });
});

describe('a row that is not as it was written', () => {
  const corrupt = failing('STORE_CORRUPT', 'is damaged');

  it.each([
    ["UPDATE runs SET summary = replace(summary, 'Try', 'Dry') WHERE id = 1", ['load', 'list', 'commit', 'claim']],
    ['UPDATE runs SET fence = 3 WHERE id = 1', ['load', 'list', 'commit', 'claim']],
    ['UPDATE runs SET seq = 3 WHERE id = 1', ['load', 'list', 'commit', 'claim']],
    ["UPDATE journal SET entries = replace(entries, 'done', 'gone') WHERE run = 1", ['load', 'journal']],
    ["UPDATE journal SET entries = x'0102' WHERE run = 1", ['load', 'journal']],
    ['UPDATE journal SET last_seq = 2 WHERE run = 1', ['load', 'journal', 'commit']],
    ['DELETE FROM journal WHERE run = 1', ['load', 'journal']],
    ["UPDATE parts SET value = '2' WHERE run = 1", ['load']],
    ["UPDATE parts SET name = 'b' WHERE run = 1", ['load']],
  ])('after %s is refused, and no other run with it', async (sql, calls) => {
    const path = temporaryPath();
    const store = open({ path });
    const ofOther = (expectedSeq: number) => store.commit(commitOf({ runId: 's', expectedSeq }));
    await store.commit({ ...first, checkpoint: { a: 1 } });
    await ofOther(0);
    openRaw(path).exec(sql);
    const outcomes: Readonly<Record<string, () => Promise<unknown>>> = {
      load: () => store.load('r'),
      list: () => store.list(),
      journal: () => store.journal('r'),
      commit: () => Promise.all([ofOther(1), store.commit(second)]),
      claim: () => store.claim({ runId: 'r', owner: 'one', at: 0, leaseMs: 1 }),
    };
    for (const name of calls) await expect(outcomes[name]?.(), name).rejects.toMatchObject(corrupt);
    expect(await store.load('s')).toMatchObject({ seq: calls.includes('commit') ? 2 : 1 });
  });
});

/** Text that brotli finds nothing to save in, of three bytes a character. */
function noise(length: number): string {
  let state = 1;
  const next = (): number => (state = (state * 48_271) % 2_147_483_647);
  return Array.from({ length }, () => String.fromCharCode(0x4e00 + (next() % 20_000))).join('');
}

/** Whether this process may mount a file system, as root may outside most containers. */
function canMount(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'planwright-mount-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder], { stdio: 'ignore' });
    execFileSync('umount', [folder], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
