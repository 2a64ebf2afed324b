import type { Effect } from 'planwright';

/** What is lost, once, in the midst of it. */
export type Loss =
  | 'the process, before the charge'
  | 'the process, after the charge'
  | 'the process, after the refund'
  | 'the answer to the charge';

/** A way to deal with a payment of which anything can be lost at any moment. */
export interface Way {
  readonly name: string;
  readonly lost: Loss;
  /** What the plan says of the ticket `pay`. */
  readonly effect: Effect;
  /** Whether the provider knows idempotency keys. */
  readonly honoursKeys: boolean;
  /** The key that the agent hands on: that of the attempt, or one that all attempts at the step share. */
  readonly key: 'of the attempt' | 'of the step';
  /** The agent can find out whether a charge went through. */
  readonly canProbe?: boolean;
  /** The agent charges inside of `context.once`. */
  readonly chargesOnce?: boolean;
  /** The goods turn out to be gone, so that the charge has to be undone. */
  readonly isSoldOut?: boolean;
}

const processLost = { lost: 'the process, after the charge', key: 'of the attempt' } as const;
const answerLost = { lost: 'the answer to the charge', effect: 'idempotent', honoursKeys: true } as const;
const once = { effect: 'once', honoursKeys: false } as const;

export const ways: readonly Way[] = [
  // What happens where nobody thinks of it: a plan's effect is `idempotent` unless it says otherwise, and here it is not.
  { name: 'nothing', ...processLost, effect: 'idempotent', honoursKeys: false },
  { name: 'idempotencyKey', ...processLost, effect: 'idempotent', honoursKeys: true },
  // An attempt that failed is followed by another one, and that has a key of its own.
  { name: 'idempotencyKey', ...answerLost, key: 'of the attempt' },
  { name: 'key of the step', ...answerLost, key: 'of the step' },
  { name: 'once, probe', ...processLost, ...once, canProbe: true },
  { name: 'once, probe', ...processLost, ...once, canProbe: true, lost: 'the process, before the charge' },
  { name: 'once, person', ...processLost, ...once },
  { name: 'context.once', ...processLost, effect: 'idempotent', honoursKeys: false, chargesOnce: true },
  {
    name: 'compensation',
    lost: 'the process, after the refund',
    key: 'of the attempt',
    effect: 'idempotent',
    honoursKeys: true,
    isSoldOut: true,
  },
];
