import { renameSync } from 'node:fs';
import { dirname } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';

import type { Json } from '../../core/shared/json.js';
import { removeFile, syncDirectory } from './directory.js';
import { appendEncoded, appendGroup, closeLog, createLogFile, type LogFile, sealLog, syncLog } from './log-file.js';
import { encodeGroupHead } from './log-format.js';
import { applyGroup } from './read-group.js';
import { createRunIndex, type RunIndex } from './run-index.js';
import { linesOf, runTexts } from './run-texts.js';
import { scanLog, type ScannedLog } from './scan-log.js';

/** A log and what is known of it. */
export interface IndexedLog {
  readonly log: LogFile;
  readonly index: RunIndex;
}

export interface RewriteOptions<Result> {
  /** Where the new log is drafted. */
  readonly draftPath: string;
  /** Carries out `finish` while nobody writes, and gives the log that is then wholly on the disk its name. */
  readonly complete: (finish: () => Promise<IndexedLog>) => Promise<Result>;
  /** Throws to give up between two groups. */
  readonly check?: () => void;
}

/** Texts of this size together make a group: others have their turn in between. */
const groupBytes = 512 << 10;

/**
 * Writes what is still needed of a log into a new one. Others may go on writing to the old one meanwhile: what they write is copied
 * behind the rest at the end. Until the new log has its name, the old one is all there is, and it stays as it is.
 */
export async function rewriteLog<Result>(old: IndexedLog, options: RewriteOptions<Result>): Promise<Result> {
  const { draftPath, complete, check } = options;
  const start = { ...old.log };
  removeFile(draftPath);
  const log = createLogFile(draftPath);
  const draft = { log, index: createRunIndex() };
  try {
    for (const text of groupTexts(old, start.end)) {
      applyGroup(draft.index, { ...appendGroup(log, text, 'sent'), path: draftPath });
      await nextTurn();
      check?.();
    }
    // Most of the wait for the disk is over before the others have to wait too.
    await syncLog(log);
    return await complete(async () => {
      await copyGroups({ ...start, to: old.log.end }, draft);
      await sealLog(log);
      return draft;
    });
  } catch (error) {
    closeLog(log);
    removeFile(draftPath);
    throw error;
  }
}

/** Gives a log that is on the disk its name, and puts the name there too. */
export function nameLog({ log, index }: IndexedLog, path: string): IndexedLog {
  renameSync(log.path, path);
  syncDirectory(dirname(path));
  return { log: { ...log, path }, index };
}

function* groupTexts({ log, index }: IndexedLog, to: number): Generator<string> {
  let texts: string[] = [];
  let size = 0;
  for (const [runId, run] of index.runs) {
    for (const text of runTexts(runId, run, { log, to })) {
      texts.push(text);
      size += text.length;
      if (size < groupBytes) continue;
      yield texts.join('');
      texts = [];
      size = 0;
    }
  }
  for (const [owner, until] of index.leases) texts.push(linesOf({ renew: owner, until }));
  for (const [note, text] of index.notes) texts.push(linesOf({ note, value: JSON.parse(text) as Json }));
  if (texts.length > 0) yield texts.join('');
}

/** Copies groups of a log as they are. */
async function copyGroups(from: ScannedLog, { log, index }: IndexedLog): Promise<void> {
  await scanLog(from, ({ head, body }) => {
    const copied = { ...head, number: log.groups + 1, synced: log.synced };
    const offset = appendEncoded(log, Buffer.concat([encodeGroupHead(copied, log.seed), body]));
    applyGroup(index, { body, offset, path: log.path });
  });
}
