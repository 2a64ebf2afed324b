import { agentsOfStep } from '../materializer/definition.js';
import { compileJsonSchema } from '../schema/json-schema.js';
import type { AddedStep, ExpansionState } from '../ports/topology.js';
import type { Json, JsonSchema } from '../shared/json.js';
import type { Goal } from './goal.js';
import { goalOf } from './goals.js';
import { statusOf, stepOf, type RunCore } from './run-core.js';

/** What a topology sees of a goal. It sees no more than follows from the journal. */
export function expansionState(core: RunCore, goal: Goal, at: number): ExpansionState {
  const { definition } = core.materialized;
  const { expansion } = definition;
  return {
    goal: stepOf(core, goal.index),
    ticket: ticketOf(core, goal),
    team: expansion?.team ?? [],
    settings: expansion?.settings ?? {},
    bounds: expansion?.bounds ?? unbounded,
    counts: { ...goal.counts },
    memo: goal.memo,
    at,
    hasTemplate: (name) => Object.hasOwn(definition.templates ?? {}, name),
    stepOf(id) {
      const index = core.graph.indexOf.get(id);
      return index !== undefined && goalOf(core, index) === goal ? addedStep(core, index) : undefined;
    },
    open: () => Array.from(goal.open, (index) => addedStep(core, index)),
    faultsOf,
    autonomyOf: (role) => definition.roles.find(({ key }) => key === role)?.autonomy ?? 'act-freely',
    admits(role, beside = []) {
      const newcomersOf = (key: string): readonly string[] | undefined => {
        const template = Object.values(definition.templates ?? {}).find(({ role: filled }) => filled === key);
        return template && agentsOfStep(template).filter((agentId) => !core.agents.has(agentId));
      };
      const own = newcomersOf(role);
      if (own === undefined || own.length === 0) return own !== undefined;
      const newcomers = new Set(own);
      for (const other of new Set(beside)) for (const agentId of newcomersOf(other) ?? []) newcomers.add(agentId);
      return core.agents.size + newcomers.size <= (definition.budget.maxAgents ?? Infinity);
    },
  };
}

function ticketOf(core: RunCore, goal: Goal): string {
  const around = goalOf(core, goal.index);
  return around ? ticketOf(core, around) : stepOf(core, goal.index).id;
}

/** For a goal that no topology expands: what expands it has its own cap. */
const unbounded = {
  steps: Infinity,
  decisions: Infinity,
  delegations: Infinity,
  handoffs: Infinity,
  parallel: Infinity,
  depth: Infinity,
};

export function addedStep(core: RunCore, index: number): AddedStep {
  const { id, kind, role = '', decides = false, instructions, given, input, added } = stepOf(core, index);
  const { template, parent, depth, session, isVerbatim = false, inputAs } = added!;
  const about = { id, kind, role, template, parent, depth, decides, session };
  return { ...about, instructions, isVerbatim, given, input, inputAs, status: statusOf(core, index) };
}

function faultsOf(schema: JsonSchema, value: Json): readonly string[] {
  const compiled = compileJsonSchema(schema);
  if (!compiled.ok) return [`the schema is malformed: ${compiled.error}`];
  return compiled.value.validate(value).map(({ pointer, message }) => `${pointer || '/'} ${message}`);
}
