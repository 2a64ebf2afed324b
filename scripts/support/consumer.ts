import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { outputOf } from './command.js';
import type { Entry } from './pack.js';

/** An empty application that has installed the package from its archive. */
export interface Consumer {
  readonly folder: string;
}

/** Makes an empty application and installs the archive in it, as a user would. */
export async function installInto(folder: string, tarball: string): Promise<Consumer> {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'consumer', private: true, type: 'module' }));
  await outputOf(['npm', 'install', '--no-audit', '--no-fund', '--loglevel=error', tarball], { cwd: folder, timeoutMs: 180_000 });
  return { folder };
}

/** Imports every entry under plain Node; gives how many names each exports. @throws Error when one exports nothing. */
export async function importAll({ folder }: Consumer, entries: readonly Entry[]): Promise<Readonly<Record<string, number>>> {
  const specifiers = JSON.stringify(entries.map(({ specifier }) => specifier));
  writeFileSync(
    join(folder, 'import-all.js'),
    `const counts = {};
     for (const name of ${specifiers}) counts[name] = Object.keys(await import(name)).length;
     console.log(JSON.stringify(counts));`,
  );
  const counts = JSON.parse(await outputOf([process.execPath, 'import-all.js'], { cwd: folder })) as Record<string, number>;
  const empty = Object.keys(counts).filter((name) => counts[name] === 0);
  if (empty.length > 0) throw new Error(`These entries export nothing: ${empty.join(', ')}.`);
  return counts;
}

/** A first program of a user: it must compile, and print `ok`. */
const program = `
import { createOrchestrator, isPlanwrightError, parseProposal, type AgentFunction } from 'planwright';
import { createMemoryStore } from 'planwright/storage/memory';

const agent: AgentFunction = async ({ stepId }) => ({ output: stepId });
const orchestrator = createOrchestrator({ store: createMemoryStore(), agents: { 'agent-1': agent } });
const parsed = parseProposal({});
const pointers: string[] = parsed.ok ? [] : parsed.error.map((issue) => issue.pointer);
const rejected: unknown = await orchestrator.propose({}).catch((error: unknown) => error);
await orchestrator.close();
console.log(pointers.length > 0 && isPlanwrightError(rejected) ? 'ok' : 'not ok');
`;

/**
 * Compiles a program that imports every entry, declarations of all dependencies checked as well (`skipLibCheck: false`), with
 * the compiler and the Node types of this checkout.
 */
export async function compileUnder(
  { folder }: Consumer,
  { moduleResolution, entries, root }: { moduleResolution: 'nodenext' | 'bundler'; entries: readonly Entry[]; root: string },
): Promise<void> {
  const imports = entries.map(({ specifier }, index) => `export * as entry${index} from '${specifier}';`).join('\n');
  writeFileSync(join(folder, 'main.ts'), `${imports}\n${program}`);
  const compilerOptions = {
    target: 'es2023',
    lib: ['es2023'],
    module: moduleResolution === 'nodenext' ? 'nodenext' : 'esnext',
    moduleResolution,
    strict: true,
    // Not `exactOptionalPropertyTypes` as well: xstate's own declarations do not hold under the two together.
    skipLibCheck: false,
    types: ['node'],
    typeRoots: [join(root, 'node_modules', '@types')],
    outDir: `out-${moduleResolution}`,
  };
  const config = `tsconfig.${moduleResolution}.json`;
  writeFileSync(join(folder, config), JSON.stringify({ compilerOptions, files: ['main.ts'] }));
  await outputOf([process.execPath, join(root, 'node_modules/typescript/bin/tsc'), '-p', config], { cwd: folder });
}

/** Runs what {@link compileUnder} compiled. @throws Error when the program does not print `ok`. */
export async function runCompiled({ folder }: Consumer): Promise<void> {
  const printed = await outputOf([process.execPath, 'out-nodenext/main.js'], { cwd: folder, timeoutMs: 30_000 });
  if (printed.trim() !== 'ok') throw new Error(`The program of a user printed ${JSON.stringify(printed)} instead of "ok".`);
}
