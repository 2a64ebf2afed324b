import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { root } from '../../architecture/support/source-files.js';

export interface Page {
  /** From the root of the checkout, with `/`. */
  readonly path: string;
  readonly text: string;
}

/** A fenced block: ` ```ts run ` has language `ts` and flags `['run']`. `line` is where its text begins, from 1. */
export interface Block {
  readonly path: string;
  readonly line: number;
  readonly language: string;
  readonly flags: readonly string[];
  readonly text: string;
}

/** The pages that a reader finds: those at the root, and everything below `docs`. */
export function pages(): readonly Page[] {
  const list = (folder: string): string[] =>
    readdirSync(join(root, folder), { recursive: folder !== '', encoding: 'utf8' }).map((path) => join(folder, path));
  return [...list(''), ...(existsSync(join(root, 'docs')) ? list('docs') : [])]
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => path.endsWith('.md'))
    .sort()
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));
}

const fence = /^( *)(`{3,}|~{3,})([^`\n]*)\n((?:.*\n)*?) *\2 *$/gm;

export const blocksOf = ({ path, text }: Page): readonly Block[] =>
  Array.from(text.matchAll(fence), ({ index, 1: indent = '', 3: info = '', 4: body = '' }) => {
    const [language = '', ...flags] = info.trim().split(/\s+/);
    const line = text.slice(0, index).split('\n').length + 1;
    return { path, line, language, flags, text: body.replaceAll(new RegExp(`^ {0,${indent.length}}`, 'gm'), '') };
  });

/** The page without its fenced blocks, with as many lines as before. */
export const withoutBlocks = ({ text }: Page): string => text.replaceAll(fence, (block) => block.replaceAll(/[^\n]/g, ''));
