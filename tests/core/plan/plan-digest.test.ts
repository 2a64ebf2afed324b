import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { planProposal } from '../../../src/core/plan/plan-proposal.js';
import type { OrchestrationProposal, Ticket } from '../../../src/core/ports/proposal.js';
import { builtInTopologies } from '../../../src/topologies/index.js';
import { allPhases, anyProposal, planOf, proposal, ticket } from './support.js';

const digestOf = (sound: OrchestrationProposal): string => planOf(sound).digest;

/** The same data with every object's keys the other way round. */
function reversedKeys<T>(value: T): T {
  if (Array.isArray(value)) return value.map(reversedKeys) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, member]) => [key, reversedKeys(member)]),
  ) as T;
}

describe('the digest of a plan', () => {
  it('does not move with key order, titles, metadata, revision, or the order of roles and dependencies', () => {
    fc.assert(
      fc.property(anyProposal, (sound) => {
        const digest = digestOf(sound);
        expect(digest).toMatch(/^[0-9a-f]{64}$/);
        expect(digestOf(reversedKeys(sound))).toBe(digest);
        expect(digestOf({ ...sound, metadata: { any: 'thing' }, roles: [...sound.roles].reverse() })).toBe(digest);
        const relabelled = sound.tickets.map((one) => ({
          ...one,
          title: 'New',
          dependsOn: [...(one.dependsOn ?? []), ...(one.dependsOn ?? [])].reverse(),
        }));
        expect(digestOf({ ...sound, tickets: relabelled })).toBe(digest);
        const revised = planProposal(sound, { topologies: builtInTopologies, revision: 7 });
        expect(revised).toMatchObject({ value: { digest, revision: 7 } });
      }),
    );
  });

  it('is the same for a default that is written out', () => {
    const tickets = [ticket('a'), ticket('b')];
    const spelled = tickets.map((one): Ticket => ({
      ...one,
      effect: 'idempotent',
      priority: 'normal',
      onFailure: 'continue',
      dependsOn: [],
      retry: { attempts: 1, jitter: 0 },
    }));
    expect(digestOf(proposal(spelled, { topology: { kind: 'graph' }, budget: { onExceeded: 'fail' } }))).toBe(
      digestOf(proposal(tickets)),
    );
  });

  const base = proposal([ticket('a'), ticket('b', { dependsOn: ['a'] }), ticket('c')], {
    ...allPhases,
    resources: { search: { concurrency: 1 } },
  });
  const editTicket = (parts: Partial<Ticket>): OrchestrationProposal => ({
    ...base,
    tickets: base.tickets.map((one) => (one.key === 'b' ? { ...one, ...parts } : one)),
  });
  const edits: Readonly<Record<string, OrchestrationProposal>> = {
    goal: { ...base, goal: 'Another goal' },
    context: { ...base, context: { parentTicket: 'T-2' } },
    scope: { ...base, context: { scope: { a: 1 } } },
    'role agent': { ...base, roles: [{ key: 'worker', kind: 'existing', agentId: 'agent-9' }, base.roles[1]!] },
    'role template': { ...base, roles: [{ ...base.roles[0]!, promptTemplate: 'Be brief.' }, base.roles[1]!] },
    'role clear': { ...base, roles: [{ ...base.roles[0]!, clear: false }, base.roles[1]!] },
    'role tools': { ...base, roles: [{ ...base.roles[0]!, tools: ['search'] }, base.roles[1]!] },
    'role budget': { ...base, roles: [{ ...base.roles[0]!, budget: { maxTokens: 1000 } }, base.roles[1]!] },
    'role heartbeat timeout': { ...base, roles: [{ ...base.roles[0]!, heartbeatTimeoutMs: 1 }, base.roles[1]!] },
    'role concurrency': { ...base, roles: [{ ...base.roles[0]!, concurrency: 2 }, base.roles[1]!] },
    'one more ticket': { ...base, tickets: [...base.tickets, ticket('d')] },
    'ticket order': { ...base, tickets: [base.tickets[2]!, base.tickets[0]!, base.tickets[1]!] },
    'ticket role': editTicket({ role: 'writer' }),
    'ticket instructions': editTicket({ instructions: 'Do b well.' }),
    'ticket dependencies': editTicket({ dependsOn: ['a', 'c'] }),
    'ticket input': editTicket({ input: { from: ['a'] } }),
    'ticket schema': editTicket({ outputSchema: { type: 'object' } }),
    'ticket effect': editTicket({ effect: 'once' }),
    'ticket compensation': editTicket({ compensation: { role: 'worker', instructions: 'Undo.' } }),
    'ticket retry': editTicket({ retry: { attempts: 2 } }),
    'ticket timeout': editTicket({ timeoutMs: 1 }),
    'ticket total timeout': editTicket({ totalTimeoutMs: 1 }),
    'ticket heartbeat timeout': editTicket({ heartbeatTimeoutMs: 1 }),
    'ticket throttling': editTicket({ retry: { maxThrottled: 1 } }),
    'ticket resources': editTicket({ resources: ['search'] }),
    'ticket onFailure': editTicket({ onFailure: 'fail-run' }),
    'ticket gate': editTicket({ gate: { kind: 'before', prompt: 'Go?' } }),
    'gate expiry': editTicket({ gate: { kind: 'before', prompt: 'Go?', expiresAfterMs: 5 } }),
    'what expiry means': editTicket({ gate: { kind: 'before', prompt: 'Go?', expiresAfterMs: 5, onExpiry: 'approve' } }),
    'ticket priority': editTicket({ priority: 'high' }),
    'ticket estimate': editTicket({ estimate: { tokens: 5 } }),
    'ticket budget': editTicket({ budget: { maxTokens: 5 } }),
    research: { ...base, research: { role: 'worker', instructions: 'Look elsewhere.' } },
    discussion: { ...base, discussion: { instructions: 'Argue.', rounds: 2 } },
    rounds: { ...base, discussion: { ...allPhases.discussion, rounds: 1 } },
    synthesis: { ...base, synthesis: { ...base.synthesis, outputSchema: { type: 'string' } } },
    budget: { ...base, budget: { maxCostUsd: 1 } },
    resources: { ...base, resources: { search: { concurrency: 2 } } },
  };

  it.each(Object.entries(edits))('moves with %s', (_, edited) => {
    expect(digestOf(edited)).not.toBe(digestOf(base));
  });

  it('tells all of these edits apart', () => {
    const digests = Object.values(edits).map(digestOf);
    expect(new Set(digests).size).toBe(digests.length);
  });
});
