/**
 * The life of a run. `failed` and `cancelled` can be reached from every state in which it is not over; `cancelled` also while it
 * is only proposed, which withdraws it.
 */
export const lifecycleChart = {
  id: 'run',
  initial: 'proposed',
  states: {
    proposed: { on: { REVISE: { target: 'proposed' }, APPROVE: { target: 'approved' }, CANCEL: { target: 'cancelled' } } },
    approved: { on: { START: { target: 'executing' }, FAIL: { target: 'failed' }, CANCEL: { target: 'cancelled' } } },
    executing: { on: { SYNTHESIZE: { target: 'synthesizing' }, FAIL: { target: 'failed' }, CANCEL: { target: 'cancelled' } } },
    synthesizing: { on: { COMPLETE: { target: 'completed' }, FAIL: { target: 'failed' }, CANCEL: { target: 'cancelled' } } },
    completed: { type: 'final' },
    failed: { type: 'final' },
    cancelled: { type: 'final' },
  },
} as const;

/** Whether new steps may start. Beside the lifecycle, which a pause does not move. */
export const pauseChart = {
  id: 'pause',
  initial: 'active',
  states: {
    active: { on: { PAUSE: { target: 'paused' } } },
    paused: { on: { RESUME: { target: 'active' } } },
  },
} as const;

export type LifecycleEvent = 'REVISE' | 'APPROVE' | 'START' | 'SYNTHESIZE' | 'COMPLETE' | 'FAIL' | 'CANCEL';
export type PauseEvent = 'PAUSE' | 'RESUME';
