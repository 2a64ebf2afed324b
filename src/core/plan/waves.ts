import type { Plan } from '../ports/plan.js';
import { createStepGraph, type StepGraph } from './step-graph.js';
import { planOrder } from './topological-order.js';

/**
 * The topological levels of a plan: a step stands in the first wave after all those of its dependencies, so the steps of a
 * wave can run in parallel and there are as many waves as the longest chain has steps. Ids stand in plan order.
 *
 * @example
 * waves(plan); // [['research'], ['competitors', 'customers'], ['positioning'], ['synthesis']]
 */
export function waves({ steps }: Pick<Plan, 'steps'>): string[][] {
  const graph = createStepGraph(steps);
  const levels = stepLevels(graph);
  const depth = levels.reduce((deepest, level) => Math.max(deepest, level + 1), 0);
  const members = Array.from({ length: depth }, (): string[] => []);
  levels.forEach((level, index) => members[level]!.push(graph.ids[index]!));
  return members;
}

/** The wave of each step by index, 0 for the first. */
export function stepLevels(graph: StepGraph): Int32Array {
  const { dependentOffsets, dependents } = graph;
  const levels = new Int32Array(graph.ids.length);
  for (const index of planOrder(graph)) {
    const next = levels[index]! + 1;
    for (let edge = dependentOffsets[index]!; edge < dependentOffsets[index + 1]!; edge++) {
      if (levels[dependents[edge]!]! < next) levels[dependents[edge]!] = next;
    }
  }
  return levels;
}
