import { renameSync } from 'node:fs';

import { StoreUnavailableError } from '../../core/shared/store-error.js';
import { createGroupCommit, type GroupedRequest } from '../../core/storing/group-commit.js';
import { removeFile, syncDirectory } from './directory.js';
import { unavailable } from './file-fault.js';
import { type DirectoryLock, lockDirectory } from './lock-directory.js';
import { appendGroup, closeLog, cutLog, isInPlace, syncLog } from './log-file.js';
import { logPath, openLog } from './open-log.js';
import { applyGroup } from './read-group.js';
import { type IndexedLog, rewriteLog } from './rewrite-log.js';
import { createStage, type Write } from './stage-writes.js';

export interface WriteOptions {
  /** What is being done, for the error that says it could not be. */
  readonly operation: string;
  /** Whether it has to be on the disk before it is answered. */
  readonly isAwaited: boolean;
}

type WriteAsk = { readonly write: Write<unknown> } & WriteOptions;
/** A write, or something that needs the log for itself. */
type Ask = WriteAsk | { readonly turn: () => Promise<void> };
type Request = GroupedRequest<Ask, unknown>;

/** Garbage in a log is let be up to this size, or up to the size of what is still needed. */
const minGarbageBytes = 1 << 20;
/** What goes into one group, unless a single commit is longer. */
const maxGroupBytes = 8 << 20;

/** @throws StoreUnavailableError, StoreCorruptError, StoreFormatError */
export async function openFileLog(directory: string): Promise<FileLog> {
  const lock = await lockDirectory(directory);
  try {
    return new FileLog(directory, lock, await openLog(directory, lock));
  } catch (error) {
    lock.release({ isClosed: false });
    throw error;
  }
}

/** A directory that this process holds: it reads there, and writes one group after the other. */
export class FileLog {
  readonly #group = createGroupCommit<Ask, unknown>({ perform: (group) => this.#perform(group) });
  /** Set when the directory is not ours any more. */
  #loss: StoreUnavailableError | undefined;
  /** Whether something that failed stands behind the end of the log. */
  #hasRemains = false;
  #isClosing = false;
  #rewriting: Promise<void> | undefined;
  #rewrites = 1;
  /** It is not written anew before it has grown to this size, whether or not that went well the last time. */
  #rewriteFrom = 0;

  constructor(
    readonly directory: string,
    readonly lock: DirectoryLock,
    private state: IndexedLog,
  ) {}

  get isLost(): boolean {
    return this.#loss !== undefined;
  }

  /** @throws StoreUnavailableError where another process has taken the directory over, or it was removed. */
  read<T>(operation: string, read: (state: IndexedLog) => T): T {
    try {
      this.#checkHeld();
      return read(this.state);
    } catch (error) {
      throw unavailable(operation, error);
    }
  }

  write<T>(write: Write<T>, options: WriteOptions): Promise<T> {
    return this.#group.add({ write, ...options }) as Promise<T>;
  }

  /** Resolves when everything that was to be written is answered. */
  settle(): Promise<void> {
    return this.#group.idle();
  }

  /** Resolves when everything is on the disk and the directory is free for others. */
  async close(): Promise<void> {
    await this.#group.idle();
    this.#isClosing = true;
    await this.#rewriting;
    const { log } = this.state;
    let isClosed = false;
    try {
      if (this.#hasRemains && !this.isLost) this.#cut();
      if (log.synced < log.groups) await syncLog(log);
      isClosed = !this.isLost && this.#isHeld();
    } catch {
      // What was answered for is where it was; the next to open the directory looks closer.
    }
    closeLog(log);
    if (!this.isLost) this.lock.release({ isClosed });
  }

  async #perform(group: readonly Request[]): Promise<void> {
    let writes: (Request & { readonly ask: WriteAsk })[] = [];
    for (const request of group) {
      const { ask } = request;
      if ('write' in ask) {
        writes.push({ ...request, ask });
        continue;
      }
      await this.#writeAll(writes);
      writes = [];
      await ask.turn().then(request.resolve, request.reject);
    }
    await this.#writeAll(writes);
  }

