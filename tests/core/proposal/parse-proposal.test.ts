import fc from 'fast-check';
import { canonicalJson, parseProposal } from 'planwright';
import { proposalArbitrary } from 'planwright/testing';
import { describe, expect, it } from 'vitest';

import { deepFreeze } from '../../../src/core/shared/freeze.js';
import { accepted, at, baseProposal, type Loose, places, refused, smallProposal, ticket } from './support/base-proposal.js';
import { type Fault, faults } from './support/faults.js';

const broken = (...injected: readonly Fault[]): Loose => {
  const proposal = baseProposal();
  for (const { inject } of injected) inject(proposal);
  return proposal;
};

/** `-1` in a fault's pointer counts from the end of the list. */
const resolved = (pointer: string, proposal: Loose): string =>
  pointer.replace(/^\/(roles|tickets)\/-(\d)/, (_, list: string, back: string) => {
    const { length } = at(proposal, `/${list}`) as unknown as readonly unknown[];
    return `/${list}/${length - Number(back)}`;
  });

const withTicket = (change: Loose): Loose => {
  const proposal = baseProposal();
  Object.assign(at(proposal, '/tickets/0'), change);
  return proposal;
};

describe('sound proposals', () => {
  it('CC-04 turns JSON, as text or as a value, into a typed proposal', () => {
    const fromValue = accepted(parseProposal(baseProposal()));
    const fromText = accepted(parseProposal(JSON.stringify(baseProposal())));
    expect(fromValue).toEqual(baseProposal());
    expect(fromText).toEqual(fromValue);
  });

  it('accepts what the testing kit generates, and parsing its JSON again changes nothing', () => {
    fc.assert(
      fc.property(proposalArbitrary({ gates: true, reducers: true, maxTickets: 20 }), (proposal) => {
        const once = accepted(parseProposal(proposal));
        expect(canonicalJson(once)).toBe(canonicalJson(proposal));
        expect(accepted(parseProposal(JSON.stringify(once)))).toEqual(once);
      }),
      { numRuns: 200 },
    );
  });

  it('gives a frozen copy that shares nothing with the input, and leaves the input as it was', () => {
    const input = deepFreeze(baseProposal());
    const before = canonicalJson(input);
    const proposal = accepted(parseProposal(input));
    expect(canonicalJson(input)).toBe(before);
    const pending: [unknown, unknown][] = [[proposal, input]];
    for (let pair = pending.pop(); pair !== undefined; pair = pending.pop()) {
      const [copy, original] = pair;
      if (typeof copy !== 'object' || copy === null) continue;
      expect(copy).not.toBe(original);
      expect(Object.isFrozen(copy)).toBe(true);
      for (const key of Object.keys(copy)) pending.push([(copy as Loose)[key], (original as Loose)[key]]);
    }
  });

  it('drops members that are undefined, as JSON does', () => {
    expect(accepted(parseProposal({ ...baseProposal(), topology: undefined }))).toEqual(baseProposal());
  });

  it('CC-44 accepts a proposal without a parent ticket', () => {
    const { context: _, ...proposal } = baseProposal();
    expect(accepted(parseProposal(proposal)).context).toBeUndefined();
  });

  // FO-03 has an empty list refused; the contract shows one, and the contract wins.
  it('FO-03 keeps the repositories, and accepts an empty list of them', () => {
    expect(accepted(parseProposal(baseProposal())).context?.repositories).toEqual(['site']);
    const proposal = baseProposal();
    at(proposal, '/context')['repositories'] = [];
    expect(accepted(parseProposal(proposal)).context?.repositories).toEqual([]);
  });

  it('accepts a resource that a ticket uses and the proposal does not declare', () => {
    expect(parseProposal(withTicket({ resources: ['browser'] })).ok).toBe(true);
  });

  it('accepts a byte order mark in front of the text', () => {
    expect(parseProposal(`\uFEFF${JSON.stringify(baseProposal())}`).ok).toBe(true);
  });
});

