import { agentsOfStep, type StepDefinition } from '../materializer/definition.js';
import type { MaterializedRun } from '../materializer/materialize.js';
import type { LifecycleEvent, PauseEvent } from '../materializer/lifecycle-chart.js';
import type { Command, RunFact } from '../ports/run-output.js';
import type { Expand } from '../ports/topology.js';
import type { BudgetFigure, RaisedBudget } from '../ports/budget.js';
import type { CompensationPolicy, RunStatus, StepStatus, StoredError } from '../ports/run.js';
import { createChartRunner, type ChartRunner } from './chart-runner.js';
import { expandVerification } from '../deciding/expand-verification.js';
import { createDirtyBlocks, type DirtyBlocks } from './dirty-blocks.js';
import type { Answer, Goal } from './goal.js';
import { createLedger, type Ledger } from './ledger.js';
import type { PolicyApprovals } from './asked-policy.js';
import { createReadyQueue, type ReadyQueue } from './ready-queue.js';
import { createRunGraph, type RunGraph } from './run-graph.js';
import { createStepColumns, type StepColumns } from './step-columns.js';
import { stepStatuses } from './step-status.js';
import { createUndoLog, type UndoLog } from './undo-log.js';

/** Why and how a run comes to its end before its work is done. */
export interface Stop {
  readonly to: 'failed' | 'cancelled';
  readonly reason: string;
  readonly error: StoredError;
}

/** An effort to undo a step. There is one at a time. */
export interface Undoing {
  readonly index: number;
  /** 1 for the first. */
  readonly effort: number;
  /** `waiting`: the last effort has failed, and the next is due later. */
  readonly state: 'asked' | 'under-way' | 'waiting';
}

/** Who is at a step by now: its place among those that may be called, and the attempts that were made before it came. */
export type Relief = readonly [place: number, before: number];

/** The part of the state that is one value per run. Copied before each input, put back when it is refused. */
export interface RunScalars {
  seq: number;
  lifecycle: RunStatus;
  pause: 'active' | 'paused';
  /** Work steps that have not settled. */
  workLeft: number;
  /** Steps of the synthesis phase that have not settled. */
  synthesisLeft: number;
  ticketsSucceeded: number;
  /** Steps under way. */
  running: number;
  stepsStarted: number;
  graceMs: number;
  /** 0 for none. */
  deadlineAt: number;
  graceAt: number;
  /** Lost starts after which a step is parked, as the newest recovery said; 0 before the first. */
  maxLostStarts: number;
  stop: Stop | null;
  /** When steps that succeeded are undone, as the start of the run said. */
  compensate: CompensationPolicy;
  /** Whether steps that succeeded are undone, now that the run stops. */
  undoes: boolean;
  /** Steps at these positions of `compensable` and above have had their turn. */
  undoBelow: number;
  undoing: Undoing | null;
  /** Steps in doubt that say how they are undone. */
  doubtful: number;
  /** Whether the run is over, and nothing more can come of it that anybody has to wait for. */
  isSettled: boolean;
  delivering: boolean;
  agendaHead: number;
  /** Why it is paused, as far as it is known. */
  pausedFor: string;
  /** Ceilings that were raised since the plan was approved. */
  raised: readonly RaisedBudget[];
  /** What has tickets of low priority left out. */
  shed: (BudgetFigure & { readonly priorities: readonly string[] }) | null;
}

/**
 * How long a step has for all its attempts together, once the first has begun. While it waits for a person, or is in doubt, the time stands
 * still: then `dueAt` is 0, and `leftMs` is what there is.
 */
export interface TotalTime {
  readonly dueAt: number;
  readonly leftMs: number;
}

/** What has changed since changes were last taken. */
export interface Dirty {
  readonly steps: DirtyBlocks;
  readonly accounts: DirtyBlocks;
  /** Of the errors of steps. */
  readonly errors: DirtyBlocks;
  /** Of what policies have steps wait for. */
  readonly approvals: DirtyBlocks;
  /** Of the steps that were added, from the first step of the plan on. */
  readonly added: DirtyBlocks;
  goals: boolean;
  /** Entry up to which the figures of the run were taken; -1 for never. */
  seq: number;
}

