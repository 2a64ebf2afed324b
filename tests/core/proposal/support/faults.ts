import { append, at, type Loose, ticket } from './base-proposal.js';

/** One fault that can be put into the base proposal, and the issue that must then be found. */
export interface Fault {
  readonly name: string;
  /** Of the issue, in full. */
  readonly code: string;
  readonly pointer: string;
  readonly message: RegExp;
  inject(proposal: Loose): void;
}

const fault = (name: string, issue: Omit<Fault, 'name'>): Fault => ({ name, ...issue });

/**
 * Faults that can stand side by side, in any number: each touches a place of its own. Those of CX-02 come first, in its order, with
 * our words (ticket for sub-ticket, agentId for existingAgentId).
 */
export const faults: readonly Fault[] = [
  fault('an empty goal', {
    code: 'blank',
    pointer: '/goal',
    message: /^goal must not be empty$/,
    inject: (p) => (p['goal'] = ' \n'),
  }),
  fault('a role without a key', {
    code: 'empty-key',
    pointer: '/roles/-1/key',
    message: /^a role has an empty key$/,
    inject: (p) => append(p, '/roles', { key: ' ', kind: 'existing', agentId: 'x' }),
  }),
  fault('a role twice', {
    code: 'duplicate-role',
    pointer: '/roles/-1/key',
    message: /^duplicate role key "analyst"; \/roles\/0 has it already$/,
    inject: (p) => append(p, '/roles', { key: 'analyst', kind: 'existing', agentId: 'x' }),
  }),
  fault('a role with neither agent nor hire', {
    code: 'role-agent-or-hire',
    pointer: '/roles/-1',
    message: /^role "nobody" must set exactly one of agentId or hire; it sets neither$/,
    inject: (p) => append(p, '/roles', { key: 'nobody', kind: 'hire' }),
  }),
  fault('a role with both agent and hire', {
    code: 'role-agent-or-hire',
    pointer: '/roles/-1',
    message: /^role "both" must set exactly one of agentId or hire; it sets both$/,
    inject: (p) => append(p, '/roles', { key: 'both', kind: 'existing', agentId: 'x', hire: { name: 'X' } }),
  }),
  fault('a role whose kind does not fit', {
    code: 'role-kind-mismatch',
    pointer: '/roles/-1/kind',
    message: /^role "odd" has the kind "hire" but sets agentId; its kind must be "existing"$/,
    inject: (p) => append(p, '/roles', { key: 'odd', kind: 'hire', agentId: 'x' }),
  }),
  fault('a role that stands in for itself', {
    code: 'fallback-twice',
    pointer: '/roles/-1/fallbacks/1',
    message: /^role "own" names the agent "x" more than once, as its own or among its fallbacks; name each once$/,
    inject: (p) => append(p, '/roles', { key: 'own', kind: 'existing', agentId: 'x', fallbacks: ['y', 'x'] }),
  }),
  fault('a hire without a name', {
    code: 'blank',
    pointer: '/roles/1/hire/name',
    message: /^role "writer" hire spec has an empty name$/,
    inject: (p) => (at(p, '/roles/1/hire')['name'] = ''),
  }),
  fault('a ticket without a key', {
    code: 'empty-key',
    pointer: '/tickets/-1/key',
    message: /^a ticket has an empty key$/,
    inject: (p) => append(p, '/tickets', ticket('', [])),
  }),
  fault('a ticket twice', {
    code: 'duplicate-ticket',
    pointer: '/tickets/-1/key',
    message: /^duplicate ticket key "a"; \/tickets\/0 has it already$/,
    inject: (p) => append(p, '/tickets', ticket('a', [])),
  }),
  fault('an unknown role of a ticket', {
    code: 'unknown-role',
    pointer: '/tickets/0/role',
    message: /^ticket "a" references unknown role "analist"; did you mean "analyst"\?$/,
    inject: (p) => (at(p, '/tickets/0')['role'] = 'analist'),
  }),
  fault('a malformed output schema of a ticket', {
    code: 'malformed-schema',
    pointer: '/tickets/1/outputSchema',
    message: /^ticket "b" output schema is malformed: at "\/type": it must be one of /,
    inject: (p) => (at(p, '/tickets/1')['outputSchema'] = { type: 'objekt' }),
  }),
  fault('an unknown dependency', {
    code: 'unknown-dependency',
    pointer: '/tickets/3/dependsOn/2',
    message: /^ticket "d" depends on unknown "zzz"/,
    inject: (p) => append(p, '/tickets/3/dependsOn', 'zzz'),
  }),
  fault('a cycle', {
    code: 'dependency-cycle',
    pointer: '/tickets/-3/dependsOn/0',
    message: /^ticket dependencies contain a cycle: y → x → z → y \(each depends on the next\)/,
    inject: (p) => append(p, '/tickets', ticket('y', ['x']), ticket('z', ['y']), ticket('x', ['z'])),
  }),
  fault('an unknown role of the synthesis', {
    code: 'unknown-role',
    pointer: '/synthesis/role',
    message: /^synthesis references unknown role "boss"/,
    inject: (p) => (at(p, '/synthesis')['role'] = 'boss'),
  }),
  fault('no output schema of the synthesis', {
    code: 'missing-output-schema',
    pointer: '/synthesis/outputSchema',
    message: /^synthesis must declare an output schema$/,
    inject: (p) => delete at(p, '/synthesis')['outputSchema'],
  }),
  fault('an unknown role of the research', {
    code: 'unknown-role',
    pointer: '/research/role',
    message: /^research references unknown role "boss"/,
    inject: (p) => (at(p, '/research')['role'] = 'boss'),
  }),
  fault('a malformed output schema of the research', {
    code: 'malformed-schema',
    pointer: '/research/outputSchema',
    message: /^research output schema is malformed: a JSON Schema is an object or a boolean, not 7$/,
    inject: (p) => (at(p, '/research')['outputSchema'] = 7),
  }),
  fault('an unknown role of a compensation', {
    code: 'unknown-role',
    pointer: '/tickets/2/compensation/role',
    message: /^ticket "c" compensation references unknown role "boss"/,
    inject: (p) => (at(p, '/tickets/2/compensation')['role'] = 'boss'),
  }),
  fault('a dependency on itself', {
    code: 'self-dependency',
    pointer: '/tickets/0/dependsOn/0',
    message: /^ticket "a" depends on itself; remove that$/,
    inject: (p) => append(p, '/tickets/0/dependsOn', 'a'),
  }),
  fault('a dependency twice', {
    code: 'duplicate-dependency',
    pointer: '/tickets/2/dependsOn/1',
    message: /^ticket "c" depends on "a" twice; name it once$/,
    inject: (p) => append(p, '/tickets/2/dependsOn', 'a'),
  }),
  fault('an unknown topology', {
    code: 'unknown-topology',
    pointer: '/topology/kind',
    message:
      /^unknown topology "grpah"; known: "single", "pipeline", "graph", "supervisor-worker", "network"; did you mean "graph"\?$/,
    inject: (p) => (p['topology'] = { kind: 'grpah' }),
  }),
  fault('a misspelt key of a ticket', {
    code: 'unknown-key',
    pointer: '/tickets/1/dependson',
    message: /^ticket "b" has the unknown key "dependson"; did you mean "dependsOn"\?$/,
    inject: (p) => (at(p, '/tickets/1')['dependson'] = []),
  }),
  fault('an unknown key of the proposal', {
    code: 'unknown-key',
    pointer: '/orchestrator',
    message: /^the proposal has the unknown key "orchestrator"; allowed: "schemaVersion", "goal"/,
    inject: (p) => (p['orchestrator'] = 'me'),
  }),
  fault('an unknown key of a resource use', {
    code: 'unknown-key',
    pointer: '/tickets/1/resources/1/count',
    message: /^ticket "b" resources\[1\] has the unknown key "count"; allowed: "name", "amount"$/,
    inject: (p) => (at(p, '/tickets/1/resources/1')['count'] = 1),
  }),
  fault('an unknown priority', {
    code: 'invalid-value',
    pointer: '/tickets/2/priority',
    message: /^ticket "c" priority must be one of "low", "normal", "high", not "urgent"$/,
    inject: (p) => (at(p, '/tickets/2')['priority'] = 'urgent'),
  }),
  fault('a negative budget', {
    code: 'out-of-range',
    pointer: '/budget/maxCostUsd',
    message: /^budget.maxCostUsd must be at least 0, not -1$/,
    inject: (p) => (at(p, '/budget')['maxCostUsd'] = -1),
  }),
  fault('a budget that is no number', {
    code: 'not-json-value',
    pointer: '/budget/maxTokens',
    message: /^NaN is not a JSON number$/,
    inject: (p) => (at(p, '/budget')['maxTokens'] = NaN),
  }),
  fault('a budget too precise', {
    code: 'too-precise',
    pointer: '/roles/0/budget/maxCostUsd',
    message: /^role "analyst" budget.maxCostUsd must have at most six decimals, not 0.1234567$/,
    inject: (p) => (at(p, '/roles/0/budget')['maxCostUsd'] = 0.1234567),
  }),
  fault('half a step', {
    code: 'wrong-type',
    pointer: '/budget/maxSteps',
    message: /^budget.maxSteps must be a whole number, not 1.5$/,
    inject: (p) => (at(p, '/budget')['maxSteps'] = 1.5),
  }),
  fault('a title that is missing', {
    code: 'missing',
    pointer: '/tickets/3/title',
    message: /^ticket "d" title is missing; it must be a text$/,
    inject: (p) => delete at(p, '/tickets/3')['title'],
  }),
  fault('an input that is not upstream', {
    code: 'input-not-upstream',
    pointer: '/tickets/2/input/from/0',
    message: /^ticket "c" reads "b", which is not upstream of it; depend on it first$/,
    inject: (p) => (at(p, '/tickets/2')['input'] = { from: ['b'] }),
  }),
  fault('a placeholder that nothing fills', {
    code: 'unknown-placeholder',
    pointer: '/tickets/3/instructions',
    message: /^ticket "d" instructions name \{\{input.c\}\}, which is none of its inputs; its inputs are "a", "b", "research"$/,
    inject: (p) => (at(p, '/tickets/3')['instructions'] = 'Use {{input.c}}'),
  }),
  fault('a placeholder of the research', {
    code: 'unknown-placeholder',
    pointer: '/research/instructions',
    message: /^research instructions name \{\{input.a\}\}, which is none of its inputs; it has no inputs$/,
    inject: (p) => (at(p, '/research')['instructions'] = 'Use {{input.a}}'),
  }),
  fault('a reserved key', {
    code: 'reserved-key',
    pointer: '/tickets/-1/key',
    message: /^ticket "discussion:1" has the id of the outcome of discussion round 1; choose another key$/,
    inject: (p) => append(p, '/tickets', ticket('discussion:1', [])),
  }),
  fault('half a rate', {
    code: 'incomplete-limit',
    pointer: '/resources/search',
    message: /^resource "search" sets limit without intervalMs; set both or neither$/,
    inject: (p) => delete at(p, '/resources/search')['intervalMs'],
  }),
  fault('a function in the metadata', {
    code: 'not-json-value',
    pointer: '/metadata/run',
    message: /^a value of type function is not JSON$/,
    inject: (p) => (at(p, '/metadata')['run'] = () => 1),
  }),
];