describe('faults', () => {
  it.each(faults.map((fault) => [fault.name, fault] as const))('CX-02 reports %s', (_, fault) => {
    const proposal = broken(fault);
    const issues = refused(parseProposal(proposal));
    const found = issues.find(({ code, pointer }) => code === fault.code && pointer === resolved(fault.pointer, proposal));
    expect(found?.message, JSON.stringify(issues)).toMatch(fault.message);
    // Nothing that the fault does not explain.
    expect(places(issues)).toEqual([`${fault.code} ${resolved(fault.pointer, proposal)}`]);
  });

  it('CX-02 reports all of several faults in one pass', () => {
    fc.assert(
      fc.property(fc.subarray([...faults], { minLength: 2 }), (injected) => {
        const issues = refused(parseProposal(broken(...injected)));
        for (const { code, message } of injected) {
          expect(
            issues.some((issue) => issue.code === code && message.test(issue.message)),
            `${code} ${message.source}`,
          ).toBe(true);
        }
      }),
      { numRuns: 200, examples: [[[...faults]]] },
    );
  });

  it('CC-05 reports a goal of white space', () => {
    for (const goal of ['', ' ', '\t\n', '\u00a0']) {
      expect(places(refused(parseProposal({ ...baseProposal(), goal })))).toEqual(['blank /goal']);
    }
  });

  it('CX-02 asks for at least one role and one ticket', () => {
    const { research: _r, discussion: _d, ...proposal } = baseProposal();
    const issues = refused(parseProposal({ ...proposal, roles: [], tickets: [] }));
    expect(issues.map(({ message }) => message)).toEqual(
      expect.arrayContaining(['at least one role is required', 'at least one ticket is required']),
    );
  });

  it('CC-08 CX-02 names the members of each cycle in order, each cycle once', () => {
    const tickets = [ticket('a', ['c']), ticket('b', ['a']), ticket('c', ['b']), ticket('x y', ['z']), ticket('z', ['x y', 'a'])];
    const cycles = refused(parseProposal(smallProposal(tickets)));
    expect(places(cycles)).toEqual(['dependency-cycle /tickets/0/dependsOn/0', 'dependency-cycle /tickets/3/dependsOn/0']);
    expect(cycles[0]?.message).toContain('a → c → b → a');
    expect(cycles[1]?.message).toContain('"x y" → z → "x y"');
  });

  it('CC-08 refuses unknown keys and dependencies on oneself', () => {
    const issues = refused(parseProposal(smallProposal([ticket('a', ['a', 'b'])])));
    expect(places(issues)).toEqual(['self-dependency /tickets/0/dependsOn/0', 'unknown-dependency /tickets/0/dependsOn/1']);
  });

  it('CR-07 refuses a role with neither or both of agentId and hire', () => {
    const roles = [
      { key: 'analyst', kind: 'existing' },
      { key: 'both', kind: 'hire', agentId: 'a', hire: { name: 'B' } },
    ];
    const issues = refused(parseProposal({ ...smallProposal([ticket('a', [])]), roles }));
    expect(places(issues)).toEqual(['role-agent-or-hire /roles/0', 'role-agent-or-hire /roles/1']);
  });

  it('CR-08 names the ticket whose output schema is malformed, and a synthesis without one', () => {
    const proposal = withTicket({ outputSchema: { type: 'object', properties: { name: { type: 'text' } } } });
    delete at(proposal, '/synthesis')['outputSchema'];
    const issues = refused(parseProposal(proposal));
    expect(places(issues).toSorted()).toEqual([
      'malformed-schema /tickets/0/outputSchema',
      'missing-output-schema /synthesis/outputSchema',
    ]);
    expect(issues.find(({ code }) => code === 'malformed-schema')?.message).toMatch(
      /^ticket "a" output schema is malformed: at "\/properties\/name\/type"/,
    );
  });

  it('says of a missing synthesis that it is missing, and goes on', () => {
    const { synthesis: _, ...proposal } = baseProposal();
    expect(places(refused(parseProposal({ ...proposal, goal: '' })))).toEqual(['blank /goal', 'missing /synthesis']);
  });

  it('reports what is not an object at all', () => {
    for (const input of [7, 'true', '[]', null, [baseProposal()]]) {
      expect(places(refused(parseProposal(input)))).toEqual(['wrong-type ']);
    }
    expect(places(refused(parseProposal(undefined)))).toEqual(['not-json-value ']);
  });
});

