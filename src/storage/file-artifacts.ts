import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import type { ArtifactKey, ArtifactStore } from '../core/ports/artifact.js';
import { StoreUnavailableError } from '../core/shared/store-error.js';

export interface FileArtifactsOptions {
  /** Where the files lie; made where it is not there. Any number of processes can use it. */
  readonly directory: string;
}

/**
 * An artifact store in a directory of this machine: one folder for each run, one file for each artifact, written beside its place, synced, and
 * then put in it, so that a file that is there is whole. What fails is a StoreUnavailableError.
 *
 * @example
 * const orchestrator = createOrchestrator({ store, artifacts: { store: createFileArtifacts({ directory: 'artifacts' }) }, agents });
 */
export function createFileArtifacts({ directory }: FileArtifactsOptions): ArtifactStore {
  const root = resolve(directory);
  const folderOf = (runId: string): string => join(root, folderName(runId));
  const fileOf = ({ runId, address }: ArtifactKey): string => join(folderOf(runId), `${digestOf(address)}.json`);
  return {
    put: ({ content, ...key }) =>
      performing('put an artifact', async () => {
        const folder = folderOf(key.runId);
        const isNew = (await mkdir(folder, { recursive: true })) !== undefined;
        const draft = join(folder, `${randomUUID()}.tmp`);
        try {
          await writeSynced(draft, content);
          await rename(draft, fileOf(key));
        } catch (error) {
          await rm(draft, { force: true });
          throw error;
        }
        await syncFolder(folder);
        if (isNew) await syncFolder(root);
      }),
    get: (key) =>
      performing('get an artifact', async () => {
        try {
          return await readFile(fileOf(key), 'utf8');
        } catch (error) {
          if (codeOf(error) === 'ENOENT') return undefined;
          throw error;
        }
      }),
    deleteRun: (runId) => performing('delete artifacts', () => rm(folderOf(runId), { recursive: true, force: true })),
  };
}

/** A run id is any text: what of it is safe in a name, to be known by, and a digest of all of it, to be told apart by. */
const folderName = (runId: string): string =>
  `${runId.replaceAll(/[^A-Za-z0-9_-]/g, '_').slice(0, 60)}-${digestOf(runId).slice(0, 32)}`;

/** Of UTF-16, so that no two texts have one digest: lone surrogates are all the same in UTF-8. */
const digestOf = (text: string): string => createHash('sha256').update(text, 'utf16le').digest('hex');

async function writeSynced(path: string, content: string): Promise<void> {
  const file = await open(path, 'wx');
  try {
    await file.writeFile(content, 'utf8');
    await file.sync();
  } finally {
    await file.close();
  }
}

/** What systems answer that keep names safe by themselves, or not at all. */
const needless: readonly unknown[] = ['EINVAL', 'ENOTSUP', 'ENOSYS', 'EISDIR'];

/** Puts on the disk which names stand in a folder. */
async function syncFolder(path: string): Promise<void> {
  // Windows knows no such thing.
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } catch (error) {
    if (!needless.includes(codeOf(error))) throw error;
  } finally {
    await folder.close();
  }
}

async function performing<T>(operation: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw new StoreUnavailableError(operation, cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

const codeOf = (error: unknown): unknown => (error as { readonly code?: unknown } | null)?.code;
