import type { RunEvent } from '../ports/run-output.js';
import type { StoredError } from '../ports/run.js';
import type { Orchestrator } from '../runtime/create-orchestrator.js';
import type { DecisionInput, Run } from '../runtime/run-handle.js';
import { EventsGoneError } from '../runtime/errors.js';
import { isTerminal } from '../runtime/is-terminal.js';
import type { AppliedEffect } from './crash-ledger.js';
import type { LifeSpan } from './crash-life.js';
import type { CrashWorld } from './crash-world.js';

/**
 * What a person does in the middle of a simulated run. Where a crash comes before it is durable, it is done again in the next life, as a
 * person would who got no answer.
 */
export type CrashAct = {
  /** The event that it follows: the first of this type, and of this step where one is named. */
  readonly after: { readonly type: RunEvent['type']; readonly stepId?: string };
  /** Time between that event and the act, in milliseconds. Default: 0. */
  readonly delayMs?: number;
} & (
  | { readonly do: 'pause' | 'resume' }
  | { readonly do: 'cancel'; readonly reason?: string; readonly compensate?: boolean }
  | { readonly do: 'decide'; readonly stepId: string; readonly decision: DecisionInput }
  | { readonly do: 'approve-steps'; readonly steps: readonly string[] }
  /** Proposes another plan for the run under way, and approves it. */
  | { readonly do: 'replan'; readonly proposal: unknown; readonly running?: 'finish' | 'cancel' }
);

/** A step that waits for a person. */
export interface WaitingStep {
  readonly stepId: string;
  readonly status: 'gated' | 'in-doubt';
  /** Why it is in doubt. */
  readonly error?: StoredError;
  /** The effect that was done under the key of its last attempt, if any: what a person would find out by looking. */
  readonly effect?: AppliedEffect;
}

/** Answers a step that waits; nothing for one that is left waiting. */
export type Decide = (waiting: WaitingStep) => DecisionInput | undefined;

/** The life in which a person looks after a run. */
export interface Here {
  readonly life: Pick<LifeSpan, 'clock'>;
  readonly orchestrator: Pick<Orchestrator, 'revise' | 'approve' | 'history'>;
}

export interface CrashUserOptions {
  readonly acts: readonly CrashAct[];
  readonly decide: Decide;
  readonly world: Pick<CrashWorld, 'calls' | 'effects'>;
}

/** The person around a simulated run, who outlives every crash. */
export interface CrashUser {
  /** Acts of which the events of the run show that they have come about, as far as they were seen. */
  readonly actsDone: number;
  /** Why the last act that was refused was. */
  readonly refusal: string | undefined;
  /** Whether a step in doubt was said not to have happened: the run may then end otherwise than it would have. */
  readonly hasDenied: boolean;
  /** Looks after a run for as long as this life lasts. */
  attend(run: Run, here: Here): void;
  /** Answers every step that waits now. */
  answerAll(run: Run): void;
}

/** A person answers a step in doubt when its probe has had its time. */
const doubtMs = 30_000;
const simulator = 'simulator';

export function createCrashUser({ acts, decide, world }: CrashUserOptions): CrashUser {
  let actsDone = 0;
  let hasDenied = false;
  let refusal: string | undefined;

  const answer = (run: Run, stepId: string): void => {
    const step = run.view().steps.find(({ id }) => id === stepId);
    if (step?.status !== 'gated' && step?.status !== 'in-doubt') return;
    const effect = lastEffect(world, stepId);
    const { status, error } = step;
    const decision = decide({ stepId, status, ...(error && { error }), ...(effect && { effect }) });
    if (!decision) return;
    if (status === 'in-doubt' && !decision.approve) hasDenied = true;
    // Refused where it has been answered meanwhile.
    run.decide(stepId, decision).catch(() => undefined);
  };

  const follow = async (run: Run, here: Here): Promise<void> => {
    const { clock } = here.life;
    try {
      await followFrom(0, run, here);
    } catch (error) {
      if (!(error instanceof EventsGoneError)) throw error;
      // Its journal was compacted: what waits by now is in the view.
      const { seq, steps } = run.view();
      clock.schedule(clock.now() + doubtMs, () => steps.forEach(({ id }) => answer(run, id)));
      await followFrom(seq, run, here);
    }
  };

  const followFrom = async (after: number, run: Run, here: Here): Promise<void> => {
    const { clock } = here.life;
    const later = (delayMs: number, then: () => void): void => void clock.schedule(clock.now() + delayMs, then);
    let isDue = false;
    let done = 0;
    for await (const event of run.events({ after })) {
      if (event.type === 'step.gated') later(0, () => answer(run, event.stepId));
      if (event.type === 'step.in-doubt') later(doubtMs, () => answer(run, event.stepId));
      if (isDue && shows(event, acts[done])) {
        done += 1;
        isDue = false;
        actsDone = Math.max(actsDone, done);
      }
      const act = acts[done];
      if (!act || isDue || !follows(event, act)) continue;
      isDue = true;
      const nth = done;
      // By a timer, so that what happened in earlier lives has been read by then.
      later(act.delayMs ?? 0, () => {
        if (done === nth) perform(run, act, here).catch((error: unknown) => (refusal = String(error)));
      });
    }
  };

  return {
    get actsDone() {
      return actsDone;
    },
    get refusal() {
      return refusal;
    },
    get hasDenied() {
      return hasDenied;
    },
    attend: (run, here) => void follow(run, here).catch(() => undefined),
    answerAll: (run) => run.view().steps.forEach(({ id }) => answer(run, id)),
  };
}