  async #writeAll(requests: readonly (Request & { readonly ask: WriteAsk })[]): Promise<void> {
    if (requests.length === 0) return;
    const stage = createStage(this.state.index);
    const texts: string[] = [];
    // Also who is refused has to wait: what stands in its way is not on the disk yet.
    const answers: (() => void)[] = [];
    let isAwaited = false;
    for (const { ask, resolve, reject } of requests) {
      try {
        const { text, answer } = ask.write(stage);
        answers.push(() => resolve(answer));
        if (text === undefined) continue;
        texts.push(text);
        isAwaited ||= ask.isAwaited;
      } catch (error) {
        answers.push(() => reject(error));
      }
    }
    try {
      await this.#append(texts, isAwaited);
    } catch (error) {
      for (const { ask, reject } of requests) reject(unavailable(ask.operation, error));
      return;
    }
    for (const answer of answers) answer();
    this.#considerRewriting();
  }

  async #append(texts: readonly string[], isAwaited: boolean): Promise<void> {
    const { log, index } = this.state;
    this.#checkHeld();
    if (texts.length === 0) return;
    if (this.#hasRemains) this.#cut();
    const mark = { end: log.end, groups: log.groups };
    const written: { readonly body: Buffer; readonly offset: number }[] = [];
    try {
      const groups = joined(texts);
      for (const text of groups) {
        const isLast = written.length === groups.length - 1;
        written.push(appendGroup(log, text, isAwaited && isLast ? 'awaited' : 'sent'));
      }
      if (isAwaited) await syncLog(log);
      this.#checkHeld();
    } catch (error) {
      Object.assign(log, mark);
      this.#takeBack();
      throw error;
    }
    for (const group of written) applyGroup(index, { ...group, path: log.path });
  }

  /** Nothing is written before what failed is gone, else it would stand between what was written and what is. */
  #takeBack(): void {
    if (this.isLost) return;
    this.#hasRemains = true;
    try {
      this.#cut();
    } catch {
      // It is tried again before the next write.
    }
  }

  #cut(): void {
    cutLog(this.state.log, this.state.log);
    this.#hasRemains = false;
  }

  #isHeld(): boolean {
    return this.lock.isHeld() && isInPlace(this.state.log);
  }

  #checkHeld(): void {
    if (!this.#loss && !this.#isHeld()) this.#lose('another process has taken it over, or it was removed');
    if (this.#loss) throw this.#loss;
  }

  #lose(why: string, options?: ErrorOptions): void {
    const remedy = 'What was committed is safe as long as the directory is. Create the store anew to go on.';
    this.#loss = new StoreUnavailableError('go on', `${this.directory} is lost to it: ${why}. ${remedy}`, options);
    this.lock.release({ isClosed: false });
  }

  #considerRewriting(): void {
    const { log, index } = this.state;
    const enough = Math.max(minGarbageBytes, index.liveBytes);
    if (log.end - index.liveBytes < enough || log.end < this.#rewriteFrom || this.#rewriting || this.#isClosing) return;
    const rest = (bytes: number): void => {
      this.#rewriting = undefined;
      this.#rewriteFrom = this.state.log.end + bytes;
    };
    // Where it fails the old log serves as before, and it is tried again when that pays.
    this.#rewriting = this.#rewrite().then(
      () => rest(minGarbageBytes),
      () => rest(enough),
    );
  }

  async #rewrite(): Promise<void> {
    this.#rewrites += 1;
    const path = logPath(this.directory, this.lock.number, this.#rewrites);
    await rewriteLog(this.state, {
      draftPath: `${path}.new`,
      check: () => {
        this.#checkHeld();
        if (this.#isClosing) throw new StoreUnavailableError('rewrite', 'it is being closed.');
      },
      complete: async (finish) => {
        await this.#group.add({ turn: async () => this.#switchTo(await finish(), path) });
      },
    });
  }

  #switchTo({ log, index }: IndexedLog, path: string): void {
    const old = this.state.log;
    renameSync(log.path, path);
    try {
      // From here on the new log is what the next to open the directory reads: there is no way back to the old one.
      syncDirectory(this.directory);
      this.#checkHeld();
    } catch (cause) {
      if (!this.isLost) this.#lose('a log that was just written anew may be gone after a power failure', { cause });
      throw cause;
    }
    this.state = { log: { ...log, path }, index };
    this.#hasRemains = false;
    closeLog(old);
    removeFile(old.path);
  }
}

/** Texts as few longer ones. */
function joined(texts: readonly string[]): readonly string[] {
  const groups: string[][] = [[]];
  let size = 0;
  for (const text of texts) {
    if (size > 0 && size + text.length > maxGroupBytes) {
      groups.push([]);
      size = 0;
    }
    groups.at(-1)?.push(text);
    size += text.length;
  }
  return groups.map((group) => group.join(''));
}
