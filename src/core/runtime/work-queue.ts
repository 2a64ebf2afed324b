import PQueue from 'p-queue';

import type { LineWait } from '../limits/line-waits.js';
import { createAdmission, type Refusal, type Waiting } from '../limits/admission.js';
import type { CancelTimer, Clock } from '../ports/clock.js';

/** Something to be done when its turn has come. */
export interface Work extends Waiting {
  /** The step that it is an attempt at, or that makes the call; absent for what is neither. */
  readonly stepId?: string;
  /** Must not reject: its outcome is its own affair. */
  readonly run: () => Promise<void>;
  /** It is not to be done: too many wait already, or it has waited too long. */
  readonly refuse: (refusal: Refusal) => void;
}

/**
 * Lets at most so many attempts of all runs of an orchestrator work at once, and each only when what it shares with others allows it. The rest waits.
 * Runs take turns; of one run, what is of higher priority goes first, and then what has the longest way still behind it.
 */
export interface WorkQueue {
  /** Gives what takes it out again. */
  add(work: Work): () => void;
  /** As {@link WorkQueue.add}, for what is part of something that works already. */
  addCall(work: Work): () => void;
  /** Does it at once, whatever the limits; it counts like anything else that works. */
  seize(work: Work): void;
  /** Nothing that claims a resource begins before then. */
  hold(resource: string, until: number): void;
  /** Looks again who may work, because something has changed that it does not know of. */
  recheck(): void;
  /** What each of an owner's waits for that may not begin now. */
  waitsOf(owner: string): readonly { readonly item: Work; readonly wait: LineWait }[];
  /** Resolves when nothing works. */
  idle(): Promise<void>;
}

/** What every attempt claims; no resource has this name. */
export const place = '';

export function createWorkQueue({ concurrency, clock }: { readonly concurrency: number; readonly clock: Clock }): WorkQueue {
  const queue = new PQueue();
  const admission = createAdmission<Work>();
  const claim = { resource: place, amount: 1, limit: { concurrency } };
  let isDue = false;
  let disarm: CancelTimer = () => undefined;

  const begin = async (work: Work): Promise<void> => {
    try {
      await work.run();
    } finally {
      admission.release(work);
      work.funds?.leave();
      look();
    }
  };
  const letIn = (): void => {
    isDue = false;
    disarm();
    const now = clock.now();
    for (let work = admission.next(now); work; work = admission.next(now)) {
      const next = work;
      void queue.add(() => begin(next));
    }
    for (const { item, refusal } of admission.refused(now)) item.refuse(refusal);
    const wakeAt = admission.wakeAt(now);
    if (wakeAt !== undefined) disarm = clock.schedule(wakeAt, letIn);
  };
  /** What comes about together is compared before the first of it begins. */
  const look = (): void => {
    if (isDue) return;
    isDue = true;
    queueMicrotask(letIn);
  };
  const addCall = (work: Work): (() => void) => {
    admission.add(work);
    look();
    return () => {
      admission.remove(work);
      look();
    };
  };

  return {
    add: (work) => addCall({ ...work, claims: [claim, ...work.claims] }),
    addCall,
    seize(work) {
      admission.seize(work, clock.now());
      void queue.add(() => begin(work));
    },
    recheck: look,
    waitsOf: (owner) => admission.waitsOf(owner, clock.now()),
    hold: (resource, until) => admission.holdUntil(resource, until),
    async idle() {
      await queue.onIdle();
      disarm();
    },
  };
}
