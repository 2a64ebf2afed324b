import { join } from 'node:path';
import { readFileSync } from 'node:fs';

import { outputOf } from './command.js';

/** A packed package: where the archive lies, and what is in it. */
export interface Packed {
  readonly tarball: string;
  /** Paths inside the package, without a leading `./`. */
  readonly files: readonly string[];
  readonly bytes: number;
}

export interface Manifest {
  readonly name: string;
  readonly exports: Readonly<Record<string, string | { readonly types: string; readonly default: string }>>;
}

/** An importable entry: its specifier and the files behind it. */
export interface Entry {
  readonly specifier: string;
  readonly files: readonly string[];
}

export const readManifest = (root: string): Manifest => JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest;

/** Packs the package as `npm publish` would, into a folder. */
export async function packInto(folder: string, root: string): Promise<Packed> {
  const json = await outputOf(['npm', 'pack', '--json', '--ignore-scripts', '--pack-destination', folder], { cwd: root });
  const [packed] = JSON.parse(json) as { filename: string; size: number; files: { path: string }[] }[];
  if (packed === undefined) throw new Error(`npm pack said nothing of what it packed: ${json}`);
  return { tarball: join(folder, packed.filename), files: packed.files.map(({ path }) => path), bytes: packed.size };
}

/** The entries of the exports map that are code, patterns filled in from the files that are there. */
export const entriesOf = ({ name, exports }: Manifest, files: readonly string[]): readonly Entry[] =>
  Object.entries(exports).flatMap(([subpath, targets]) => {
    if (typeof targets === 'string') return [];
    const entry = (fill: string): Entry => ({
      specifier: `${name}${subpath.slice(1)}`.replace('*', fill),
      files: [targets.types, targets.default].map((path) => path.replace('./', '').replace('*', fill)),
    });
    return subpath.includes('*') ? fillsOf(targets.default, files).map(entry) : [entry('')];
  });

function fillsOf(pattern: string, files: readonly string[]): readonly string[] {
  const [before = '', after = ''] = pattern.replace('./', '').split('*');
  return files
    .filter((path) => path.startsWith(before) && path.endsWith(after))
    .map((path) => path.slice(before.length, path.length - after.length))
    .filter((fill) => !fill.includes('/'));
}

/** Files of `dist` that no entry needs, and files that entries need and are not there. */
export function strayFiles(entries: readonly Entry[], packed: Packed, root: string): readonly string[] {
  const there = new Set(packed.files);
  const needed = new Set(entries.flatMap((entry) => entry.files));
  for (const path of needed) if (there.has(path)) for (const next of relativeImports(path, root)) needed.add(next);
  const missing = [...needed].filter((path) => !there.has(path)).map((path) => `missing: ${path}`);
  const stray = packed.files.filter((path) => path.startsWith('dist/') && !needed.has(path)).map((path) => `needless: ${path}`);
  return [...missing, ...stray];
}

function relativeImports(path: string, root: string): readonly string[] {
  const text = readFileSync(join(root, path), 'utf8');
  const found = text.matchAll(/(?:from|import)\s*\(?\s*['"](\.{1,2}\/[^'"]+)['"]/g);
  // A declaration file imports the declarations beside the code that it names.
  return Array.from(found, ([, to = '']) => join(path, '..', path.endsWith('.d.ts') ? to.replace(/\.js$/, '.d.ts') : to));
}
