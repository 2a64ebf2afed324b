import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { homeFaults, importersOf, oneHome } from './support/homes.js';
import { root, sourceFiles } from './support/source-files.js';

const files = sourceFiles();
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<
  'dependencies' | 'peerDependencies' | 'peerDependenciesMeta',
  Record<string, unknown>
>;
// A peer that may be left out is injected by its user, or looked for at run time.
const declared = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }).filter(
  (name) => !(name in manifest.peerDependenciesMeta),
);

it('wraps each of these packages in one file', () => {
  expect(homeFaults(oneHome, files)).toEqual([]);
});

it('imports every package that it makes its users install', () => {
  expect(declared.filter((name) => importersOf(name, files).length === 0)).toEqual([]);
});

describe('the one-home check', () => {
  const home = { ajv: 'src/core/schema/' };
  const importing = (...paths: string[]) => paths.map((path) => ({ path, text: `import type { A } from 'ajv/dist/2020.js';` }));

  it('is content with one file in the right folder', () => {
    expect(homeFaults(home, importing('src/core/schema/validator.ts'))).toEqual([]);
  });

  it.each([
    ['none', []],
    ['a second home', ['src/core/schema/validator.ts', 'src/core/schema/other.ts']],
    ['the wrong folder', ['src/core/plan/validator.ts']],
  ])('finds %s', (_, paths) => {
    expect(homeFaults(home, importing(...paths))).toHaveLength(1);
  });
});
