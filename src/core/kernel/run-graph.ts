import type { StepGraph } from '../plan/step-graph.js';

/** The dependencies of a run's steps by row: those of its plan, and of the steps that were added to it since. */
export interface RunGraph {
  /** Ids by row. */
  readonly ids: readonly string[];
  readonly indexOf: ReadonlyMap<string, number>;
  dependentCount(index: number): number;
  /** The dependent at a place, from 0. */
  dependentAt(index: number, place: number): number;
  /** Adds a step behind all others and gives its row. */
  add(id: string, dependencies: readonly number[]): number;
  /** Takes the step away again that was added last. */
  removeLast(dependencies: readonly number[]): void;
}

/** The graph of a plan is shared by its runs; what a run needs of it to grow is copied when it first grows. */
export function createRunGraph({ ids: planned, indexOf: places, dependentOffsets, dependents }: StepGraph): RunGraph {
  let own: { readonly ids: string[]; readonly indexOf: Map<string, number> } | undefined;
  const added = new Map<number, number[]>();
  const fixedCount = (index: number): number =>
    index < planned.length ? dependentOffsets[index + 1]! - dependentOffsets[index]! : 0;
  return {
    get ids() {
      return own?.ids ?? planned;
    },
    get indexOf() {
      return own?.indexOf ?? places;
    },
    dependentCount: (index) => fixedCount(index) + (added.get(index)?.length ?? 0),
    dependentAt(index, place) {
      const fixed = fixedCount(index);
      return place < fixed ? dependents[dependentOffsets[index]! + place]! : added.get(index)![place - fixed]!;
    },
    add(id, dependencies) {
      own ??= { ids: [...planned], indexOf: new Map(places) };
      const index = own.ids.push(id) - 1;
      own.indexOf.set(id, index);
      for (const dependency of dependencies) {
        const known = added.get(dependency);
        if (known) known.push(index);
        else added.set(dependency, [index]);
      }
      return index;
    },
    removeLast(dependencies) {
      const id = own?.ids.pop();
      if (id !== undefined) own?.indexOf.delete(id);
      for (const dependency of dependencies) added.get(dependency)?.pop();
    },
  };
}
