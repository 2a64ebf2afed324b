/** Indices that wait for their turn, the lowest rank first and the lowest index among equals: a binary heap. */
export interface ReadyQueue {
  push(index: number): void;
  peek(): number | undefined;
  pop(): void;
  /** Forgets all, then takes these. */
  reset(indices: Iterable<number>): void;
}

/** `rankOf` must not change while an index is queued. */
export function createReadyQueue(rankOf: (index: number) => number): ReadyQueue {
  const heap: number[] = [];
  const at = (position: number): number => heap[position]!;
  const before = (a: number, b: number): boolean =>
    rankOf(at(a)) - rankOf(at(b)) < 0 || (rankOf(at(a)) === rankOf(at(b)) && at(a) < at(b));
  const swap = (a: number, b: number): void => {
    const held = at(a);
    heap[a] = at(b);
    heap[b] = held;
  };
  const push = (index: number): void => {
    let position = heap.push(index) - 1;
    for (let parent = (position - 1) >> 1; position > 0 && before(position, parent); parent = (position - 1) >> 1) {
      swap(position, parent);
      position = parent;
    }
  };
  const sink = (): void => {
    for (let position = 0; ;) {
      const left = 2 * position + 1;
      let first = position;
      if (left < heap.length && before(left, first)) first = left;
      if (left + 1 < heap.length && before(left + 1, first)) first = left + 1;
      if (first === position) return;
      swap(position, first);
      position = first;
    }
  };
  return {
    push,
    peek: () => heap[0],
    pop() {
      const last = heap.pop();
      if (last === undefined || heap.length === 0) return;
      heap[0] = last;
      sink();
    },
    reset(indices) {
      heap.length = 0;
      for (const index of indices) push(index);
    },
  };
}
