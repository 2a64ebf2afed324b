import type { Kernel } from '../kernel/create-kernel.js';
import type { RunDefinition } from '../materializer/definition.js';
import type { CircuitBreakerSpec, ResourceLimit } from '../ports/proposal.js';

/** Breakers that an orchestrator gives its agents, whatever plans say. */
export interface BreakerOptions {
  /** By agent id. Each takes the place of what plans say for that agent. */
  readonly agents?: Readonly<Record<string, CircuitBreakerSpec>>;
  /** For every agent of which neither this nor the plan says anything. Default: none. */
  readonly default?: CircuitBreakerSpec;
}

/** Which breaker stands before whom. What the orchestrator says goes before what a plan says; where neither says anything, there is none. */
export interface BreakerSpecs {
  ofAgent(agentId: string, role: string | undefined, kernel: Kernel): CircuitBreakerSpec | undefined;
  ofResource(resource: string, kernel: Kernel): CircuitBreakerSpec | undefined;
}

export function createBreakerSpecs({
  breakers = {},
  resources,
}: {
  readonly breakers?: BreakerOptions | undefined;
  readonly resources: Readonly<Record<string, ResourceLimit>>;
}): BreakerSpecs {
  /** By role, where any role has one: asked for each attempt, and a plan may have a thousand roles. */
  const ofRoles = new WeakMap<RunDefinition, ReadonlyMap<string, CircuitBreakerSpec>>();
  const ofRole = (definition: RunDefinition, role: string | undefined): CircuitBreakerSpec | undefined => {
    let byRole = ofRoles.get(definition);
    if (!byRole) {
      byRole = new Map(definition.roles.flatMap(({ key, breaker }) => (breaker ? [[key, breaker] as const] : [])));
      ofRoles.set(definition, byRole);
    }
    return role === undefined ? undefined : byRole.get(role);
  };
  return {
    ofAgent: (agentId, role, { materialized: { definition } }) =>
      own(breakers.agents, agentId) ?? ofRole(definition, role) ?? breakers.default,
    ofResource: (resource, { materialized: { definition } }) =>
      own(resources, resource)?.breaker ?? own(definition.resources, resource)?.breaker,
  };
}

const own = <T>(record: Readonly<Record<string, T>> | undefined, name: string): T | undefined =>
  record && Object.hasOwn(record, name) ? record[name] : undefined;
