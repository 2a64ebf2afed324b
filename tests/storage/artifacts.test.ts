import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, describe, expect, it } from 'vitest';

import { createFileArtifacts } from '../../src/storage/file-artifacts.js';
import { createMemoryArtifacts } from '../../src/storage/memory-artifacts.js';
import { artifactStoreConformance } from '../../src/testing.js';

const root = mkdtempSync(join(tmpdir(), 'artifacts-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let made = 0;
const newDirectory = (): string => join(root, `store-${(made += 1)}`, 'deeper');
const address = `sha256:${'a'.repeat(64)}`;

describe.each([
  ['memory artifacts', createMemoryArtifacts],
  ['file artifacts', () => createFileArtifacts({ directory: newDirectory() })],
])('%s, as every artifact store', (_, create) => {
  for (const { name, run } of artifactStoreConformance) it(name, () => run(create));
});

describe('file artifacts', () => {
  it('are there for another process, and leave no drafts behind', async () => {
    const directory = newDirectory();
    await createFileArtifacts({ directory }).put({ runId: 'run', address, content: '"kept"' });
    expect(await createFileArtifacts({ directory }).get({ runId: 'run', address })).toBe('"kept"');
    const files = readdirSync(directory, { recursive: true, encoding: 'utf8' });
    expect(files.filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('stay within their directory, whatever a run or an address is called', async () => {
    const directory = newDirectory();
    const store = createFileArtifacts({ directory });
    for (const hostile of ['../../outside', '/outside', '..\\outside', 'a\0b']) {
      await store.put({ runId: hostile, address: hostile, content: hostile });
      expect(await store.get({ runId: hostile, address: hostile })).toBe(hostile);
    }
    expect(readdirSync(join(directory, '..'))).toEqual(['deeper']);
    expect(readdirSync(directory)).toHaveLength(4);
  });

  it('replace what was damaged when it is put again', async () => {
    const directory = newDirectory();
    const store = createFileArtifacts({ directory });
    await store.put({ runId: 'run', address, content: '"whole"' });
    const file = readdirSync(directory, { recursive: true, encoding: 'utf8' }).find((name) => name.endsWith('.json'))!;
    writeFileSync(join(directory, file), '"who');
    await store.put({ runId: 'run', address, content: '"whole"' });
    expect(await store.get({ runId: 'run', address })).toBe('"whole"');
  });

  it('say what stood in the way, as an error of the store', async () => {
    const directory = join(root, 'a-file');
    writeFileSync(directory, '');
    const store = createFileArtifacts({ directory });
    const unavailable: unknown = expect.objectContaining({ code: 'STORE_UNAVAILABLE' });
    await expect(store.put({ runId: 'run', address, content: '""' })).rejects.toEqual(unavailable);
    await expect(store.get({ runId: 'run', address })).rejects.toEqual(unavailable);
  });
});
