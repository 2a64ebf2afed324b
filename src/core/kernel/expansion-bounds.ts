import { agentsOfStep } from '../materializer/definition.js';
import type { ExpansionBounds } from '../ports/plan.js';
import type { StoredError } from '../ports/run.js';
import type { StepAddition } from '../ports/topology.js';
import { quote } from '../shared/issue.js';
import type { Goal } from './goal.js';
import { stepOf, type RunCore } from './run-core.js';

/** What a decision wants added to a goal. */
export interface Wish {
  readonly add: readonly StepAddition[];
  /** Ids of steps that make room for them. */
  readonly cancel: readonly string[];
  /** Id of the step that decided, or of the goal. */
  readonly decision: string;
}

type Bound = keyof ExpansionBounds | 'agents';

const meanings: Readonly<Record<Bound, string>> = {
  steps: 'steps in all',
  decisions: 'decisions',
  delegations: 'delegations',
  handoffs: 'handoffs',
  parallel: 'delegations at one time',
  depth: 'delegations in one another',
  agents: 'distinct agents in the run (budget.maxAgents)',
};

/** The bounds that were approved hold, whatever a topology makes of them: why what it wants added would go past one. */
export function boundFault(core: RunCore, goal: Goal, { add, cancel, decision }: Wish): StoredError | undefined {
  const { budget, expansion, templates = {} } = core.materialized.definition;
  const kinds = add.map(({ template }) => templates[template]!);
  const fail = (bound: Bound, limit: number): StoredError => ({
    code: 'BOUND_EXCEEDED',
    message: `What ${quote(decision)} decided would take ${quote(stepOf(core, goal.index).id)} past its ${limit} ${meanings[bound]}.`,
    ...{ bound, limit, decision },
  });
  const agents = new Set(core.agents);
  for (const kind of kinds) for (const agentId of agentsOfStep(kind)) agents.add(agentId);
  const mostAgents = budget.maxAgents ?? Infinity;
  if (agents.size > core.agents.size && agents.size > mostAgents) return fail('agents', mostAgents);
  // What is verified has a cap of its own, and what it keeps to is the kernel's own code.
  if (!expansion || stepOf(core, goal.index).expands !== 'topology') return undefined;
  const { bounds } = expansion;
  const delegated = kinds.filter(({ kind }) => kind === 'delegation').length;
  const more: Readonly<Record<keyof Goal['counts'], number>> = {
    steps: add.length,
    decisions: kinds.filter(({ decides }) => decides).length,
    delegations: delegated,
    handoffs: kinds.filter(({ kind }) => kind === 'handoff').length,
    parallel: delegated - openDelegations(core, goal, cancel),
  };
  for (const name of ['steps', 'decisions', 'delegations', 'handoffs', 'parallel'] as const)
    if (more[name] > 0 && goal.counts[name] + more[name] > bounds[name]) return fail(name, bounds[name]);
  const depths = add.map(({ parent }, place) => depthOf(core, parent) + (kinds[place]!.kind === 'delegation' ? 1 : 0));
  return Math.max(0, ...depths) > bounds.depth ? fail('depth', bounds.depth) : undefined;
}

function openDelegations({ graph, steps }: RunCore, { open }: Goal, ids: readonly string[]): number {
  const rows = new Set(ids.map((id) => graph.indexOf.get(id) ?? -1));
  return [...rows].filter((row) => open.has(row) && steps[row]?.kind === 'delegation').length;
}

/** Delegations that a step lies in. */
export const depthOf = (core: RunCore, id: string): number => core.steps[core.graph.indexOf.get(id) ?? -1]?.added?.depth ?? 0;
