import type { OrchestrationProposal } from '../ports/proposal.js';
import type { Topology } from '../ports/topology.js';
import { deepFreeze } from '../shared/freeze.js';
import type { Issue } from '../shared/issue.js';
import { err, ok, type Result } from '../shared/result.js';
import { copyInput } from './copy-input.js';
import { IssueList } from './issue-list.js';
import { defaultLimits, type ProposalLimits } from './proposal-limits.js';
import { readJsonText } from './read-json-text.js';
import { checkCounts } from './rules/check-counts.js';
import { checkDependencies } from './rules/check-dependencies.js';
import { checkInputs } from './rules/check-inputs.js';
import { checkKeys } from './rules/check-keys.js';
import { checkOutputSchemas } from './rules/check-output-schemas.js';
import { checkPolicies } from './rules/check-policies.js';
import { checkReducers } from './rules/check-reducers.js';
import { checkReservedKeys } from './rules/check-reserved-keys.js';
import { checkResources } from './rules/check-resources.js';
import { checkRoleReferences, checkRoles } from './rules/check-roles.js';
import { checkTopology } from './rules/check-topology.js';
import type { Rule } from './rules/rule.js';
import { checkStructure } from './schema/check-structure.js';
import { sketchProposal } from './sketch.js';

/** Options of {@link parseProposal}. */
export interface ParseOptions {
  /** What `topology.kind` can name. Their own schemas check the options that stand beside it. */
  readonly topologies: readonly Topology[];
  /** Names of the reducers besides the built-in ones that may be named as `custom:<name>`. Default: any name is taken to be known. */
  readonly reducers?: readonly string[] | undefined;
  /** Where they differ from the defaults, which are generous. */
  readonly limits?: Partial<ProposalLimits> | undefined;
}

/** `checkInputs` stands last: it asks the topology, and only for what the other rules found sound. */
const rules: readonly Rule[] = [
  checkCounts,
  checkKeys,
  checkRoles,
  checkRoleReferences,
  checkReducers,
  checkOutputSchemas,
  checkResources,
  checkPolicies,
  checkReservedKeys,
  checkTopology,
  checkDependencies,
  checkInputs,
];

/**
 * Turns a JSON text or a value into a proposal, or into everything that is wrong with it in one pass: each issue with its place, a
 * stable code, and a sentence that says what was found and what would be right. The proposal is a frozen copy that shares nothing with
 * the input, which is not changed. Never throws, whatever it is given; the cost is linear in the size of the input.
 *
 * @example
 * const parsed = parseProposal(text, { topologies: builtInTopologies });
 * if (!parsed.ok) reply(parsed.error); // [{ pointer: '/tickets/2/role', code: 'unknown-role', message: '…' }]
 */
export function parseProposal(
  input: unknown,
  { topologies, reducers, limits: given }: ParseOptions,
): Result<OrchestrationProposal, Issue[]> {
  const limits = { ...defaultLimits, ...given };
  const issues = new IssueList(limits.maxIssues);
  const text = typeof input === 'string' ? readJsonText(input, limits.maxBytes) : ok(input);
  if (!text.ok) return err([text.error]);
  const copy = copyInput(text.value, { limits, issues });
  if (copy === undefined) return err(issues.toArray());

  // Frozen before any rule runs: one of them hands it to a topology, which is someone else's code.
  const value = deepFreeze(copy.value);
  checkStructure(value, { limits, issues, refused: copy.refused });
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    const sketch = sketchProposal(value);
    for (const rule of rules) rule({ sketch, limits, topologies, reducers, issues });
  }
  // Every structural rule of the type has just been checked; the types of the checks are tied to it in proposal-schema.ts.
  return issues.count === 0 ? ok(value as OrchestrationProposal) : err(issues.toArray());
}
