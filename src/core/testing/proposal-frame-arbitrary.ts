import fc from 'fast-check';

import type { OrchestrationProposal, ResourceLimit, Role } from '../ports/proposal.js';
import { keyArbitrary } from './key-arbitrary.js';
import { estimateArbitrary, outputSchemaArbitrary, retryArbitrary } from './ticket-arbitrary.js';

/** What stands around the tickets, before the number of steps is known. */
export interface FrameSeed {
  readonly roles: readonly Role[];
  /** Roles that get a budget of their own, by place. */
  readonly budgetedRoles: readonly boolean[];
  readonly resources: readonly { readonly name: string; readonly limit: ResourceLimit }[];
  readonly research: boolean;
  /** Rounds of discussion; 0 for none. */
  readonly rounds: number;
  readonly phaseRole: number;
  readonly synthesis: Pick<OrchestrationProposal['synthesis'], 'outputSchema'>;
  readonly phaseSettings: Pick<OrchestrationProposal['synthesis'], 'retry' | 'estimate'>;
  readonly budget: Readonly<Record<'cost' | 'tokens' | 'steps' | 'agents' | 'duration' | 'pause' | 'concurrency', boolean>>;
  readonly extras: Pick<OrchestrationProposal, 'context' | 'metadata'>;
}

export interface FrameSeedOptions {
  readonly hostileKeys: boolean;
  readonly phases: boolean;
  readonly failures: boolean;
}

/** Seeds of everything but the tickets and the topology. */
export function frameSeedArbitrary({ hostileKeys, phases, failures }: FrameSeedOptions): fc.Arbitrary<FrameSeed> {
  const key = keyArbitrary({ hostile: hostileKeys });
  return fc.record({
    roles: fc.uniqueArray(roleArbitrary(key), { selector: (role) => role.key, minLength: 1, maxLength: 4 }),
    budgetedRoles: fc.array(fc.boolean(), { maxLength: 4 }),
    resources: fc.uniqueArray(fc.record({ name: key, limit: limitArbitrary }), { selector: ({ name }) => name, maxLength: 3 }),
    research: phases ? fc.boolean() : fc.constant(false),
    rounds: phases ? fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 2 })) : fc.constant(0),
    phaseRole: fc.nat({ max: 99 }),
    synthesis: fc.record({ outputSchema: outputSchemaArbitrary }),
    phaseSettings: fc.record({ estimate: estimateArbitrary, ...(failures && { retry: retryArbitrary }) }, { requiredKeys: [] }),
    budget: fc.record({ cost: yes, tokens: yes, steps: yes, agents: yes, duration: yes, pause: yes, concurrency: yes }),
    extras: fc.record(
      { context: contextArbitrary, metadata: fc.constantFrom({}, { note: 'any', list: [1, null] }) },
      { requiredKeys: [] },
    ),
  });
}

const yes = fc.boolean();

const roleArbitrary = (key: fc.Arbitrary<string>): fc.Arbitrary<Role> =>
  fc
    .tuple(
      key,
      fc.boolean(),
      fc.record(
        {
          description: fc.constant('Good at this.'),
          promptTemplate: fc.constant('You work with care.'),
          clear: fc.boolean(),
          tools: fc.constantFrom([], ['search'], ['search', 'shell']),
          concurrency: fc.integer({ min: 1, max: 3 }),
        },
        { requiredKeys: [] },
      ),
    )
    .map(([roleKey, isHire, base]) =>
      isHire
        ? { ...base, key: roleKey, kind: 'hire', hire: { name: `Hire ${roleKey}` } }
        : { ...base, key: roleKey, kind: 'existing', agentId: `agent ${roleKey}` },
    );

// Interval and limit only make sense together; queue limits would turn waiting into refusals.
const limitArbitrary: fc.Arbitrary<ResourceLimit> = fc.oneof(
  fc.constant({}),
  fc.record({ concurrency: fc.integer({ min: 2, max: 4 }) }),
  fc.record({
    concurrency: fc.integer({ min: 2, max: 4 }),
    limit: fc.integer({ min: 1, max: 5 }),
    intervalMs: fc.constant(1_000),
  }),
);

const contextArbitrary = fc.record(
  {
    parentTicket: fc.constant('T-1'),
    channel: fc.constant('c-1'),
    repositories: fc.constantFrom([], ['main']),
    scope: fc.constant({ sprint: 7 }),
  },
  { requiredKeys: [] },
);
