import { existsSync, readFileSync } from 'node:fs';

import { describe } from 'vitest';

/** Where real plans lie, if anywhere: beside the checkout. They have licences of their own and are never copied in. */
const root = new URL('../../../../shared/data/', import.meta.url);

/** The text of a file of a data set; `undefined` where the data isn't there. */
export function readData(path: string): string | undefined {
  const file = new URL(path, root);
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}

/** The entries of a set's INDEX.json whose files are there; none where the data isn't. */
export function readIndex(set: string): readonly { readonly entry: unknown; readonly text: string }[] {
  const index = readData(`${set}/INDEX.json`);
  if (index === undefined) return [];
  const { entries } = JSON.parse(index) as { readonly entries: readonly { readonly file: string | null }[] };
  return entries.flatMap((entry) => {
    const text = entry.file === null ? undefined : readData(`${set}/${entry.file}`);
    return text === undefined ? [] : [{ entry, text }];
  });
}

/** A `describe` for tests over real data, which says so where there is none. */
export function describeData(set: string, items: readonly unknown[], tests: () => void): void {
  const name = items.length > 0 ? `${set}: ${items.length} real plans` : `${set}: skipped, its data is not beside the checkout`;
  if (items.length === 0) console.info(name);
  describe.skipIf(items.length === 0)(name, tests);
}

/** Levels, breadth and edges of a task graph, as INDEX.json gives them. */
export interface GraphFigures {
  readonly nodes: number;
  readonly edges: number;
  readonly depth: number;
  readonly width: number;
}
