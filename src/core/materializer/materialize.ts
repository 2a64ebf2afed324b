import { createMachine, type AnyStateMachine } from 'xstate';

import { isApprovedPlan, type ApprovedPlan } from '../approval/approve-plan.js';
import { createStepGraph, type StepGraph } from '../plan/step-graph.js';
import type { CustomReducers } from '../plan/reduce.js';
import type { Plan } from '../ports/plan.js';
import type { Expand, Topology } from '../ports/topology.js';
import { canonicalJson } from '../shared/canonical-json.js';
import { sha256Hex } from '../shared/digest.js';
import { deepFreeze } from '../shared/freeze.js';
import type { Chart } from './chart.js';
import { defineRun, type RoleMap, type RunDefinition } from './definition.js';
import { factGuards } from './facts.js';
import { NotApprovedError, TopologyMissingError } from './unresolved-role-error.js';

/** A plan as machines: the JSON they are made of, the digest of that JSON, and the XState machines themselves. */
export interface MaterializedRun {
  /** SHA-256 over the canonical JSON of `definition`. Stored with the run; a resume must come to the same. */
  readonly digest: string;
  /** Canonical: equal plans and roles give the same bytes, in every process and on every version of Node. */
  readonly definition: RunDefinition;
  /** `run`, `pause`, and one machine per chart of `definition.charts`. */
  readonly machines: Readonly<Record<string, AnyStateMachine>>;
  readonly plan: Plan;
  /** Dependencies by index; positions are those of `definition.steps`. */
  readonly graph: StepGraph;
  /** Adds steps while the run is under way; absent for a plan whose steps are all known. */
  readonly expand?: Expand;
  /** Reducers of one's own that its steps may name. */
  readonly reducers: CustomReducers;
  /** The machines of another plan of the same run, with the topologies and reducers at hand that these were made with. @throws as {@link materialize} does */
  readonly remake: (plan: Plan, roles: RoleMap) => MaterializedRun;
}

/** Options of {@link materialize}. */
export interface MaterializeOptions {
  /** Where to find the topology of a plan that adds steps while the run is under way. Others need none. */
  readonly topologies?: readonly Topology[];
  /** Reducers that the plan names as `custom:<name>`, by name. A step whose reducer is not at hand fails when its turn comes. */
  readonly reducers?: CustomReducers;
}

/**
 * Makes the machines of an approved plan. Pure: no clock, no randomness, no I/O, and what it is given is not changed.
 *
 * @throws NotApprovedError when the plan did not come from `approvePlan`.
 * @throws UnresolvedRoleError when a role of the plan has no agent in `roles`.
 * @throws TopologyMissingError when the topology is not at hand that adds steps to the plan.
 */
export function materialize(
  approved: ApprovedPlan,
  roles: RoleMap,
  { topologies = [], reducers = {} }: MaterializeOptions = {},
): MaterializedRun {
  if (!isApprovedPlan(approved)) throw new NotApprovedError();
  return make(approved.plan, { roles, topologies, reducers });
}

function make(plan: Plan, given: Required<MaterializeOptions> & { readonly roles: RoleMap }): MaterializedRun {
  const { roles, topologies, reducers } = given;
  const expand = expandOf(plan, topologies);
  const remake: MaterializedRun['remake'] = (next, filled) => make(next, { ...given, roles: filled });
  return Object.freeze({ ...machinesOf(plan, roles), plan, ...(expand && { expand }), reducers, remake });
}

function expandOf({ expansion, topology: { kind } }: Plan, topologies: readonly Topology[]): Expand | undefined {
  if (!expansion) return undefined;
  const topology = topologies.find((candidate) => candidate.kind === kind);
  if (!topology?.expand)
    throw new TopologyMissingError(
      kind,
      topologies.map((known) => known.kind),
    );
  return (state, event) => topology.expand!(state, event);
}

/** What follows from a plan's digest and its agents, the labels of the plan aside. */
type Machines = Omit<MaterializedRun, 'plan' | 'expand' | 'reducers' | 'remake'>;

/** Runs of one plan again and again, as of a template, are common. The newest are kept, up to so many steps in all. */
const recent = new Map<string, Machines>();
const recentSteps = 10_000;

function machinesOf(plan: Plan, roles: RoleMap): Machines {
  const key = JSON.stringify([plan.digest, ...plan.roles.map((role) => [role.key, agentOf(roles, role.key)])]);
  const known = recent.get(key);
  // Used just now, so it is the last to go.
  recent.delete(key);
  const machines = known ?? makeMachines(plan, roles);
  recent.set(key, machines);
  let steps = 0;
  for (const { definition } of recent.values()) steps += definition.steps.length;
  for (const [old, { definition }] of recent) {
    if (steps <= recentSteps) break;
    recent.delete(old);
    steps -= definition.steps.length;
  }
  return machines;
}

const agentOf = (roles: RoleMap, role: string): unknown => (Object.hasOwn(roles, role) ? roles[role]?.agentId : undefined);

function makeMachines(plan: Plan, roles: RoleMap): Machines {
  const text = canonicalJson(defineRun(plan, roles));
  // Read back, so that members stand in canonical order wherever the definition is written out.
  const definition = deepFreeze(JSON.parse(text) as RunDefinition);
  return {
    digest: sha256Hex(text),
    definition,
    machines: Object.freeze(createMachines(definition)),
    graph: createStepGraph(definition.steps),
  };
}

const createMachines = ({ lifecycle, pause, charts }: RunDefinition): Record<string, AnyStateMachine> =>
  Object.fromEntries([lifecycle, pause, ...Object.values(charts)].map((chart) => [chart.id, chartMachine(chart)]));

/**
 * Machines by the text of their chart. A machine is made of its chart alone, is never changed, and takes a hundred times longer to make than
 * to find; there are no more charts than there are shapes of steps.
 */
const known = new Map<string, AnyStateMachine>();

/** The XState machine of a chart. Its actions stay without implementation: they are commands, read and not run. */
function chartMachine(chart: Chart): AnyStateMachine {
  const text = JSON.stringify(chart);
  let machine = known.get(text);
  if (!machine) known.set(text, (machine = createChartMachine(text)));
  return machine;
}

function createChartMachine(text: string): AnyStateMachine {
  // XState's own config type wants mutable arrays and literal names; a chart is plain data checked by its own type. It keeps and
  // annotates the config it is given, and ours is frozen.
  const config = JSON.parse(text) as Parameters<typeof createMachine>[0];
  return createMachine(config).provide({ guards: factGuards });
}
