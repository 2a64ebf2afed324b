import { parseProposal, planProposal } from 'planwright';
import { describe, expect, it } from 'vitest';

import { networked } from '../running/support/play-team.js';
import { role, supervised } from '../running/support/team.js';
import { ticket } from '../running/support/world.js';

const issuesOf = (input: unknown) => {
  const parsed = parseProposal(input);
  return parsed.ok ? [] : parsed.error.map(({ code, pointer }) => [code, pointer]);
};
const goal = (parts: object) => [{ ...ticket('goal', { role: 'lead' }), ...parts }];

describe('unknown keys', () => {
  it.each([
    ['a ticket', supervised(['coder'], { tickets: goal({ readOnly: true }) }), ['unknown-key', '/tickets/0/readOnly']],
    [
      'a gate',
      supervised(['coder'], { tickets: goal({ gate: { kind: 'before', prompt: '?', promt: '?' } }) }),
      ['unknown-key', '/tickets/0/gate/promt'],
    ],
    [
      'a verification',
      supervised(['coder'], { tickets: goal({ verify: { role: 'coder', instructions: '?', maxRework: 1 } }) }),
      ['unknown-key', '/tickets/0/verify/maxRework'],
    ],
    ['a role', supervised([{ ...role('coder'), claer: false } as never]), ['unknown-key', '/roles/1/claer']],
    ['a supervisor', supervised(['coder'], { topology: { maxRound: 3 } }), ['invalid-topology-option', '/topology']],
    ['a network', networked(['a', 'b'], { topology: { maxHandoff: 3 } }), ['invalid-topology-option', '/topology']],
    [
      'a limit of a pair',
      networked(['a', 'b'], { topology: { pairLimit: { limit: 1, intervalMs: 1, perMs: 1 } } }),
      ['invalid-topology-option', '/topology/pairLimit'],
    ],
  ])('CX-06 DX-10 of %s are refused, not ignored', (_, input, issue) => {
    expect(issuesOf(input)).toEqual([issue]);
  });
});

describe('bounds', () => {
  it.each([
    ['maxRounds', 0],
    ['maxRounds', 1.5],
    ['maxParallel', 0],
    ['maxDelegations', 0],
    ['whenBusy', 'drop'],
  ])('of a supervisor: %s cannot be %s', (option, value) => {
    expect(issuesOf(supervised(['coder'], { topology: { [option]: value } }))).toEqual([
      ['invalid-topology-option', `/topology/${option}`],
    ]);
  });

  it.each([
    ['maxHandoffs', -1],
    ['maxDelegations', -1],
    ['maxRefusals', 1_001],
    ['handoffs', [['a']]],
    ['peers', []],
  ])('of a network: %s cannot be %j', (option, value) => {
    const [[code, pointer] = []] = issuesOf(networked(['a', 'b'], { topology: { [option]: value } }));
    expect([code, pointer?.startsWith(`/topology/${option}`)]).toEqual(['invalid-topology-option', true]);
  });

  it('none is without an end: what is left out has a default that the plan shows', () => {
    for (const input of [supervised(['coder']), networked(['a', 'b'])]) {
      const planned = planProposal(input);
      const { bounds } = (planned.ok ? planned.value.expansion : undefined)!;
      expect(Object.values(bounds).every((bound) => Number.isSafeInteger(bound))).toBe(true);
    }
  });

  it('a change of one is another plan', () => {
    const digestOf = (topology: object) => {
      const planned = planProposal(supervised(['coder'], { topology: topology as never }));
      return planned.ok ? planned.value.digest : '';
    };
    const digests = [
      {},
      { maxRounds: 24 },
      { maxParallel: 7 },
      { maxDelegations: 3 },
      { whenBusy: 'refuse' },
      { reportTimeoutMs: 1 },
    ].map(digestOf);
    expect(new Set(digests).size).toBe(digests.length);
  });
});
