import { importsOf } from './imports.js';
import type { SourceFile } from './source-files.js';

/** Packages that one file wraps, so that to replace one is to change one file. The folder says where that file lies. */
export const oneHome: Readonly<Record<string, string>> = {
  '@noble/hashes': 'src/core/shared/',
  ajv: 'src/core/schema/',
  'p-queue': 'src/core/runtime/',
  eventemitter3: 'src/core/runtime/',
  ulid: 'src/core/runtime/',
};

/** The files that import a package, types included. */
export const importersOf = (name: string, files: readonly SourceFile[]): readonly string[] =>
  files.filter((file) => importsOf(file).packages.includes(name)).map((file) => file.path);

/** What is wrong with the homes of these packages: none, more than one, or one in the wrong folder. */
export const homeFaults = (homes: Readonly<Record<string, string>>, files: readonly SourceFile[]): readonly string[] =>
  Object.entries(homes).flatMap(([name, folder]) => {
    const found = importersOf(name, files);
    if (found.length === 1 && found[0]?.startsWith(folder) === true) return [];
    return [`${name} has to be imported by one file in ${folder}, and is by: ${found.join(', ') || 'none'}`];
  });
