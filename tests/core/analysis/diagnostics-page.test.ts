import { readFileSync } from 'node:fs';

import { expect, it } from 'vitest';

import { rules } from '../../../src/core/analysis/rules.js';

it('docs/diagnostics.md has a section for every rule, in the rules’ order and with their severity, and no other', () => {
  const page = readFileSync(new URL('../../../docs/diagnostics.md', import.meta.url), 'utf8');
  const sections = [...page.matchAll(/^### (?<code>.+)\n\n(?<severity>error|warning|info)\. /gimu)].map(({ groups }) => [
    groups?.['code'],
    groups?.['severity']?.toLowerCase(),
  ]);
  expect(sections).toEqual(rules.map(({ code, severity }) => [code, severity]));
  expect([...page.matchAll(/^### /gmu)]).toHaveLength(rules.length);
});
