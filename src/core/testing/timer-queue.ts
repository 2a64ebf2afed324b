/** One timer of a {@link TimerQueue}. `callback` is gone once it was cancelled or taken. */
export interface QueuedTimer {
  readonly dueAt: number;
  /** Place in the order of scheduling; decides between timers due at the same time. */
  readonly order: number;
  callback: (() => void) | undefined;
}

/** Timers by due time, then by the order in which they were added. Adding and taking cost O(log n), cancelling O(1). */
export interface TimerQueue {
  /** Timers that are neither taken nor cancelled. */
  readonly size: number;
  add(dueAt: number, callback: () => void): QueuedTimer;
  cancel(timer: QueuedTimer): void;
  /** Due time of the next timer; `undefined` where there is none. */
  nextDueAt(): number | undefined;
  /** Takes the next timer out and gives its callback. */
  take(): (() => void) | undefined;
}

/** Cancelled timers stay in the heap until they come up, or until there are this many and they are the greater part of it. */
const sweepFrom = 64;

/** Creates an empty {@link TimerQueue}, a binary heap with lazy deletion. */
export function createTimerQueue(): TimerQueue {
  let heap: QueuedTimer[] = [];
  let live = 0;
  let added = 0;

  const dropCancelled = () => {
    while (heap.length > 0 && heap[0]?.callback === undefined) removeFirst(heap);
  };

  return {
    get size() {
      return live;
    },
    add(dueAt, callback) {
      const timer: QueuedTimer = { dueAt, order: added++, callback };
      live++;
      insert(heap, timer);
      return timer;
    },
    cancel(timer) {
      if (timer.callback === undefined) return;
      timer.callback = undefined;
      live--;
      if (heap.length >= sweepFrom && live * 2 < heap.length) {
        // A sorted array is a heap.
        heap = heap.filter((entry) => entry.callback !== undefined).sort((a, b) => (comesBefore(a, b) ? -1 : 1));
      }
    },
    nextDueAt() {
      dropCancelled();
      return heap[0]?.dueAt;
    },
    take() {
      dropCancelled();
      const timer = removeFirst(heap);
      if (timer === undefined) return undefined;
      live--;
      const { callback } = timer;
      timer.callback = undefined;
      return callback;
    },
  };
}

const comesBefore = (a: QueuedTimer, b: QueuedTimer): boolean => a.dueAt < b.dueAt || (a.dueAt === b.dueAt && a.order < b.order);

function insert(heap: QueuedTimer[], timer: QueuedTimer): void {
  let index = heap.length;
  heap.push(timer);
  while (index > 0) {
    const parentIndex = (index - 1) >> 1;
    const parent = heap[parentIndex];
    if (parent === undefined || !comesBefore(timer, parent)) break;
    heap[index] = parent;
    index = parentIndex;
  }
  heap[index] = timer;
}

function removeFirst(heap: QueuedTimer[]): QueuedTimer | undefined {
  const first = heap[0];
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return first;
  let index = 0;
  for (;;) {
    const child = smallerChild(heap, index);
    const candidate = heap[child];
    if (candidate === undefined || !comesBefore(candidate, last)) break;
    heap[index] = candidate;
    index = child;
  }
  heap[index] = last;
  return first;
}

function smallerChild(heap: readonly QueuedTimer[], index: number): number {
  const left = heap[2 * index + 1];
  const right = heap[2 * index + 2];
  return left !== undefined && right !== undefined && comesBefore(right, left) ? 2 * index + 2 : 2 * index + 1;
}