describe('inputs and placeholders', () => {
  const inputOf = (from: readonly string[]) => {
    const proposal = smallProposal([ticket('a', []), ticket('b', ['a']), ticket('c', ['b']), ticket('d', [])]);
    at(proposal, '/tickets/2')['input'] = { from };
    return parseProposal(proposal);
  };

  it('CX-08 accepts inputs upstream, however far', () => {
    expect(inputOf(['a', 'b']).ok).toBe(true);
    expect(inputOf([]).ok).toBe(true);
  });

  it('CX-08 refuses inputs from beside, from itself, from nowhere and from phases that there are not', () => {
    const issues = refused(inputOf(['d', 'c', 'nowhere', 'research', 'discussion']));
    expect(issues.map(({ code }) => code)).toEqual(Array.from({ length: 5 }, () => 'input-not-upstream'));
    expect(issues.map(({ pointer }) => pointer).toSorted()).toEqual(
      [0, 1, 2, 3, 4].map((place) => `/tickets/2/input/from/${place}`),
    );
  });

  it('CX-08 refuses a placeholder for what the step does not read', () => {
    const proposal = smallProposal([ticket('a', []), ticket('b', ['a']), ticket('c', ['b'])]);
    at(proposal, '/tickets/2')['instructions'] = 'Use {{input.b}} and {{input.a}} and {{plain}} and {{input.unclosed';
    expect(places(refused(parseProposal(proposal)))).toEqual(['unknown-placeholder /tickets/2/instructions']);
    at(proposal, '/tickets/2')['input'] = { from: ['a', 'b'] };
    expect(parseProposal(proposal).ok).toBe(true);
  });

  it('counts the dependencies that a topology adds', () => {
    const tickets = [ticket('a', []), { ...ticket('b', []), instructions: 'Use {{input.a}}', input: { from: ['a'] } }];
    expect(places(refused(parseProposal(smallProposal(tickets))))).toContain('input-not-upstream /tickets/1/input/from/0');
    expect(parseProposal({ ...smallProposal(tickets), topology: { kind: 'pipeline' } }).ok).toBe(true);
    expect(parseProposal({ ...smallProposal(tickets), topology: { kind: 'pipeline', stages: ['b', 'a'] } }).ok).toBe(false);
  });

  it('answers for tickets in a cycle too', () => {
    const tickets = [ticket('a', ['b']), { ...ticket('b', ['a']), input: { from: ['b', 'c'] } }, ticket('c', [])];
    expect(places(refused(parseProposal(smallProposal(tickets))))).toEqual([
      'dependency-cycle /tickets/0/dependsOn/0',
      'input-not-upstream /tickets/1/input/from/1',
    ]);
  });

  it('agrees with a plain search on what lies upstream', () => {
    const graph = fc.array(fc.array(fc.nat({ max: 60 }), { maxLength: 3 }), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(graph, fc.infiniteStream(fc.nat()), (edges, picks) => {
        const dependsOn = edges.map((targets, index) => [...new Set(targets.filter((target) => target < index))]);
        const named = edges.map(() => picks.next().value % edges.length);
        const upstream: Set<number>[] = [];
        for (const targets of dependsOn) upstream.push(new Set(targets.flatMap((target) => [target, ...upstream[target]!])));
        const tickets = dependsOn.map((targets, index) => ({
          ...ticket(
            `t${index}`,
            targets.map((target) => `t${target}`),
          ),
          input: { from: [`t${named[index]!}`] },
        }));
        const result = parseProposal(smallProposal(tickets));
        const expected = named.flatMap((target, index) =>
          upstream[index]!.has(target) ? [] : [`/tickets/${index}/input/from/0`],
        );
        expect(result.ok ? [] : result.error.map(({ pointer }) => pointer)).toEqual(expected);
      }),
    );
  });
});

