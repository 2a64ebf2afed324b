import { describe, expect, it } from 'vitest';

import { nameFaults } from './support/names.js';
import { trackedFiles } from './support/source-files.js';

const files = trackedFiles();

it.skipIf(files === undefined)('names no machine, registry or address of a workplace in what is committed', () => {
  expect(files?.flatMap(nameFaults)).toEqual([]);
});

describe('the names check', () => {
  const faultsOf = (...parts: string[]) => nameFaults({ path: 'a.md', text: `first\n${parts.join('')}` });

  it.each([
    [['see /wo', 'rk/main/src']],
    [['"/ho', 'me/ada/planwright"']],
    [['(/Us', 'ers/ada)']],
    [['C:\\Us', 'ers\\ada']],
    [['"resolved": "https://regis', 'try.npmjs.org/ajv/-/ajv-8.tgz"']],
    [['http://local', 'host:3000']],
  ])('finds %j', (parts) => {
    expect(faultsOf(...parts)).toHaveLength(1);
    expect(faultsOf(...parts)[0]).toMatch(/^a\.md:2 /);
  });

  it('lets words be words', () => {
    expect(faultsOf('registry.get(name), /workflow/x, src/work/a.ts, https://example.org/home/x, ./root/a')).toEqual([]);
  });
});
