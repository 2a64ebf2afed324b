import fc from 'fast-check';
import { parseProposal } from 'planwright';
import { layeredProposal } from 'planwright/testing';
import { describe, expect, it } from 'vitest';

import { findJsonTextFault } from '../../../src/core/proposal/json-text-fault.js';
import { baseProposal, places, refused, smallProposal, ticket } from './support/base-proposal.js';

const ticketsOf = (count: number) => Array.from({ length: count }, (_, index) => ticket(`t${index}`, []));
const rolesOf = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ key: index === 0 ? 'analyst' : `r${index}`, kind: 'existing', agentId: 'a' }));

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

describe('limits', () => {
  it('CX-01 refuses too many roles and tickets in the agreed words', () => {
    const proposal = { ...smallProposal(ticketsOf(17)), roles: rolesOf(9) };
    const issues = refused(parseProposal(proposal, { limits: { maxRoles: 8, maxTickets: 16 } }));
    expect(issues.map(({ message }) => message)).toEqual(['too many roles (9); max is 8', 'too many tickets (17); max is 16']);
    expect(places(issues)).toEqual(['too-many-roles /roles', 'too-many-tickets /tickets']);
    expect(parseProposal(proposal, { limits: { maxRoles: 9, maxTickets: 17 } }).ok).toBe(true);
    expect(parseProposal(proposal).ok).toBe(true);
  });

  it('refuses too many dependencies and rounds', () => {
    const limits = { maxDependencies: 2, maxRounds: 3 };
    const issues = refused(parseProposal({ ...baseProposal(), discussion: { instructions: 'Talk', rounds: 4 } }, { limits }));
    expect(issues.map(({ message }) => message)).toEqual([
      'too many dependencies (4); max is 2',
      'too many rounds (4); max is 3',
    ]);
  });

  it('answers for 100,000 tickets, refused and accepted', () => {
    const proposal = smallProposal(ticketsOf(100_000));
    expect(refused(parseProposal(proposal)).map(({ message }) => message)).toEqual(['too many tickets (100000); max is 10000']);
    expect(parseProposal(proposal, { limits: { maxTickets: 100_000, maxBytes: 1e9 } }).ok).toBe(true);
  });

  it('checks the last ticket too, however high the limit', () => {
    const tickets = [...ticketsOf(100_001), { ...ticket('last', []), title: 7 }];
    const issues = refused(parseProposal(smallProposal(tickets), { limits: { maxTickets: 200_000, maxBytes: 1e9 } }));
    expect(places(issues)).toEqual(['wrong-type /tickets/100001/title']);
  });

  it('accepts 10,000 tickets with three dependencies each, and a chain of 10,000', () => {
    expect(parseProposal(layeredProposal({ tickets: 10_000 })).ok).toBe(true);
    const chain = Array.from({ length: 10_000 }, (_, index) => ticket(`t${index}`, index === 0 ? [] : [`t${index - 1}`]));
    expect(parseProposal(smallProposal(chain)).ok).toBe(true);
  });

  it('names a cycle of 10,000 tickets from its ends', () => {
    const ring = Array.from({ length: 10_000 }, (_, index) => ticket(`t${index}`, [`t${(index + 1) % 10_000}`]));
    const [issue] = refused(parseProposal(smallProposal(ring)));
    expect(issue?.message).toContain('t0 → t1 → t2');
    expect(issue?.message).toContain('… (9900 more) … → t9999 → t0');
  });

  it('refuses 50 MB of text unread, and measures in bytes', () => {
    expect(places(refused(parseProposal(' '.repeat(50_000_000))))).toEqual(['too-large ']);
    const text = JSON.stringify({ ...baseProposal(), goal: 'ä'.repeat(1_000) });
    const bytes = new TextEncoder().encode(text).length;
    expect(parseProposal(text, { limits: { maxBytes: bytes } }).ok).toBe(true);
    expect(places(refused(parseProposal(text, { limits: { maxBytes: bytes - 1 } })))).toEqual(['too-large ']);
  });

  it('refuses a value whose shared parts would unfold without end', () => {
    let unfolding: unknown = 'x';
    for (let level = 0; level < 50; level += 1) unfolding = [unfolding, unfolding];
    expect(
      places(refused(parseProposal({ ...baseProposal(), metadata: { unfolding } }, { limits: { maxBytes: 1_000_000 } }))),
    ).toEqual(['too-large ']);
  });

  it('refuses lists that are too long, without looking at them', () => {
    expect(places(refused(parseProposal({ ...baseProposal(), tickets: new Array(4_000_000_000) })))).toContain(
      'too-long /tickets',
    );
  });

  it('refuses nesting that is too deep, as text and as a value', () => {
    let nested: unknown = 1;
    for (let level = 0; level < 10_000; level += 1) nested = { a: nested };
    const issues = refused(parseProposal({ ...baseProposal(), metadata: { nested } }));
    expect(issues.map(({ code }) => code)).toEqual(['too-deep']);
    expect(issues[0]?.message).toContain('deeper than 64 levels');
    const text = JSON.stringify(baseProposal()).replace('"source":"test"', `"deep":${'['.repeat(10_000)}${']'.repeat(10_000)}`);
    expect(refused(parseProposal(text)).map(({ code }) => code)).toEqual(['too-deep']);
  });

  it('counts the issues that it leaves out', () => {
    const tickets = ticketsOf(50).map((element) => ({ ...element, role: 'nobody', extra: 1 }));
    const issues = refused(parseProposal(smallProposal(tickets), { limits: { maxIssues: 30 } }));
    expect(issues).toHaveLength(31);
    expect(issues.at(-1)).toEqual({
      code: 'more-issues',
      pointer: '',
      message: expect.stringMatching(/^70 more issues/) as string,
    });
  });
});

