import { InvariantError } from '../shared/error.js';
import { quote } from '../shared/issue.js';
import type { StepGraph } from './step-graph.js';

/** Indexes of all steps, each behind its dependencies; or, for a graph that has cycles, the members of one, in its order. */
export type TopologicalOrder = { readonly order: Int32Array } | { readonly cycle: readonly string[] };

/**
 * Sorts steps behind their dependencies and otherwise leaves them in the order given: of the steps whose dependencies are
 * all placed, the one given first comes next (Kahn's algorithm with a heap, n·log n).
 */
export function topologicalOrder(graph: StepGraph): TopologicalOrder {
  if (isSorted(graph)) return { order: Int32Array.from(graph.ids, (_, index) => index) };

  const count = graph.ids.length;
  const waiting = graph.dependencyCounts.slice();
  const ready = createIndexHeap(count);
  for (let index = 0; index < count; index++) if (waiting[index] === 0) ready.push(index);
  const order = new Int32Array(count);
  let placed = 0;
  for (let index = ready.pop(); index >= 0; index = ready.pop()) {
    order[placed++] = index;
    for (const dependent of graph.dependentsOf(index)) {
      waiting[dependent]!--;
      if (waiting[dependent] === 0) ready.push(dependent);
    }
  }
  return placed === count ? { order } : { cycle: findCycle(graph, waiting) };
}

/** {@link topologicalOrder} for steps of a plan. @throws InvariantError when they have a cycle, which no plan has. */
export function planOrder(graph: StepGraph): Int32Array {
  const sorted = topologicalOrder(graph);
  if ('order' in sorted) return sorted.order;
  throw new InvariantError(`The plan has a cycle: ${sorted.cycle.map(quote).join(' → ')}. Only planProposal makes plans.`);
}

function isSorted({ ids, dependenciesOf }: StepGraph): boolean {
  for (let index = 0; index < ids.length; index++) {
    for (const dependency of dependenciesOf(index)) if (dependency >= index) return false;
  }
  return true;
}

/** Walks from a step that was never placed to a dependency that was not either, until one comes up again. */
function findCycle({ ids, dependenciesOf }: StepGraph, waiting: Int32Array): readonly string[] {
  const placeInPath = new Map<number, number>();
  const path: number[] = [];
  let index = waiting.findIndex((left) => left > 0);
  while (!placeInPath.has(index)) {
    placeInPath.set(index, path.length);
    path.push(index);
    index = dependenciesOf(index).find((dependency) => waiting[dependency]! > 0) ?? index;
  }
  return path.slice(placeInPath.get(index)).map((member) => ids[member]!);
}

/** A binary heap of indexes, the smallest on top; `pop` gives -1 when it is empty. */
function createIndexHeap(capacity: number): { push(index: number): void; pop(): number } {
  const heap = new Int32Array(capacity);
  let size = 0;
  return {
    push(index) {
      let place = size++;
      for (let parent = (place - 1) >> 1; place > 0 && heap[parent]! > index; parent = (place - 1) >> 1) {
        heap[place] = heap[parent]!;
        place = parent;
      }
      heap[place] = index;
    },
    pop() {
      if (size === 0) return -1;
      const top = heap[0]!;
      const last = heap[--size]!;
      let place = 0;
      for (let child = 1; child < size; child = 2 * place + 1) {
        if (child + 1 < size && heap[child + 1]! < heap[child]!) child++;
        if (heap[child]! >= last) break;
        heap[place] = heap[child]!;
        place = child;
      }
      heap[place] = last;
      return top;
    },
  };
}