describe('topologies', () => {
  it('lists the known kinds for an unknown one', () => {
    const [issue] = refused(parseProposal({ ...baseProposal(), topology: { kind: 'swarm' } }));
    expect(issue).toEqual({
      code: 'unknown-topology',
      pointer: '/topology/kind',
      message: 'unknown topology "swarm"; known: "single", "pipeline", "graph", "supervisor-worker", "network"',
    });
  });

  it("checks options by the topology's own schema", () => {
    const issues = refused(parseProposal({ ...baseProposal(), topology: { kind: 'pipeline', stages: ['a', 7], speed: 2 } }));
    expect(places(issues)).toEqual(['invalid-topology-option /topology/stages/1', 'invalid-topology-option /topology']);
  });

  it('survives a topology that throws', () => {
    const throwing = () => {
      throw new Error('boom');
    };
    const topology = { kind: 'mine', description: 'Throws', options: { safeParse: throwing }, arrange: throwing };
    const proposal = { ...smallProposal([ticket('a', [])]), topology: { kind: 'mine' } };
    const [issue] = refused(parseProposal(proposal, { topologies: [topology] }));
    expect(issue?.code).toBe('invalid-topology-option');
    expect(issue?.message).toContain('boom');
  });
});

describe('keys', () => {
  const hostile = [
    'constructor',
    'toString',
    '#x',
    'a.b',
    'a/b~c',
    '1',
    '🦊',
    'two words',
    `"quoted"`,
    'hasOwnProperty',
    'x'.repeat(200),
  ];

  it.each(hostile)('lets %j live as key of a role, a ticket and a resource', (key) => {
    const proposal = {
      ...smallProposal([ticket('first', []), { ...ticket(key, ['first']), role: key }, ticket('last', [key])]),
      roles: [
        { key: 'analyst', kind: 'existing', agentId: 'a' },
        { key, kind: 'existing', agentId: 'a' },
      ],
      resources: { [key]: { concurrency: 1 } },
    };
    const parsed = accepted(parseProposal(JSON.stringify(proposal)));
    expect(parsed.tickets[1]?.key).toBe(key);
    expect(Object.keys(parsed.resources ?? {})).toEqual([key]);
  });

  it.each([
    ['__proto__', 'unsafe-key'],
    ['', 'empty-key'],
    ['  ', 'empty-key'],
    [' a', 'untrimmed-key'],
    ['a\n', 'untrimmed-key'],
    ['a\u0000b', 'control-character'],
    ['x'.repeat(201), 'key-too-long'],
    ['\ud800', 'lone-surrogate'],
  ])('refuses %j by name', (key, code) => {
    const proposal = smallProposal([ticket('a', []), ticket(key, [])]);
    expect(refused(parseProposal(proposal)).map((issue) => issue.code)).toContain(code);
  });

  it('refuses members called __proto__ wherever they stand', () => {
    const text = JSON.stringify(baseProposal()).replace('"metadata":{', '"metadata":{"__proto__":{"polluted":true},');
    expect(places(refused(parseProposal(text)))).toEqual(['unsafe-key /metadata/__proto__']);
    const resources = JSON.stringify(baseProposal()).replace('"resources":{', '"resources":{"__proto__":{},');
    expect(places(refused(parseProposal(resources)))).toEqual(['unsafe-key /resources/__proto__']);
  });

  it('reserves the ids of phases that there are, and only those', () => {
    const keyed = (key: string) => smallProposal([ticket(key, [])]);
    for (const key of ['synthesis', 'gaps', 'reports', 'board']) {
      expect(places(refused(parseProposal(keyed(key))))).toEqual(['reserved-key /tickets/0/key']);
    }
    const discussion = { instructions: 'Talk', rounds: 2 };
    for (const key of ['discussion', 'discussion:1', 'discuss:1:analyst', 'discuss:2:analyst']) {
      expect(parseProposal(keyed(key)).ok).toBe(true);
      expect(places(refused(parseProposal({ ...keyed(key), discussion })))).toEqual(['reserved-key /tickets/0/key']);
    }
    for (const key of ['discussion:2', 'discuss:3:analyst', 'discuss:1:nobody', 'Synthesis']) {
      expect(parseProposal({ ...keyed(key), discussion }).ok).toBe(true);
    }
    const research = { role: 'analyst', instructions: 'Read' };
    expect(parseProposal(keyed('research')).ok).toBe(true);
    expect(places(refused(parseProposal({ ...keyed('research'), research })))).toEqual(['reserved-key /tickets/0/key']);
  });
});