describe('what is not JSON', () => {
  it.each([
    ['', 'expected a value at line 1, column 1 (offset 0), found the end of the text'],
    ['{"goal": }', 'expected a value at line 1, column 10 (offset 9), found "}"'],
    ['{\n  "goal": "x",\n}', 'expected a name in double quotes at line 3, column 1 (offset 17), found "}"'],
    ['{"a" 1}', 'expected ":" at line 1, column 6 (offset 5), found "1}"'],
    ['[1 2]', 'expected "," or "]" at line 1, column 4 (offset 3), found "2]"'],
    ['[1,]', 'expected a value at line 1, column 4 (offset 3), found "]"'],
    ['{} {}', 'expected the end of the text at line 1, column 4 (offset 3), found "{}"'],
    ['"open', 'expected a closing double quote at line 1, column 6 (offset 5), found the end of the text'],
    ['"a\nb"', 'expected an escape such as "\\n" in the place of a control character at line 1, column 3 (offset 2)'],
    ['"\\x"', 'expected a valid escape at line 1, column 2 (offset 1)'],
    ['Here is the plan: {}', 'expected a value at line 1, column 1 (offset 0), found "Here is the plan: {}"'],
  ])('says where %j stops being JSON', (text, sentence) => {
    const [issue] = refused(parseProposal(text));
    expect(issue?.code).toBe('not-json');
    expect(issue?.message).toContain(`the proposal is not JSON: ${sentence}`);
  });

  it('finds the first place at which a text can no longer become JSON', () => {
    fc.assert(
      fc.property(fc.json(), fc.nat(), fc.string({ maxLength: 3 }), (json, place, noise) => {
        const cut = place % (json.length + 1);
        const text = json.slice(0, cut) + noise + json.slice(cut);
        const { offset } = findJsonTextFault(text);
        const end = (part: string) => findJsonTextFault(part).offset;
        // What lies before the fault is whole JSON, or lacks nothing but its end.
        expect(end(text.slice(0, offset))).toBe(offset);
        if (noise === '') expect(offset).toBe(json.length);
        else if (!isJson(text) && offset < text.length) expect(isJson(text.slice(0, offset + 1))).toBe(false);
      }),
      { numRuns: 500 },
    );
  });

  it.each<[string, unknown, string]>([
    ['undefined in a list', [undefined], '/metadata/x/0'],
    ['a function', () => 1, '/metadata/x'],
    ['a bigint', 1n, '/metadata/x'],
    ['a symbol', Symbol('s'), '/metadata/x'],
    ['NaN', Number.NaN, '/metadata/x'],
    ['infinity', Number.POSITIVE_INFINITY, '/metadata/x'],
    ['a date', new Date(0), '/metadata/x'],
    ['a map', new Map(), '/metadata/x'],
    ['a class instance', new URL('https://example.org'), '/metadata/x'],
    ['a key that is a symbol', { [Symbol('s')]: 1 }, '/metadata/x'],
  ])('refuses %s', (_, x, pointer) => {
    expect(places(refused(parseProposal({ ...baseProposal(), metadata: { x } })))).toEqual([`not-json-value ${pointer}`]);
  });

  it('refuses what refers to itself', () => {
    const metadata: Record<string, unknown> = {};
    metadata['self'] = { metadata };
    expect(places(refused(parseProposal({ ...baseProposal(), metadata })))).toEqual(['not-json-value /metadata/self/metadata']);
  });

  it('refuses lone surrogates in values and keys', () => {
    const issues = refused(parseProposal({ ...baseProposal(), goal: 'a\ud800', metadata: { 'b\udfff': 1 } }));
    expect(issues.map(({ code }) => code)).toEqual(['lone-surrogate', 'lone-surrogate']);
    expect(issues.every(({ pointer, message }) => pointer.isWellFormed() && message.isWellFormed())).toBe(true);
  });

  it('survives getters that throw', () => {
    const proposal = Object.defineProperty(baseProposal(), 'goal', {
      enumerable: true,
      get() {
        throw new Error('boom');
      },
    });
    expect(refused(parseProposal(proposal))[0]?.message).toContain('boom');
  });

  it('CC-04 never throws, whatever it is given', () => {
    const anything = fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withNullPrototype: true,
      withSparseArray: true,
    });
    const section = fc.constantFrom(...Object.keys(baseProposal()));
    fc.assert(
      fc.property(fc.oneof(anything, fc.json(), fc.string()), section, (value, name) => {
        for (const input of [
          value,
          { ...baseProposal(), [name]: value },
          { ...baseProposal(), tickets: [value], roles: [value] },
        ]) {
          const result = parseProposal(input);
          if (result.ok) continue;
          expect(result.error.length).toBeGreaterThan(0);
          for (const issue of result.error) {
            expect(issue.code).toMatch(/^[a-z]+(-[a-z]+)*$/);
            expect(issue.pointer).toMatch(/^(\/|$)/);
            expect(issue.message).not.toBe('');
          }
        }
      }),
      { numRuns: 500 },
    );
  });
});