/** The mutable state of one run and everything that works on it. Internal to the kernel. */
export interface RunCore {
  readonly materialized: MaterializedRun;
  /** Those of the plan, then those that were added, in their order. */
  readonly steps: StepDefinition[];
  /** Steps that say how they are undone, in the order of the plan. */
  readonly compensable: readonly number[];
  readonly graph: RunGraph;
  readonly columns: StepColumns;
  readonly run: RunScalars;
  /** Where `route` steps led, as indices of their chosen dependents. */
  readonly routes: Map<number, readonly number[]>;
  /** Why steps failed or are in doubt. */
  readonly errors: Map<number, StoredError>;
  /** Work that is due within this input or, when it is much, the next: see agenda.ts. Flat rows of three numbers. */
  readonly agenda: number[];
  readonly ready: ReadyQueue;
  readonly ledger: Ledger;
  readonly undo: UndoLog;
  readonly dirty: Dirty;
  readonly lifecycle: ChartRunner;
  readonly pause: ChartRunner;
  readonly chartOf: (index: number) => ChartRunner;
  /** The step behind all others runs in this chart. */
  readonly useChart: (name: string) => void;
  /** The last step is not there after all. */
  readonly dropChart: () => void;
  /** Who adds steps for a goal. */
  readonly expanderOf: (index: number) => Expand;
  /** Steps that others are added for, from their start on, by their rows. */
  readonly goals: Map<number, Goal>;
  /** Answers of steps that their goals have not heard of. */
  readonly answers: Map<number, Answer>;
  /** When steps that were added are overdue, by their rows. */
  readonly watches: Map<number, number>;
  /** Attempts whose late answer is on record, as `row:attempt`. */
  readonly late: Set<string>;
  /** What policies have steps wait for, and what was approved, by their rows. */
  readonly approvals: Map<number, PolicyApprovals>;
  /**
   * Attempts that steps had behind them when another plan had them begin anew, by their rows; less those that were made under the number of the
   * one before, because nobody knew whether that had happened.
   */
  readonly restarts: Map<number, number>;
  /** Who has taken over steps from the agents of their roles, by their rows. */
  readonly reliefs: Map<number, Relief>;
  /** How often in a row the providers of steps have asked for a pause, by their rows. */
  readonly throttles: Map<number, number>;
  /** How long steps have for all their attempts together, by their rows. */
  readonly totals: Map<number, TotalTime>;
  /** Agents that take part, or may. */
  readonly agents: Set<string>;
  /** Commands of the input at hand. */
  out: CommandBody[];
}

/** A command before it has its id. One that was given before brings the id it had then. */
export type CommandBody = Command extends infer One
  ? One extends { readonly id: string }
    ? Omit<One, 'id'> & { readonly id?: string }
    : never
  : never;

const ranks = { high: 0, normal: 1, low: 2 } as const;

/** Steps of a lower rank start first. */
const rankOf = (steps: readonly StepDefinition[], index: number): number => ranks[steps[index]?.priority ?? 'normal'];

/** Negative where one step starts before another, of those that are ready. */
export const compareReady = ({ steps }: Pick<RunCore, 'steps'>, one: number, other: number): number =>
  rankOf(steps, one) - rankOf(steps, other) || one - other;

