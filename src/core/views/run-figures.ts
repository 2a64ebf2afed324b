import type { Plan, StepKind } from '../ports/plan.js';
import type { UsageTotals } from '../ports/usage.js';
import { groupsBy } from './groups-by.js';
import { latencyOf, type Latency } from './latency.js';
import { ratio } from './ratio.js';
import { queuedIn, retriesOf } from './run-sample.js';
import type { RunView } from './run-view.js';
import type { StepView } from './step-view.js';
import { sharesOf, type Shares } from './work-share.js';

/** What a run took, and what its coordination took of it. Durations are milliseconds. */
export interface RunFigures extends Shares {
  /** From its start to its end, or to its last step so far. */
  readonly wallMs: number;
  /** Time in attempts of all steps together: what the same work would take one after the other. */
  readonly serialMs: number;
  /** The chain of steps that decided when the last one ended: each waited for the one before it. */
  readonly criticalPath: {
    readonly steps: readonly string[];
    /** Time in attempts along it. */
    readonly activeMs: number;
    /** Of those the step that took longest; absent where nothing has ended. */
    readonly slowest?: string;
  };
  /** From when its dependencies were met until it ended, lines, gates and pauses between attempts included: of each step that has begun and ended. */
  readonly latency: {
    readonly steps?: Latency;
    readonly byKind: Readonly<Partial<Record<StepKind, Latency>>>;
    /** Of tickets of the plan, with all that was added for them. */
    readonly tasks?: Latency;
  };
  /** Time in which steps could have been at work and were not begun. */
  readonly queuedMs: number;
  /** Attempts beyond the first of each step. */
  readonly retries: number;
  /** All that was spent, also on what failed, for each ticket that succeeded; absent while there is none. */
  readonly costPerTaskUsd?: number;
  readonly tokensPerTask?: number;
  /** By the agent that was called. For each attempt, `projectAttempts` says it. */
  readonly usageByAgent: Readonly<Record<string, UsageTotals>>;
  readonly coordination: Coordination;
  /** The same for each ticket that steps were added for. */
  readonly byTicket: Readonly<Record<string, Coordination>>;
}

/** What agents said to each other. */
export interface Coordination {
  /** Steps that decided what comes next. */
  readonly decisions: number;
  readonly delegations: number;
  readonly handoffs: number;
  readonly verifications: number;
  /** Delegations and handoffs that have ended, each of which somebody was told of. */
  readonly reports: number;
  /** Parts of decisions that were not followed. */
  readonly refusals: number;
  /** Delegations, handoffs and reports. */
  readonly messages: number;
}

/**
 * What a run took by its view: wall time against serial time, the critical path, how long steps took, work against overhead, and the messages that its topology
 * needed.
 * Pure; costs little more than the view is long.
 */
export function runFigures({ steps: planned }: Pick<Plan, 'steps'>, view: RunView): RunFigures {
  const steps = new Map(view.steps.map((step) => [step.id, step]));
  const path = pathTo(lastOf(view.steps), chainOf(planned, steps));
  const slowest = path.reduce<StepView | undefined>(
    (most, step) => (step.activeMs > (most?.activeMs ?? -1) ? step : most),
    undefined,
  );
  const startedAt = view.startedAt ?? 0;
  const ends = view.steps.map(({ endedAt }) => endedAt ?? startedAt);
  return {
    wallMs: (view.endedAt ?? ends.reduce((latest, at) => Math.max(latest, at), startedAt)) - startedAt,
    serialMs: sumActive(view.steps),
    criticalPath: { steps: path.map(({ id }) => id), activeMs: sumActive(path), ...(slowest && { slowest: slowest.id }) },
    latency: latencies(view.steps),
    ...{ queuedMs: queuedIn(view.steps), retries: retriesOf(view.steps) },
    ...ratio('costPerTaskUsd', view.usage.costUsd, view.tickets.succeeded),
    ...ratio('tokensPerTask', view.usage.tokens, view.tickets.succeeded),
    usageByAgent: view.usageByAgent,
    ...sharesOf(view.steps),
    coordination: coordinationOf(view.steps),
    byTicket: byTicket(steps),
  };
}

function latencies(steps: readonly StepView[]): RunFigures['latency'] {
  const of = (chosen: readonly StepView[]): Latency | undefined =>
    latencyOf(
      chosen.flatMap(({ queuedAt, startedAt, endedAt }) =>
        queuedAt === undefined || startedAt === undefined || endedAt === undefined ? [] : [endedAt - queuedAt],
      ),
    );
  const carried = steps.filter(({ isGoal }) => !isGoal);
  const all = of(carried);
  const tasks = of(steps.filter(({ kind, goal }) => kind === 'ticket' && goal === undefined));
  const byKind = Array.from(
    groupsBy(carried, ({ kind }) => kind),
    ([kind, group]) => [kind, of(group)] as const,
  );
  return {
    ...(all && { steps: all }),
    byKind: Object.fromEntries(byKind.flatMap(([kind, latency]) => (latency ? [[kind, latency] as const] : []))),
    ...(tasks && { tasks }),
  };
}

