// Checks the package as its users get it: packs what `npm run build` made, lints the archive, installs it in an empty
// application, imports every entry there, and compiles and runs a first program against it.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { publint } from 'publint';
import { formatMessage } from 'publint/utils';

import { outputOf } from './support/command.js';
import { compileUnder, importAll, installInto, runCompiled } from './support/consumer.js';
import { entriesOf, packInto, readManifest, strayFiles } from './support/pack.js';
import type { Entry, Packed } from './support/pack.js';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Prints what was checked. @throws what `check` throws, with the name of the check before it. */
async function step<T>(name: string, check: () => Promise<T>): Promise<T> {
  const startedAt = performance.now();
  try {
    const found = await check();
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
    console.log(`  ok  ${name} (${seconds} s)${typeof found === 'string' ? `: ${found}` : ''}`);
    return found;
  } catch (error) {
    throw new Error(`${name} failed`, { cause: error });
  }
}

async function lintPackage({ tarball }: Packed): Promise<void> {
  const bytes = readFileSync(tarball);
  const archive = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  const { messages, pkg } = await publint({ pack: { tarball: archive }, strict: true });
  const said = messages.map((message) => formatMessage(message, pkg) ?? message.code);
  if (said.length > 0) throw new Error(said.join('\n'));
}

/** "Are the types wrong", for users of ES modules: planwright has no CommonJS build. */
async function lintTypes({ tarball }: Packed, entries: readonly Entry[]): Promise<void> {
  const subpaths = entries.map(({ specifier }) => specifier.split('/').slice(1).join('/') || '.');
  const attw = join(root, 'node_modules', '.bin', 'attw');
  await outputOf([attw, tarball, '--profile', 'esm-only', '--no-color', '--entrypoints', ...subpaths]);
}

async function checkFiles(entries: readonly Entry[], packed: Packed): Promise<string> {
  const stray = strayFiles(entries, packed, root);
  if (stray.length > 0) throw new Error(stray.join('\n'));
  return `${packed.files.length} files, ${(packed.bytes / 1_000).toFixed(0)} kB packed`;
}

async function checkPackage(folder: string): Promise<void> {
  const packed = await step('npm pack', () => packInto(folder, root));
  const entries = entriesOf(readManifest(root), packed.files);
  await step('dist holds what the exports need and nothing else', () => checkFiles(entries, packed));
  await step('publint', () => lintPackage(packed));
  await step('are the types wrong', () => lintTypes(packed, entries));
  const consumer = await step('npm install in an empty application', () => installInto(join(folder, 'app'), packed.tarball));
  await step('import of every entry', async () => {
    const counts = await importAll(consumer, entries);
    return Object.entries(counts)
      .map(([name, count]) => `${name} ${count}`)
      .join(', ');
  });
  for (const moduleResolution of ['nodenext', 'bundler'] as const) {
    await step(`a TypeScript program under ${moduleResolution}`, () =>
      compileUnder(consumer, { moduleResolution, entries, root }),
    );
  }
  await step('the program runs', () => runCompiled(consumer));
}

const folder = mkdtempSync(join(tmpdir(), 'planwright-package-'));
try {
  await checkPackage(folder);
} catch (error) {
  process.exitCode = 1;
  const { message, cause } = error as Error;
  console.error(`  NO  ${message}\n${cause instanceof Error ? cause.message : String(cause)}`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
