import fc from 'fast-check';
import { parseProposal, proposalJsonSchema, type Topology } from 'planwright';
import { proposalArbitrary } from 'planwright/testing';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';

import { compileJsonSchema, type CompiledSchema } from '../../../src/core/schema/json-schema.js';
import { proposalJsonSchema as schemaWith } from '../../../src/core/proposal/proposal-json-schema.js';
import { proposalSchema } from '../../../src/core/proposal/schema/proposal-schema.js';
import { accepted, at, baseProposal, type Loose } from './support/base-proposal.js';

const compiled = (schema: unknown): CompiledSchema => {
  const result = compileJsonSchema(schema);
  if (!result.ok) throw new Error(result.error);
  return result.value;
};

const gateOf = (parts: object) => ({ kind: 'before', prompt: 'Go on?', expiresAfterMs: 1, ...parts });

const topologyWith = (options: Topology['options']): Topology => ({
  kind: 'mine',
  description: 'My own',
  options,
  arrange: () => ({ ok: true, value: [] }),
});

describe('proposalJsonSchema', () => {
  const schema = compiled(proposalJsonSchema());

  it('accepts whatever parseProposal accepts, and so does the zod schema', () => {
    expect(schema.validate(baseProposal())).toEqual([]);
    const expiring = baseProposal();
    at(expiring, '/tickets/0')['gate'] = gateOf({ onExpiry: 'approve' });
    expect(schema.validate(accepted(parseProposal(expiring)))).toEqual([]);
    fc.assert(
      fc.property(proposalArbitrary({ gates: true, reducers: true }), (proposal) => {
        const parsed = accepted(parseProposal(proposal));
        expect(schema.validate(parsed)).toEqual([]);
        expect(proposalSchema.safeParse(parsed).success).toBe(true);
      }),
    );
  });

  it.each<[string, string, (proposal: Loose) => void]>([
    ['an unknown key', '', (p) => (p['extra'] = 1)],
    ['an unknown key of a ticket', '/tickets/0', (p) => (at(p, '/tickets/0')['dependson'] = [])],
    ['a missing title', '/tickets/0', (p) => delete at(p, '/tickets/0')['title']],
    ['an unknown effect', '/tickets/0/effect', (p) => (at(p, '/tickets/0')['effect'] = 'twice')],
    [
      'a gate that expires at once',
      '/tickets/0/gate/expiresAfterMs',
      (p) => (at(p, '/tickets/0')['gate'] = gateOf({ expiresAfterMs: 0 })),
    ],
    ['an unknown expiry', '/tickets/0/gate/onExpiry', (p) => (at(p, '/tickets/0')['gate'] = gateOf({ onExpiry: 'wait' }))],
    ['a goal of white space', '/goal', (p) => (p['goal'] = ' ')],
    ['no tickets', '/tickets', (p) => (p['tickets'] = [])],
    ['a negative budget', '/budget/maxCostUsd', (p) => (at(p, '/budget')['maxCostUsd'] = -1)],
    ['half a step', '/budget/maxSteps', (p) => (at(p, '/budget')['maxSteps'] = 1.5)],
    ['both agent and hire', '/roles/0', (p) => (at(p, '/roles/0')['hire'] = { name: 'X' })],
    ['no output schema of the synthesis', '/synthesis', (p) => delete at(p, '/synthesis')['outputSchema']],
    ['an unknown topology', '/topology/kind', (p) => (p['topology'] = { kind: 'swarm' })],
    ['an unknown topology option', '/topology', (p) => (p['topology'] = { kind: 'pipeline', speed: 1 })],
  ])('refuses %s', (_, pointer, change) => {
    const proposal = baseProposal();
    change(proposal);
    expect(schema.validate(proposal).map((fault) => fault.pointer)).toContain(pointer);
    expect(parseProposal(proposal).ok).toBe(false);
  });

  it('tells a planner what fields are for', () => {
    const text = JSON.stringify(proposalJsonSchema());
    for (const words of ['Keys of the tickets that must have succeeded', 'in milliseconds', '{{input.<id>}}', 'US dollars']) {
      expect(text).toContain(words);
    }
    expect(JSON.stringify(proposalJsonSchema())).toBe(text);
    expect(Object.isFrozen(proposalJsonSchema())).toBe(true);
  });

  it('spells out the options of topologies made with zod, and lets others be', () => {
    const own = (options: Topology['options']) => {
      const schemaOfOwn = compiled(schemaWith({ topologies: [topologyWith(options)] }));
      return (topology: Loose) => schemaOfOwn.validate({ ...baseProposal(), topology }).length === 0;
    };
    const strict = own(z.strictObject({ peers: z.array(z.string()), rounds: z.int().default(3) }));
    expect(strict({ kind: 'mine', peers: ['a'] })).toBe(true);
    expect(strict({ kind: 'mine' })).toBe(false);
    expect(strict({ kind: 'mine', peers: [], extra: 1 })).toBe(false);
    expect(strict({ kind: 'yours', peers: [] })).toBe(false);

    const anything = { kind: 'mine', whatever: [1] };
    const tree: z.ZodType = z.object({ get children() { return z.array(tree); } }); // prettier-ignore
    for (const options of [
      z.union([z.object({}), z.string()]),
      tree,
      { safeParse: () => ({ success: true, data: 0 }) as const },
    ]) {
      expect(own(options)(anything)).toBe(true);
    }
  });

  it('lets no topology be chosen where there is none', () => {
    const none = compiled(schemaWith({ topologies: [] }));
    const { topology: _, ...proposal } = baseProposal();
    expect(none.validate(proposal)).toEqual([]);
    expect(none.validate({ ...proposal, topology: { kind: 'graph' } })).not.toEqual([]);
  });
});
