import fc from 'fast-check';

export interface DagOptions {
  /** Default: 1. */
  readonly minNodes?: number;
  /** Default: 12. */
  readonly maxNodes?: number;
  /** Dependencies of one node at most. Default: 4. */
  readonly maxDependencies?: number;
}

/** For each node the indexes of those it depends on: smaller than its own, ascending, none twice. */
export type Dag = readonly (readonly number[])[];

/** Directed graphs without cycles. Shrinks to fewer nodes, fewer edges, and then to edges from the first node. */
export const dagArbitrary = ({ minNodes = 1, maxNodes = 12, maxDependencies = 4 }: DagOptions = {}): fc.Arbitrary<Dag> =>
  fc
    .array(picksArbitrary(maxDependencies), { minLength: minNodes, maxLength: maxNodes, size: 'max' })
    .map((nodes) => nodes.map(dependenciesAmong));

/** Numbers from which {@link dependenciesAmong} chooses dependencies, whatever place a node ends up at while shrinking. */
export const picksArbitrary = (maxDependencies: number): fc.Arbitrary<readonly number[]> =>
  fc.array(fc.nat({ max: 1_000_003 }), { maxLength: maxDependencies });

/** Turns a node's picks into indexes of nodes before it. */
export const dependenciesAmong = (picks: readonly number[], index: number): readonly number[] =>
  index === 0 ? [] : [...new Set(picks.map((pick) => pick % index))].sort((a, b) => a - b);