/** A goal lasts as long as what is done for it. */
const sumActive = (steps: readonly StepView[]): number =>
  steps.reduce((sum, { isGoal, activeMs }) => (isGoal ? sum : sum + activeMs), 0);

/** Of several that ended at once, the one that stands last. */
const lastOf = (steps: Iterable<StepView>): StepView | undefined => {
  let last: StepView | undefined;
  for (const step of steps) if (step.endedAt !== undefined && step.endedAt >= (last?.endedAt ?? 0)) last = step;
  return last;
};

interface Chain {
  readonly steps: ReadonlyMap<string, StepView>;
  /** What a step of the plan waits for. */
  readonly dependsOn: ReadonlyMap<string, readonly string[]>;
  /** What was added to each goal and has ended, the last at the end. Whatever the path has passed is taken away. */
  readonly added: ReadonlyMap<string, StepView[]>;
}

function chainOf(planned: Plan['steps'], steps: ReadonlyMap<string, StepView>): Chain {
  const added = new Map<string, StepView[]>();
  for (const step of steps.values()) {
    if (step.goal === undefined || step.endedAt === undefined) continue;
    const group = added.get(step.goal);
    if (group) group.push(step);
    else added.set(step.goal, [step]);
  }
  for (const group of added.values()) group.sort((one, other) => one.endedAt! - other.endedAt!);
  return { steps, dependsOn: new Map(planned.map(({ id, dependsOn }) => [id, dependsOn])), added };
}

/** From the end back: each step waited for the one before it. A goal stands for what was done for it. */
function pathTo(end: StepView | undefined, chain: Chain): StepView[] {
  const path: StepView[] = [];
  const seen = new Set<string>();
  const walk: Walk = { seen, chain };
  const goalOf = ({ goal }: StepView): StepView | undefined => (goal === undefined ? undefined : chain.steps.get(goal));
  for (let step = end; step;) {
    seen.add(step.id);
    if (!step.isGoal) path.push(step);
    let next = (step.isGoal ? lastAdded(step.id, { by: Infinity, ...walk }) : undefined) ?? waitedFor(step, walk);
    // The first step of a goal waited for what the goal waited for.
    for (let goal = goalOf(step); !next && goal; goal = goalOf(goal)) {
      seen.add(goal.id);
      next = waitedFor(goal, walk);
    }
    step = next;
  }
  return path.reverse();
}

interface Walk {
  readonly seen: ReadonlySet<string>;
  readonly chain: Chain;
}

/** What a step waited for the longest: a dependency, or who decided on it, or, where that was the topology, whatever had ended by then. */
function waitedFor({ id, goal, parent, dependsOn = [], startedAt = Infinity }: StepView, walk: Walk): StepView | undefined {
  const { seen, chain } = walk;
  const known = chain.dependsOn.get(id) ?? (parent === undefined || parent === goal ? dependsOn : [parent, ...dependsOn]);
  const ended = known
    .flatMap((one) => chain.steps.get(one) ?? [])
    .filter((one) => !seen.has(one.id) && (one.endedAt ?? Infinity) <= startedAt);
  const beside = goal !== undefined && parent === goal ? lastAdded(goal, { by: startedAt, ...walk }) : undefined;
  return lastOf(beside ? [...ended, beside] : ended);
}

/** The path goes back in time: what ended after it has come by is not looked at again. */
function lastAdded(goal: string, { by, seen, chain }: Walk & { readonly by: number }): StepView | undefined {
  const group = chain.added.get(goal) ?? [];
  for (let last = group.at(-1); last && (seen.has(last.id) || last.endedAt! > by); last = group.at(-1)) group.pop();
  return group.at(-1);
}

const none: Coordination = {
  decisions: 0,
  delegations: 0,
  handoffs: 0,
  verifications: 0,
  reports: 0,
  refusals: 0,
  messages: 0,
};

function coordinationOf(steps: Iterable<StepView>): Coordination {
  const sums = { ...none };
  for (const { kind, goal, endedAt, refusals = [] } of steps) {
    sums.refusals += refusals.length;
    if (kind === 'verification') sums.verifications += 1;
    if (goal === undefined) continue;
    if (kind === 'route') sums.decisions += 1;
    if (kind === 'delegation') sums.delegations += 1;
    if (kind === 'handoff') sums.handoffs += 1;
    if ((kind === 'delegation' || kind === 'handoff') && endedAt !== undefined) sums.reports += 1;
  }
  return { ...sums, messages: sums.delegations + sums.handoffs + sums.reports };
}

function byTicket(steps: ReadonlyMap<string, StepView>): Record<string, Coordination> {
  const groups = new Map<string, StepView[]>();
  for (const step of steps.values()) {
    if (step.goal === undefined) continue;
    let ticket = step.goal;
    for (let above = steps.get(ticket)?.goal; above !== undefined; above = steps.get(above)?.goal) ticket = above;
    const group = groups.get(ticket);
    if (group) group.push(step);
    else groups.set(ticket, [step]);
  }
  return Object.fromEntries(Array.from(groups, ([ticket, group]) => [ticket, coordinationOf(group)]));
}
