import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { linkFaults } from './support/links.js';
import { root } from '../architecture/support/source-files.js';
import { pages } from './support/markdown.js';

it('links only to files and headings that are there', () => {
  expect(linkFaults(pages(), (path) => existsSync(join(root, path)))).toEqual([]);
});

describe('the link check', () => {
  const docs = [
    {
      path: 'README.md',
      text: '# A `b`, c!\n## A\n## A\n[a](docs/page.md#two-words) [b](#a-b-c) [c](#a-1) [d](https://example.org/x)',
    },
    { path: 'docs/page.md', text: '# Two words\n<a id="by-hand"></a>\n[up](../README.md) [x](#by-hand)' },
  ];
  const exists = (path: string) => docs.some((page) => page.path === path);

  it('is content with links that lead somewhere', () => {
    expect(linkFaults(docs, exists)).toEqual([]);
  });

  it('finds a file and a heading that are not there, and reads no code', () => {
    const page = {
      path: 'docs/bad.md',
      text: '# Bad\n```md\n[a](b.md)\n```\n`[a](b.md)`\n[a](none.md)\n[b](page.md#none)\n\n[c]: gone.md',
    };
    expect(linkFaults([...docs, page], (path) => exists(path) || path === page.path)).toEqual([
      'docs/bad.md:6 none.md',
      'docs/bad.md:7 page.md#none',
      'docs/bad.md:9 gone.md',
    ]);
  });
});
