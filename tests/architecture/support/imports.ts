import { posix } from 'node:path';

import ts from 'typescript';

import type { SourceFile } from './source-files.js';

/** What a file imports or re-exports, types included: other files by their path from the root, packages by name. */
export interface Imports {
  readonly files: readonly string[];
  /** `@scope/name` or `name`, whatever subpath is imported; `node:` for any module of Node. */
  readonly packages: readonly string[];
}

export function importsOf({ path, text }: SourceFile): Imports {
  const specifiers = ts.preProcessFile(text, true, true).importedFiles.map((found) => found.fileName);
  const isRelative = (specifier: string): boolean => specifier.startsWith('.');
  return {
    files: specifiers.filter(isRelative).map((to) => posix.join(posix.dirname(path), to).replace(/\.js$/, '.ts')),
    packages: specifiers.filter((to) => !isRelative(to)).map(packageOf),
  };
}

function packageOf(specifier: string): string {
  if (specifier.startsWith('node:')) return 'node:';
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
}
