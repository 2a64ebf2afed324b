import type { CancelTimer, Clock } from '../ports/clock.js';
import type { Refusal } from '../limits/admission.js';
import type { Funds } from '../limits/funds.js';
import type { Claim } from '../limits/resource-use.js';
import type { Holder } from '../limits/holder.js';
import type { Priority } from '../ports/proposal.js';
import { createDeferred } from './deferred.js';
import type { StartCommand } from './attempt-command.js';
import type { WorkQueue } from './work-queue.js';

/** Where the attempts of one run wait for their turn, and hold their place until they have ended. */
export interface AttemptPlaces {
  /** `begin` is called when the turn has come, unless the step was aborted by then; nothing given back means that it does not begin. */
  take(command: StartCommand, turn: Turn): void;
  abort(stepId: string, reason: () => Error): void;
  /** Forgets what waits; gives the steps that are at work. */
  forgetWaiting(): string[];
}

/** What an attempt waits for, and what becomes of it. */
export interface Turn {
  /** Whether it is known who holds what it claims. */
  readonly by?: Holder;
  readonly tenant: string;
  readonly owner: string;
  readonly priority: Priority;
  readonly urgency: number;
  readonly claims: readonly Claim[];
  readonly kind: string;
  readonly begin: (signal: AbortSignal) => Promise<void> | undefined;
  readonly refuse: (refusal: Refusal) => void;
  readonly funds?: Funds;
  /** It was aborted and has not ended in its time. */
  readonly giveUp: () => void;
}

export interface AttemptPlacesOptions {
  readonly queue: WorkQueue;
  readonly suspects: WorkQueue;
  readonly clock: Clock;
  readonly graceMs: number;
}

/** An attempt under way. */
interface ActiveAttempt {
  readonly controller: AbortController;
  /** Gives up its place in the queue, whether or not it has ended. */
  readonly leave: () => void;
  readonly giveUp: () => void;
  disarm: CancelTimer;
}

const priorities = { high: 2, normal: 1, low: 0 } as const;

/** Lost starts from which on an attempt begins only when no other such attempt has begun a moment before. */
const suspectFrom = 2;
/** How long a suspect is watched. What takes its process down mostly does so at once. */
const suspectMs = 1_000;

export function createAttemptPlaces({ queue, suspects, clock, graceMs }: AttemptPlacesOptions): AttemptPlaces {
  const waiting = new Map<string, { readonly command: StartCommand; readonly leave: () => void }>();
  const active = new Map<string, ActiveAttempt>();

  const leaveLine = (stepId: string): void => {
    waiting.get(stepId)?.leave();
    waiting.delete(stepId);
  };

  const enter = async (
    command: StartCommand,
    { begin, giveUp }: Pick<Turn, 'begin' | 'giveUp'>,
    limitMs?: number,
  ): Promise<void> => {
    const { stepId } = command;
    // Aborted while it waited, or waiting again under a newer command.
    if (waiting.get(stepId)?.command !== command) return;
    waiting.delete(stepId);
    const place = createDeferred<undefined>();
    const leave = (): void => place.resolve(undefined);
    const current: ActiveAttempt = { controller: new AbortController(), leave, giveUp, disarm: () => undefined };
    // From here on it can be aborted, also while its start is being written.
    active.set(stepId, current);
    const forget = (): void => {
      current.disarm();
      if (active.get(stepId) === current) active.delete(stepId);
      leave();
    };
    const work = begin(current.controller.signal);
    if (!work) {
      forget();
      return;
    }
    void work.finally(forget);
    if (limitMs !== undefined) current.disarm = clock.schedule(clock.now() + limitMs, leave);
    await place.promise;
  };

  return {
    take(command, { priority, begin, refuse, giveUp, ...turn }) {
      const { stepId } = command;
      const lostStarts = command.type === 'step.start' ? (command.lostStarts ?? 0) : 0;
      const isSuspect = lostStarts >= suspectFrom;
      leaveLine(stepId);
      const leave = (isSuspect ? suspects : queue).add({
        ...turn,
        stepId,
        priority: priorities[priority],
        since: clock.now(),
        run: () => enter(command, { begin, giveUp }, isSuspect ? suspectMs : undefined),
        refuse(refusal) {
          if (waiting.get(stepId)?.command !== command) return;
          waiting.delete(stepId);
          refuse(refusal);
        },
      });
      waiting.set(stepId, { command, leave });
    },
    abort(stepId, reason) {
      leaveLine(stepId);
      const current = active.get(stepId);
      if (!current || current.controller.signal.aborted) return;
      current.disarm();
      // Who takes no notice must not keep the place of others for ever.
      current.disarm = clock.schedule(clock.now() + graceMs, () => {
        current.giveUp();
        current.leave();
      });
      current.controller.abort(reason());
    },
    forgetWaiting() {
      for (const stepId of [...waiting.keys()]) leaveLine(stepId);
      return [...active.keys()];
    },
  };
}
