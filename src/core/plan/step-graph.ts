import { InvariantError } from '../shared/error.js';
import { quote } from '../shared/issue.js';

/** What the graph of steps is made from. A {@link PlanStep} fits. */
export interface GraphNode {
  readonly id: string;
  readonly dependsOn: readonly string[];
}

/**
 * The dependencies of steps by index, in compressed rows: the dependents of step `i` are `dependents` from
 * `dependentOffsets[i]` up to `dependentOffsets[i + 1]`, in ascending order; its dependencies likewise, in the order listed.
 */
export interface StepGraph {
  /** Ids by index, in the order given. */
  readonly ids: readonly string[];
  readonly indexOf: ReadonlyMap<string, number>;
  readonly dependencyOffsets: Int32Array;
  readonly dependencyIndexes: Int32Array;
  readonly dependencyCounts: Int32Array;
  readonly dependentOffsets: Int32Array;
  readonly dependents: Int32Array;
  /** A view, not a copy. */
  dependenciesOf(index: number): Int32Array;
  /** A view, not a copy. */
  dependentsOf(index: number): Int32Array;
}

/**
 * Indexes steps and their dependencies, in time and memory linear in both.
 *
 * @throws InvariantError for an id that stands twice or a dependency that is not there.
 */
export function createStepGraph(steps: readonly GraphNode[]): StepGraph {
  const indexOf = new Map(steps.map(({ id }, index) => [id, index]));
  if (indexOf.size < steps.length) throw new InvariantError('Two steps have the same id.');

  const dependencyOffsets = new Int32Array(steps.length + 1);
  steps.forEach(({ dependsOn }, index) => (dependencyOffsets[index + 1] = dependencyOffsets[index]! + dependsOn.length));
  const dependencyIndexes = new Int32Array(dependencyOffsets[steps.length]!);
  let edge = 0;
  for (const { id, dependsOn } of steps) {
    for (const dependency of dependsOn) {
      const index = indexOf.get(dependency);
      if (index === undefined) throw new InvariantError(`Step ${quote(id)} depends on ${quote(dependency)}, which is no step.`);
      dependencyIndexes[edge++] = index;
    }
  }

  const { dependentOffsets, dependents } = reversed(dependencyOffsets, dependencyIndexes);
  return {
    ids: steps.map(({ id }) => id),
    indexOf,
    dependencyOffsets,
    dependencyIndexes,
    dependencyCounts: Int32Array.from(steps, ({ dependsOn }) => dependsOn.length),
    dependentOffsets,
    dependents,
    dependenciesOf: (index) => dependencyIndexes.subarray(dependencyOffsets[index], dependencyOffsets[index + 1]),
    dependentsOf: (index) => dependents.subarray(dependentOffsets[index], dependentOffsets[index + 1]),
  };
}

function reversed(offsets: Int32Array, targets: Int32Array) {
  const count = offsets.length - 1;
  const dependentOffsets = new Int32Array(count + 1);
  for (const target of targets) dependentOffsets[target + 1]!++;
  for (let index = 0; index < count; index++) dependentOffsets[index + 1]! += dependentOffsets[index]!;
  const next = dependentOffsets.slice();
  const dependents = new Int32Array(targets.length);
  for (let source = 0; source < count; source++) {
    for (let edge = offsets[source]!; edge < offsets[source + 1]!; edge++) dependents[next[targets[edge]!]!++] = source;
  }
  return { dependentOffsets, dependents };
}
