import { describe, expect, it } from 'vitest';

import { isPure, purityFaults } from './support/purity.js';
import { sourceFiles } from './support/source-files.js';

it('keeps clocks, chance, waiting and the outside world out of the pure folders', () => {
  const files = sourceFiles().filter(isPure);
  expect(files.length).toBeGreaterThan(10);
  expect(files.flatMap(purityFaults)).toEqual([]);
});

describe('the purity check', () => {
  const faultsOf = (text: string) => purityFaults({ path: 'src/core/plan/a.ts', text });

  it.each([
    `const a = Date.now();`,
    `const a = new Date(0);`,
    `const now = Date;`,
    `const a = Math.random();`,
    `const { random } = Math;\nrandom();`,
    `const a = performance.now();`,
    `setTimeout(() => 1, 1);`,
    `if (process.env.A) a();`,
    `const a = { fetch };`,
    `import { readFileSync } from 'node:fs';`,
    `const a = await b;`,
    `const a = async () => 1;`,
    `for await (const a of b) c(a);`,
    `const a = import('zod');`,
    `const a = import.meta.url;`,
    `console.log(1);`,
    `names.sort((a, b) => a.localeCompare(b));`,
    `const a = (1).toLocaleString();`,
  ])('finds %s', (text) => {
    expect(faultsOf(text)).not.toEqual([]);
  });

  it('lets comments, texts, members and types say the same words', () => {
    expect(faultsOf(`// await fetch at Date.now()\nconst a = 'process';\nconst b = { process: 1 }.process;`)).toEqual([]);
    expect(faultsOf(`export interface Clock { performance(): number; readonly signal: AbortSignal }`)).toEqual([]);
    expect(faultsOf(`export type Later = Promise<number>;`)).toEqual([]);
  });

  it('names the file and the line', () => {
    expect(faultsOf(`const a = 1;\nconst b = Date.now();`)).toEqual(['src/core/plan/a.ts:2 Date']);
  });

  it('covers the folders that have to be pure, and no other', () => {
    const paths = [
      'src/core/kernel/a.ts',
      'src/topologies/a.ts',
      'src/core/runtime/a.ts',
      'src/core/testing/a.ts',
      'src/storage/a.ts',
    ];
    expect(paths.filter((path) => isPure({ path, text: '' }))).toEqual(paths.slice(0, 2));
  });
});
