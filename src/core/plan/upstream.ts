import type { StepGraph } from './step-graph.js';

/** The question whether step `target` lies upstream of step `from`; both are indexes. */
export interface UpstreamQuestion {
  readonly from: number;
  readonly target: number;
}

/** One bit of a 32-bit integer for each of the targets that are looked for in one pass. */
const targetsPerPass = 32;

/**
 * The questions that are answered with no, in the order asked. A pass over the edges settles 32 targets, so the cost is
 * (edges × distinct targets / 32); ask only what a look at the direct dependencies leaves open.
 */
export function notUpstream<T extends UpstreamQuestion>(
  questions: readonly T[],
  { graph, order }: { readonly graph: StepGraph; readonly order: Int32Array },
): readonly T[] {
  const place = new Int32Array(order.length);
  order.forEach((index, position) => (place[index] = position));
  const byTarget = groupByTarget(questions);
  const targets = [...byTarget.keys()].sort((a, b) => place[a]! - place[b]!);

  const refused = new Set<T>();
  const reached = new Int32Array(order.length);
  for (let first = 0; first < targets.length; first += targetsPerPass) {
    const pass = targets.slice(first, first + targetsPerPass);
    reached.fill(0);
    markDownstream(pass, { graph, order, reached, start: place[pass[0]!]! });
    pass.forEach((target, bit) => {
      for (const question of byTarget.get(target) ?? []) {
        if ((reached[question.from]! & (1 << bit)) === 0) refused.add(question);
      }
    });
  }
  return questions.filter((question) => refused.has(question));
}

function groupByTarget<T extends UpstreamQuestion>(questions: readonly T[]): ReadonlyMap<number, readonly T[]> {
  const groups = new Map<number, T[]>();
  for (const question of questions) {
    const group = groups.get(question.target);
    if (group === undefined) groups.set(question.target, [question]);
    else group.push(question);
  }
  return groups;
}

interface Marking {
  readonly graph: StepGraph;
  readonly order: Int32Array;
  readonly reached: Int32Array;
  /** Place in the order of the first target; nothing before it can be downstream of any. */
  readonly start: number;
}

/** Sets bit `n` of `reached` for every step strictly downstream of the target `n`. */
function markDownstream(targets: readonly number[], { graph, order, reached, start }: Marking): void {
  const own = new Map(targets.map((target, bit) => [target, 1 << bit]));
  const { dependentOffsets, dependents } = graph;
  for (let position = start; position < order.length; position++) {
    const index = order[position]!;
    const bits = reached[index]! | (own.get(index) ?? 0);
    if (bits === 0) continue;
    for (let edge = dependentOffsets[index]!; edge < dependentOffsets[index + 1]!; edge++) reached[dependents[edge]!]! |= bits;
  }
}
