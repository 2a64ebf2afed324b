/** A directed graph over 0 … size-1 in compressed rows: the targets of node `n` are `targets[offsets[n]]` up to `offsets[n + 1]`. */
export interface DependencyGraph {
  readonly size: number;
  readonly offsets: Int32Array;
  readonly targets: Int32Array;
}

/** A graph from the list of each node's targets. */
export function createDependencyGraph(targetsOf: readonly (readonly number[])[]): DependencyGraph {
  const offsets = new Int32Array(targetsOf.length + 1);
  targetsOf.forEach((targets, node) => (offsets[node + 1] = offsets[node]! + targets.length));
  const targets = new Int32Array(offsets[targetsOf.length]!);
  targetsOf.forEach((list, node) => targets.set(list, offsets[node]));
  return { size: targetsOf.length, offsets, targets };
}

/** Strongly connected components: nodes that reach each other share one. */
export interface Components {
  readonly count: number;
  readonly componentOf: Int32Array;
  /** All nodes, those of one component together, targets before what points at them. */
  readonly order: Int32Array;
}

/** Tarjan's algorithm (1972), with stacks of its own so that chains may have any length. */
export function findComponents({ size, offsets, targets }: DependencyGraph): Components {
  const found = new Int32Array(size);
  const lowest = new Int32Array(size);
  const componentOf = new Int32Array(size).fill(-1);
  const order = new Int32Array(size);
  const edge = offsets.slice(0, size);
  const calls = new Int32Array(size);
  const open = new Int32Array(size);
  let [discovered, openCount, ordered, count] = [0, 0, 0, 0];

  for (let root = 0; root < size; root += 1) {
    if (found[root] !== 0) continue;
    let depth = 0;
    calls[depth] = root;
    while (depth >= 0) {
      const node = calls[depth]!;
      if (found[node] === 0) {
        discovered += 1;
        found[node] = lowest[node] = discovered;
        open[openCount++] = node;
      }
      if (edge[node]! < offsets[node + 1]!) {
        const target = targets[edge[node]!++]!;
        if (found[target] === 0) calls[++depth] = target;
        else if (componentOf[target] === -1) lowest[node] = Math.min(lowest[node]!, found[target]!);
        continue;
      }
      if (lowest[node] === found[node]) {
        for (let member = -1; member !== node;) {
          member = open[--openCount]!;
          componentOf[member] = count;
          order[ordered++] = member;
        }
        count += 1;
      }
      depth -= 1;
      if (depth >= 0) lowest[calls[depth]!] = Math.min(lowest[calls[depth]!]!, lowest[node]!);
    }
  }
  return { count, componentOf, order };
}
