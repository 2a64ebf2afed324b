import type { Plan } from '../ports/plan.js';
import type { RunView } from './run-view.js';
import type { StepView } from './step-view.js';

/** What a run took, and what its coordination took of it. Durations are milliseconds. */
export interface RunFigures {
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
 * What a run took by its view: wall time against serial time, the critical path, and the messages that its topology needed.
 * Pure; costs what the view is long.
 */
export function runFigures({ steps: planned }: Pick<Plan, 'steps'>, view: RunView): RunFigures {
  const steps = new Map(view.steps.map((step) => [step.id, step]));
  const path = pathTo(lastOf(view.steps), { steps, before: upstream(planned, view.steps) });
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
    coordination: coordinationOf(view.steps),
    byTicket: byTicket(steps),
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

/**
 * What each step waited for: its dependencies; of a goal, what was added to it; of what was added, who decided on it, or, where that was the
 * topology, whatever had ended by then.
 */
function upstream(planned: Plan['steps'], steps: readonly StepView[]): ReadonlyMap<string, readonly string[]> {
  const before = new Map<string, string[]>(planned.map(({ id, dependsOn }) => [id, [...dependsOn]]));
  for (const { id, goal, parent, dependsOn = [] } of steps) {
    if (goal === undefined || parent === undefined) continue;
    before.set(id, parent === goal ? [goal, ...dependsOn] : [parent, ...dependsOn]);
    before.set(goal, [...(before.get(goal) ?? []), id]);
  }
  return before;
}

interface Chain {
  readonly steps: ReadonlyMap<string, StepView>;
  readonly before: ReadonlyMap<string, readonly string[]>;
}

function pathTo(end: StepView | undefined, { steps, before }: Chain): StepView[] {
  const path: StepView[] = [];
  const goals: string[] = [];
  const seen = new Set<string>();
  for (let step = end; step && !seen.has(step.id);) {
    seen.add(step.id);
    if (step.isGoal) goals.push(step.id);
    else path.unshift(step);
    const startedAt = step.isGoal ? Infinity : (step.startedAt ?? Infinity);
    const waitedFor = (before.get(step.id) ?? []).flatMap((id) => (id === step?.goal ? (before.get(id) ?? []) : id));
    const ended = waitedFor.flatMap((id) => steps.get(id) ?? []).filter(({ endedAt = Infinity }) => endedAt <= startedAt);
    step = lastOf(ended.filter(({ id }) => !seen.has(id))) ?? outOf(goals, { steps, before });
  }
  return path;
}

/** The first step of a goal waited for what the goal waited for. */
function outOf(goals: string[], { steps, before }: Chain): StepView | undefined {
  for (let goal = goals.pop(); goal !== undefined; goal = goals.pop()) {
    const own = before.get(goal)?.flatMap((id) => steps.get(id) ?? []) ?? [];
    const next = lastOf(own.filter((step) => step.goal !== goal));
    if (next) return next;
  }
  return undefined;
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
