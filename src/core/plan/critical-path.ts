import type { Plan, PlanStep } from '../ports/plan.js';
import { createStepGraph, type StepGraph } from './step-graph.js';
import { planOrder } from './topological-order.js';

/** The chain of steps that decides how long a run takes at least. */
export interface CriticalPath {
  /** Ids, each a dependency of the next. */
  readonly steps: string[];
  /** Sum of the steps' durations, in milliseconds. */
  readonly durationMs: number;
}

/**
 * The longest chain of a plan by the estimated durations of its steps, a step without an estimate counting 0. Of chains
 * that take equally long the one with more steps is given, and of those the one whose steps stand first in the plan.
 */
export const criticalPath = ({ steps }: Pick<Plan, 'steps'>): CriticalPath =>
  longestPath(createStepGraph(steps), estimatedDurationsMs(steps));

/** Estimated duration of each step by index, in milliseconds; 0 where there is no estimate. */
export const estimatedDurationsMs = (steps: readonly PlanStep[]): Float64Array =>
  Float64Array.from(steps, ({ estimate }) => estimate?.durationMs ?? 0);

/** {@link criticalPath} by durations of one's own, in milliseconds by index. */
export function longestPath(graph: StepGraph, durationsMs: Float64Array): CriticalPath {
  const { ids } = graph;
  const remaining = remainingPaths(graph, durationsMs);
  const start = longest(
    ids.map((_, index) => index).filter((index) => graph.dependencyCounts[index] === 0),
    remaining,
  );
  const steps: string[] = [];
  for (let index = start; index >= 0; index = longest(graph.dependentsOf(index), remaining)) steps.push(ids[index]!);
  return { steps, durationMs: start < 0 ? 0 : remaining.ms[start]! };
}

/**
 * For each step by index the longest way from its start to an end of the plan, its own duration included, in milliseconds.
 * Starting first what has the most still ahead of it shortens a run whose resources are scarce.
 */
export const remainingPathMs = (graph: StepGraph, durationsMs: Float64Array): Float64Array =>
  remainingPaths(graph, durationsMs).ms;

interface RemainingPaths {
  readonly ms: Float64Array;
  /** Number of steps on the longest way, the step itself included. */
  readonly steps: Int32Array;
}

function remainingPaths(graph: StepGraph, durationsMs: Float64Array): RemainingPaths {
  const order = planOrder(graph);
  const paths: RemainingPaths = { ms: Float64Array.from(durationsMs), steps: new Int32Array(order.length).fill(1) };
  for (let position = order.length - 1; position >= 0; position--) {
    const index = order[position]!;
    const next = longest(graph.dependentsOf(index), paths);
    if (next < 0) continue;
    paths.ms[index]! += paths.ms[next]!;
    paths.steps[index]! += paths.steps[next]!;
  }
  return paths;
}

/** The candidate with the longest way, by time, then by steps, then the first; -1 of none. */
function longest(candidates: Iterable<number>, { ms, steps }: RemainingPaths): number {
  let best = -1;
  for (const index of candidates) {
    const isLonger = best < 0 || ms[index]! > ms[best]! || (ms[index] === ms[best] && steps[index]! > steps[best]!);
    if (isLonger) best = index;
  }
  return best;
}
