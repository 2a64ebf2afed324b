import type { Components, DependencyGraph } from './dependency-graph.js';

/**
 * One shortest cycle through the first node of each entangled set of nodes, in the order of the arrows and without the first node
 * again at the end. Edges from a node to itself are the caller's to leave out.
 */
export function findCycles(graph: DependencyGraph, { count, componentOf }: Components): readonly (readonly number[])[] {
  const sizes = new Int32Array(count);
  const firsts = new Int32Array(count).fill(-1);
  componentOf.forEach((component, node) => {
    sizes[component]! += 1;
    if (firsts[component] === -1) firsts[component] = node;
  });
  const starts = [...firsts].filter((_, component) => sizes[component]! > 1);
  const cameFrom = new Int32Array(graph.size).fill(-1);
  return starts.sort((a, b) => a - b).map((start) => cycleThrough(start, { graph, componentOf, cameFrom }));
}

interface Search {
  readonly graph: DependencyGraph;
  readonly componentOf: Int32Array;
  /** Shared by all searches: each stays in a component of its own. */
  readonly cameFrom: Int32Array;
}

/** Breadth first, so that the cycle is as short as can be. */
function cycleThrough(start: number, { graph, componentOf, cameFrom }: Search): readonly number[] {
  const queue = [start];
  for (const node of queue) {
    for (let edge = graph.offsets[node]!; edge < graph.offsets[node + 1]!; edge += 1) {
      const target = graph.targets[edge]!;
      if (target === start) return walkBack(node, { start, cameFrom });
      if (componentOf[target] !== componentOf[start] || cameFrom[target] !== -1) continue;
      cameFrom[target] = node;
      queue.push(target);
    }
  }
  return [start];
}

function walkBack(
  last: number,
  { start, cameFrom }: { readonly start: number; readonly cameFrom: Int32Array },
): readonly number[] {
  const nodes: number[] = [];
  for (let node = last; node !== start; node = cameFrom[node]!) nodes.push(node);
  return [start, ...nodes.reverse()];
}