export function createRunCore(materialized: MaterializedRun): RunCore {
  const { definition, graph, machines } = materialized;
  const steps = [...definition.steps];
  const undo = createUndoLog();
  const ledger = createLedger(definition, steps, undo);
  const runners = new Map(Object.entries(machines).map(([name, machine]) => [name, createChartRunner(machine)]));
  const runnerOf = (name: string): ChartRunner => runners.get(name)!;
  const stepRunners = steps.map((step) => runnerOf(step.chart));
  const core: RunCore = {
    materialized,
    steps,
    compensable: steps.flatMap(({ compensation }, index) => (compensation ? [index] : [])),
    graph: createRunGraph(graph),
    columns: createStepColumns(graph.dependencyCounts),
    run: initialScalars(steps),
    routes: new Map(),
    errors: new Map(),
    agenda: [],
    ready: createReadyQueue((index) => rankOf(steps, index)),
    ledger,
    undo,
    dirty: {
      steps: createDirtyBlocks(() => core.steps.length),
      accounts: createDirtyBlocks(() => ledger.columns.awaiting.length),
      errors: createDirtyBlocks(() => core.steps.length),
      approvals: createDirtyBlocks(() => core.steps.length),
      added: createDirtyBlocks(() => 0),
      goals: false,
      seq: -1,
    },
    lifecycle: runnerOf(definition.lifecycle.id),
    pause: runnerOf(definition.pause.id),
    chartOf: (index) => stepRunners[index]!,
    useChart: (name) => void stepRunners.push(runnerOf(name)),
    dropChart: () => void stepRunners.pop(),
    expanderOf: (index) =>
      steps[index]?.expands === 'verification' ? expandVerification : (materialized.expand ?? nothingToExpand),
    goals: new Map(),
    answers: new Map(),
    watches: new Map(),
    late: new Set(),
    approvals: new Map(),
    restarts: new Map(),
    reliefs: new Map(),
    throttles: new Map(),
    totals: new Map(),
    agents: new Set(steps.flatMap(agentsOfStep)),
    out: [],
  };
  steps.forEach((step, index) => callsAgent(step) && core.ledger.expect(index, 1));
  undo.commit();
  return core;
}

/** A plan with goals has a topology that expands them, or else it could not be materialized. */
const nothingToExpand: Expand = () => ({});

function initialScalars(steps: readonly StepDefinition[]): RunScalars {
  const synthesisLeft = steps.filter(({ phase }) => phase === 'synthesis').length;
  return {
    seq: 0,
    lifecycle: 'approved',
    pause: 'active',
    workLeft: steps.length - synthesisLeft,
    synthesisLeft,
    ticketsSucceeded: 0,
    running: 0,
    stepsStarted: 0,
    graceMs: 0,
    deadlineAt: 0,
    graceAt: 0,
    maxLostStarts: 0,
    stop: null,
    compensate: 'always',
    undoes: false,
    undoBelow: 0,
    undoing: null,
    doubtful: 0,
    isSettled: false,
    delivering: false,
    agendaHead: 0,
    pausedFor: '',
    raised: [],
    shed: null,
  };
}

/** A `reduce` step is computed in the process and spends nothing. */
export const callsAgent = (step: StepDefinition): boolean => step.agentId !== undefined;

export const stepOf = (core: RunCore, index: number): StepDefinition => core.steps[index]!;
export const statusOf = (core: RunCore, index: number): StepStatus => stepStatuses[core.columns.status[index]!]!;

/** Which attempt of those that its retries allow a step is at; 0 for none so far. */
export const tryOf = ({ columns, restarts }: RunCore, index: number): number =>
  columns.attempt[index]! - (restarts.get(index) ?? 0);

export const publish = (core: RunCore, event: RunFact): void => void core.out.push({ type: 'publish', event });

/** Moves the run's own chart. The kernel asks only for moves that the chart has, so a refusal is a fault. */
export function moveLifecycle(core: RunCore, event: LifecycleEvent): boolean {
  const move = core.lifecycle(core.run.lifecycle, event);
  if (move) core.run.lifecycle = move.to as RunStatus;
  return move !== undefined;
}

export function movePause(core: RunCore, event: PauseEvent): boolean {
  const move = core.pause(core.run.pause, event);
  if (move) core.run.pause = move.to as 'active' | 'paused';
  return move !== undefined;
}

export const isOver = ({ run: { lifecycle } }: RunCore): boolean =>
  lifecycle === 'completed' || lifecycle === 'failed' || lifecycle === 'cancelled';