/** What a person says who has nothing else to go by. A step that waits because it was not approved is left waiting. */
export const decideByLooking =
  (approved: readonly string[] | undefined): Decide =>
  ({ stepId, status, effect }) => {
    if (status === 'gated') return approved?.includes(stepId) === false ? undefined : { approve: true, by: simulator };
    return effect ? { approve: true, by: simulator, output: effect.value } : { approve: false, by: simulator };
  };

/** Effects are known by the idempotency key of an attempt, or by one that begins with it. */
function lastEffect({ calls, effects }: CrashUserOptions['world'], stepId: string): AppliedEffect | undefined {
  const key = calls.findLast(({ request }) => request.stepId === stepId && request.kind !== 'compensation')?.request
    .idempotencyKey;
  if (key === undefined) return undefined;
  return (
    effects.find(key) ?? effects.applied.find((effect) => effect.key.startsWith(key) && !/^\d/.test(effect.key.slice(key.length)))
  );
}

const follows = (event: RunEvent, { after }: CrashAct): boolean =>
  event.type === after.type && (after.stepId === undefined || ('stepId' in event && event.stepId === after.stepId));

/** Whether an event shows that an act has come about. */
function shows(event: RunEvent, act: CrashAct | undefined): boolean {
  switch (act?.do) {
    case undefined:
      return false;
    case 'pause':
      return event.type === 'run.paused';
    case 'resume':
      return event.type === 'run.resumed';
    case 'cancel':
      return event.type === 'run.stopping' || event.type === 'run.cancelled';
    case 'decide':
      return event.type === 'step.decided' && event.stepId === act.stepId;
    case 'approve-steps':
      return event.type === 'run.widened';
    case 'replan':
      return event.type === 'run.replanned';
  }
}

async function perform(run: Run, act: CrashAct, { orchestrator }: Here): Promise<unknown> {
  if (isTerminal(run.view().status)) return undefined;
  switch (act.do) {
    case 'pause':
      return run.pause();
    case 'resume':
      return run.resume();
    case 'cancel': {
      const { reason, compensate } = act;
      return run.cancel({ ...(reason !== undefined && { reason }), ...(compensate !== undefined && { compensate }) });
    }
    case 'decide':
      return run.decide(act.stepId, act.decision);
    case 'approve-steps':
      return run.approveSteps(act.steps, { approvedBy: { kind: 'user', id: simulator } });
    case 'replan':
      return replan(run, act, orchestrator);
  }
}

/** What was proposed before a crash is not proposed again. */
async function replan(
  { runId, view }: Run,
  { proposal, running }: Extract<CrashAct, { readonly do: 'replan' }>,
  orchestrator: Here['orchestrator'],
): Promise<unknown> {
  const baseRevision = (await orchestrator.history(runId)).revisions.at(-1)?.revision ?? 1;
  const { revision, digest } = view().pending ?? (await orchestrator.revise(runId, proposal, { baseRevision }));
  const approvedBy = { kind: 'user', id: simulator };
  return orchestrator.approve(runId, { revision, digest, approvedBy, ...(running && { running }) });
}
