import { describe, expect, it } from 'vitest';

import { pages } from './support/markdown.js';
import { runSnippet } from './support/run-snippet.js';
import { snippetsOf, typeFaults } from './support/snippets.js';

const snippets = pages().flatMap(snippetsOf);

describe('the code in the pages', () => {
  it('type-checks, every ts block of it', () => {
    expect(typeFaults(snippets)).toEqual([]);
  });

  for (const snippet of snippets.filter(({ prints }) => prints !== undefined)) {
    it(`prints what the page says: ${snippet.name}`, async () => {
      expect(snippet.prints, 'A block to be run needs a text block after it, or a closing comment.').not.toBe('');
      expect(await runSnippet(snippet)).toBe(snippet.prints);
    });
  }
});

describe('the snippet check', () => {
  const page = (...lines: string[]) => ({ path: 'docs/page.md', text: lines.join('\n') });

  it('finds a fault in one block, names its line, and keeps blocks apart', () => {
    const text = page('# A', '```ts', 'const a: number = 1;', '```', '', '```ts', '', `const b: number = 'b' + a;`, '```');
    const faults = typeFaults(snippetsOf(text));
    expect(faults).toHaveLength(2);
    expect(faults.every((fault) => fault.startsWith('docs/page.md:8 '))).toBe(true);
  });

  it('lets a block go on where the one before it ended', () => {
    const text = page('```ts', 'const a = 1;', '```', 'and', '```ts continued', 'export const b: string = a;', '```');
    expect(typeFaults(snippetsOf(text))).toEqual([`docs/page.md:6 Type 'number' is not assignable to type 'string'.`]);
  });

  it('finds a name that the package does not export', () => {
    const text = page('```ts', `import { nothing } from 'planwright/storage/memory';`, 'nothing();', '```');
    expect(typeFaults(snippetsOf(text)).join()).toMatch(/has no exported member 'nothing'/);
  });

  it('runs a block and reads what it should print from the text block or the closing comment', async () => {
    const block = [
      '```ts run',
      `const { quote } = await import('../src/core/shared/issue.js');`,
      `console.log(quote(['a', 1]));`,
    ];
    const fromText = snippetsOf(page(...block, '```', '', '```text', '["a",1]', '```'))[0]!;
    const fromComment = snippetsOf(page(...block, '// ["a",1]', '```'))[0]!;
    expect([fromText.prints, fromComment.prints]).toEqual(['["a",1]', '["a",1]']);
    expect(await runSnippet(fromText)).toBe('["a",1]');
  });

  it('refuses a flag that means nothing', () => {
    expect(() => snippetsOf(page('```ts skip', 'const a = 1;', '```'))).toThrow(/"skip"/);
  });
});
