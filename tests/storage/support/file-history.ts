import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { RunStore } from 'planwright';
import { createFileStore, type FileStoreOptions } from 'planwright/storage/file';

import { contentOf } from './file-acts.js';
import { logOf } from './file-directories.js';

/** Where a log stood at some moment, and what its store held. */
export interface Mark {
  readonly end: number;
  readonly content: unknown;
}

/** A log as it grew: a mark before the first group that was written, and one after each. */
export interface History {
  readonly bytes: Buffer;
  readonly marks: readonly Mark[];
}

/** Carries out writes one after the other, each a group of its own. */
export async function historyOf(
  options: FileStoreOptions,
  writes: readonly ((store: RunStore) => Promise<unknown>)[],
): Promise<History> {
  const { directory } = options;
  const store = createFileStore(options);
  const marks: Mark[] = [];
  const mark = async (): Promise<void> => {
    const content = await contentOf(store);
    marks.push({ end: readFileSync(logOf(directory)).length, content });
  };
  await mark();
  for (const write of writes) {
    await write(store);
    await mark();
  }
  const bytes = readFileSync(logOf(directory));
  await store.close();
  return { bytes, marks };
}

export interface Reopened {
  /** `undefined` where it was refused. */
  readonly content: unknown;
  /** Why it was refused. */
  readonly code: string | undefined;
}

/** What a store makes of these bytes as its log. `lockFrom`: a directory whose locks are taken along. */
export async function reopen(directory: string, log: Uint8Array, lock?: { readonly path: string }): Promise<Reopened> {
  mkdirSync(directory);
  writeFileSync(join(directory, '00000001-00000001.log'), log);
  if (lock) copyFileSync(lock.path, join(directory, '00000001.lock'));
  const store = createFileStore({ directory });
  try {
    return { content: await contentOf(store), code: undefined };
  } catch (error) {
    return { content: undefined, code: (error as { code?: string }).code ?? String(error) };
  } finally {
    await store.close();
  }
}
