import type { Components, DependencyGraph } from './dependency-graph.js';

/** The question whether `target` can be reached from `from` in at least one step. */
export interface ReachQuestion {
  readonly from: number;
  readonly target: number;
}

/** One bit of a 32-bit integer for each target of a pass. */
const targetsPerPass = 32;

/**
 * The questions that are answered with no, in the order asked. A pass over all edges settles 32 targets, so that the cost is
 * edges × distinct targets / 32 and the memory that of the nodes.
 */
export function findUnreachable<T extends ReachQuestion>(
  questions: readonly T[],
  { graph, components }: { readonly graph: DependencyGraph; readonly components: Components },
): readonly T[] {
  const byTarget = new Map<number, T[]>();
  for (const question of questions) {
    const group = byTarget.get(question.target);
    if (group === undefined) byTarget.set(question.target, [question]);
    else group.push(question);
  }
  const targets = [...byTarget.keys()];
  const unreachable = new Set<T>();
  const bits = new Int32Array(graph.size);
  const reached = new Int32Array(components.count);
  for (let first = 0; first < targets.length; first += targetsPerPass) {
    const pass = targets.slice(first, first + targetsPerPass);
    pass.forEach((target, bit) => (bits[target] = 1 << bit));
    reached.fill(0);
    collect(bits, { graph, components, reached });
    pass.forEach((target, bit) => {
      bits[target] = 0;
      for (const question of byTarget.get(target)!) {
        if ((reached[components.componentOf[question.from]!]! & (1 << bit)) === 0) unreachable.add(question);
      }
    });
  }
  return questions.filter((question) => unreachable.has(question));
}

interface Collection {
  readonly graph: DependencyGraph;
  readonly components: Components;
  /** Bits that each component reaches. */
  readonly reached: Int32Array;
}

/** The order has targets first, so that one pass sees every path to its end. */
function collect(bits: Int32Array, { graph, components, reached }: Collection): void {
  const { order, componentOf } = components;
  for (const node of order) {
    let found = reached[componentOf[node]!]!;
    for (let edge = graph.offsets[node]!; edge < graph.offsets[node + 1]!; edge += 1) {
      const target = graph.targets[edge]!;
      found |= reached[componentOf[target]!]! | bits[target]!;
    }
    reached[componentOf[node]!] = found;
  }
}
