import { importsOf } from './imports.js';
import type { SourceFile } from './source-files.js';

interface Layer {
  /** Folders of core that may be imported beside the layer's own. */
  readonly core: readonly string[];
  readonly packages: readonly string[];
  /** Each file or folder directly inside stands alone: no sibling is imported. */
  readonly islands?: true;
}

const pure = ['shared', 'ports', 'plan'];
const allOfCore = [
  ...pure,
  ...[
    'schema',
    'storing',
    'deciding',
    'limits',
    'proposal',
    'analysis',
    'approval',
    'materializer',
    'kernel',
    'views',
    'runtime',
    'testing',
  ],
];

/** Who may import whom. What stands in no row is refused, so a new folder starts here. */
export const layers: Readonly<Record<string, Layer>> = {
  'core/shared': { core: [], packages: ['@noble/hashes'] },
  'core/schema': { core: ['shared', 'ports'], packages: ['ajv'] },
  'core/ports': { core: ['shared'], packages: [] },
  'core/deciding': { core: ['shared', 'ports'], packages: [] },
  'core/limits': { core: ['shared', 'ports'], packages: [] },
  'core/storing': { core: ['shared', 'ports'], packages: ['node:'] },
  'core/plan': { core: ['shared', 'ports'], packages: [] },
  'core/proposal': { core: ['shared', 'ports', 'schema'], packages: ['zod'] },
  'core/analysis': { core: [...pure, 'schema'], packages: [] },
  'core/approval': { core: [...pure, 'analysis'], packages: [] },
  'core/materializer': { core: [...pure, 'approval', 'schema'], packages: ['xstate'] },
  'core/kernel': { core: [...pure, 'deciding', 'materializer', 'schema'], packages: ['xstate'] },
  'core/views': { core: pure, packages: [] },
  'core/runtime': {
    core: allOfCore.filter((name) => name !== 'testing'),
    packages: ['p-queue', 'eventemitter3', 'ulid', 'node:'],
  },
  'core/testing': { core: allOfCore, packages: ['fast-check', 'node:'] },
  topologies: { core: [...pure, 'deciding'], packages: ['zod'], islands: true },
  storage: { core: ['shared', 'ports', 'storing'], packages: ['node:'], islands: true },
  adapters: { core: ['shared', 'ports'], packages: ['node:'], islands: true },
};

/** Files that gather others for users. They may import anything of src and no package; only they import each other. */
export const frontDoors: readonly string[] = ['src/index.ts', 'src/front-door.ts', 'src/testing.ts', 'src/topologies/index.ts'];

/** Every import that the table does not allow, as `file → what`. */
export function layeringFaults(files: readonly SourceFile[]): readonly string[] {
  return files.flatMap((file) => {
    const imports = importsOf(file);
    const isFrontDoor = frontDoors.includes(file.path);
    const place = placeOf(file.path);
    if (place === undefined && !isFrontDoor) return [`${file.path} lies in a folder that has no row in the table`];
    const layer: Layer | undefined = place && layers[place.folder];
    const badFiles = imports.files.filter((to) => !isFrontDoor && (frontDoors.includes(to) || !mayImport(file.path, to)));
    const badPackages = imports.packages.filter((name) => isFrontDoor || layer?.packages.includes(name) !== true);
    return [...badFiles, ...badPackages].map((what) => `${file.path} → ${what}`);
  });
}

function mayImport(from: string, to: string): boolean {
  const [here, there] = [placeOf(from), placeOf(to)];
  if (here === undefined || there === undefined) return false;
  if (here.folder === there.folder) return layers[here.folder]?.islands !== true || here.unit === there.unit;
  return there.folder.startsWith('core/') && (layers[here.folder]?.core ?? []).includes(there.folder.slice('core/'.length));
}

/** `unit` is the file or folder directly inside the layer: `storage/sqlite.ts` and `storage/sqlite/lease.ts` are one. */
function placeOf(path: string): { readonly folder: string; readonly unit: string } | undefined {
  const match = /^src\/((?:core\/)?[^/]+)\/([^/]+)/.exec(path);
  const [, folder = '', unit = ''] = match ?? [];
  return folder in layers ? { folder, unit: unit.replace(/\.ts$/, '') } : undefined;
}

/** Every cycle of imports, types included, as its files in order; one for each import that closes a cycle. */
export function importCycles(files: readonly SourceFile[]): readonly (readonly string[])[] {
  const imports = new Map(files.map((file) => [file.path, importsOf(file).files]));
  const cycles: (readonly string[])[] = [];
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start >= 0) cycles.push([...trail.slice(start), path]);
    if (start >= 0 || done.has(path)) return;
    for (const next of imports.get(path) ?? []) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const path of imports.keys()) visit(path, []);
  return cycles;
}

/** Every file that a file of these folders needs, directly or through others. */
export function reachableFrom(files: readonly SourceFile[], isStart: (path: string) => boolean): ReadonlySet<string> {
  const imports = new Map(files.map((file) => [file.path, importsOf(file).files]));
  const reached = new Set([...imports.keys()].filter(isStart));
  for (const path of reached) for (const next of imports.get(path) ?? []) reached.add(next);
  return reached;
}
