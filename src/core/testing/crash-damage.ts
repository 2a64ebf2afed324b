import type { Plan } from '../ports/plan.js';
import type { RunEvent } from '../ports/run-output.js';
import type { JournalEntry } from '../ports/run.js';
import type { RunResult } from '../runtime/run-handle.js';
import { canonicalJson } from '../shared/canonical-json.js';
import type { Json } from '../shared/json.js';
import { keysAppliedTwice } from './crash-ledger.js';
import type { SimulatedRun } from './crash-run.js';
import type { CrashWorld, NotedHook } from './crash-world.js';

/**
 * What must hold of a run that crashed, however often: it comes to an end (`ends`); that end is the same as without a crash
 * (`same-status`, `same-deliverable`, `same-gaps`) and so is what was done to the world (`same-effects`); what was acknowledged is still
 * there, and is not done again (`keeps-results`); no effect is done twice under one key (`no-key-twice`); a `once` step is not started again
 * unless it is known not to have happened (`no-second-start`); what was set up is not set up again (`sets-up-once`), and everyone hears of
 * the end, of one end, once (`lands-once`).
 */
export type CrashExpectation =
  | 'ends'
  | 'same-status'
  | 'same-deliverable'
  | 'same-gaps'
  | 'same-effects'
  | 'keeps-results'
  | 'no-key-twice'
  | 'no-second-start'
  | 'sets-up-once'
  | 'lands-once';

/** One expectation that does not hold. */
export interface CrashDamage {
  readonly expectation: CrashExpectation;
  readonly expected: Json;
  readonly actual: Json;
}

/** What is known of a run that crashed, however it was made to. */
export type CrashedRun = Pick<SimulatedRun, 'journal' | 'hasTicketHook'> & {
  readonly ending:
    | { readonly kind: 'ended'; readonly result: Pick<RunResult, 'status' | 'deliverable' | 'gaps'> }
    | { readonly kind: 'broken'; readonly error: unknown };
  readonly world: Pick<CrashWorld, 'effects' | 'calls' | 'hooks' | 'stored' | 'acknowledged' | 'compactedTo'>;
  readonly user: Pick<SimulatedRun['user'], 'hasDenied'>;
};

export interface DamageOptions {
  /** The same run without a crash. */
  readonly reference: CrashedRun;
  readonly plan: Plan;
}

/** What is wrong with a run that crashed. */
export const crashDamage = (run: CrashedRun, { reference, plan }: DamageOptions): readonly CrashDamage[] => [
  ...endDamage(run, reference),
  ...lostEntries(run),
  ...repeatedResults(run),
  ...repeatedUndoing(run),
  ...keyDamage(run),
  ...secondStarts(run, plan),
  ...repeatedHooks(run),
  ...landingDamage(run, plan),
];

function endDamage(run: CrashedRun, reference: CrashedRun): CrashDamage[] {
  if (run.ending.kind === 'broken') return [{ expectation: 'ends', expected: 'an end', actual: String(run.ending.error) }];
  // Where a person said that something has not happened, another end is what was asked for.
  if (reference.ending.kind === 'broken' || run.user.hasDenied) return [];
  const [found, wanted] = [run.ending, reference.ending];
  const isCompleted = wanted.result.status === 'completed';
  const gapsOf = ({ result }: typeof found): Json => result.gaps.map(({ key, status }) => `${key} ${status}`).sort();
  return [
    ...unlessSame('same-status', found.result.status, wanted.result.status),
    ...unlessSame('same-deliverable', found.result.deliverable ?? null, wanted.result.deliverable ?? null),
    // How far a run came that failed or was cancelled is a matter of time, and so of how long it was down.
    ...(isCompleted ? unlessSame('same-gaps', gapsOf(found), gapsOf(wanted)) : []),
    ...(isCompleted ? unlessSame('same-effects', run.world.effects.applied.length, reference.world.effects.applied.length) : []),
  ];
}

function unlessSame(expectation: CrashExpectation, actual: Json, expected: Json): CrashDamage[] {
  return canonicalJson(actual) === canonicalJson(expected) ? [] : [{ expectation, expected, actual }];
}

/** Whatever was answered for is still there, as it was. */
function lostEntries({ world, journal, ending }: CrashedRun): CrashDamage[] {
  if (ending.kind === 'broken') return [];
  const kept = new Map(journal.map((entry) => [entry.seq, canonicalJson(entry as unknown as Json)]));
  const damaged = world.acknowledged.filter(
    (entry) => entry.seq > world.compactedTo && kept.get(entry.seq) !== canonicalJson(entry as unknown as Json),
  );
  return damaged.map((entry) => ({
    expectation: 'keeps-results',
    expected: entry as unknown as Json,
    actual: kept.get(entry.seq) ?? 'nothing under this seq',
  }));
}

/** No agent is asked again for a result that the runtime knew to be durable. */
function repeatedResults({ world }: CrashedRun): CrashDamage[] {
  const knownFrom = firstOf(world.acknowledged, succeededStep);
  const repeated = forwardCalls(world).filter(({ request, known }) => known > (knownFrom.get(request.stepId) ?? Infinity));
  return repeated.map(({ request, life }) => ({
    expectation: 'keeps-results',
    expected: `no call for "${request.stepId}" once its result is durable`,
    actual: `attempt ${request.attempt} in life ${life}`,
  }));
}

/** Nothing is undone again once that is durable. Attempts to undo count on from those at the step itself. */
function repeatedUndoing({ world }: CrashedRun): CrashDamage[] {
  const attempts = new Map<string, number>();
  for (const { request } of forwardCalls(world)) {
    attempts.set(request.stepId, Math.max(request.attempt, attempts.get(request.stepId) ?? 0));
  }
  const undone = (entry: JournalEntry): string | undefined =>
    entry.type === 'step.succeeded' && entry.attempt > (attempts.get(entry.stepId) ?? Infinity) ? entry.stepId : undefined;
  const knownFrom = firstOf(world.acknowledged, undone);
  const calls = world.calls.filter(({ request }) => request.kind === 'compensation');
  const repeated = calls.filter(({ request, known }) => known > (knownFrom.get(request.stepId) ?? Infinity));
  return repeated.map(({ request, life }) => ({
    expectation: 'keeps-results',
    expected: `no further compensation of "${request.stepId}"`,
    actual: `effort ${request.attempt} in life ${life}`,
  }));
}

const forwardCalls = ({ calls }: CrashedRun['world']) => calls.filter(({ request }) => request.kind !== 'compensation');

function succeededStep(entry: JournalEntry): string | undefined {
  if (entry.type === 'step.succeeded') return entry.stepId;
  return entry.type === 'step.probed' && entry.finding.kind === 'happened' ? entry.stepId : undefined;
}

/** Place of the first entry about each step. */
function firstOf(entries: readonly JournalEntry[], stepOf: (entry: JournalEntry) => string | undefined): Map<string, number> {
  const first = new Map<string, number>();
  entries.forEach((entry, index) => {
    const stepId = stepOf(entry);
    if (stepId !== undefined && !first.has(stepId)) first.set(stepId, index);
  });
  return first;
}

const keyDamage = ({ world }: CrashedRun): CrashDamage[] =>
  keysAppliedTwice(world.effects).map((key) => ({
    expectation: 'no-key-twice',
    expected: 1,
    actual: `${world.effects.applied.filter((effect) => effect.key === key).length} effects under the key "${key}"`,
  }));

function secondStarts({ world }: CrashedRun, plan: Plan): CrashDamage[] {
  return plan.steps.flatMap(({ id, effect }) => {
    if (effect !== 'once') return [];
    const started = forwardCalls(world).filter(({ request }) => request.stepId === id).length;
    const allowed = 1 + world.stored.filter((entry) => mayStartAgain(entry, id)).length;
    return started <= allowed
      ? []
      : [{ expectation: 'no-second-start', expected: `${allowed} starts of "${id}"`, actual: started }];
  });
}

/** What lets a `once` step start again: its attempt has failed and says so, or is known not to have happened. */
function mayStartAgain(entry: JournalEntry, stepId: string): boolean {
  if (entry.type === 'step.failed') return entry.stepId === stepId && entry.retryable;
  return entry.type === 'step.probed' && entry.stepId === stepId && entry.finding.kind === 'not-happened';
}

/** No hook is called again for what is on record. */
function repeatedHooks({ world: { hooks, acknowledged } }: CrashedRun): CrashDamage[] {
  const repeated = hooks.filter((hook) => acknowledged.slice(0, hook.known).some((entry) => isRecordOf(entry, hook)));
  return repeated.map(({ hook, idempotencyKey }) => ({
    expectation: hook === 'updateTicket' || hook === 'deliver' || hook === 'release' ? 'lands-once' : 'sets-up-once',
    expected: `no call of ${hook}() once it is on record`,
    actual: idempotencyKey,
  }));
}

function isRecordOf(entry: JournalEntry, { hook, role, event }: NotedHook): boolean {
  switch (hook) {
    case 'createTeam':
      return entry.type === 'team.created';
    case 'createProject':
      return entry.type === 'project.created';
    case 'deliver':
      return entry.type === 'run.delivered';
    case 'release':
      return entry.type === 'role.released' && entry.role === role;
    case 'updateTicket':
      return entry.type === 'run.landed' && isEnding(event);
    // A hire is asked for again, under its key, to get back the agent that came with it.
    case 'hire':
    case 'postToChannel':
      return false;
  }
}

const isEnding = (event: RunEvent | undefined): boolean =>
  event?.type === 'run.completed' || event?.type === 'run.failed' || event?.type === 'run.cancelled';

/** Of one end, and under one key, so that the ticket can tell. */
function landingDamage({ world, ending, hasTicketHook }: CrashedRun, { context }: Plan): CrashDamage[] {
  const ends = new Set(
    world.hooks
      .filter(({ hook, event }) => hook === 'updateTicket' && isEnding(event))
      .map(({ idempotencyKey, event }) => `${event?.type ?? ''} ${idempotencyKey}`),
  );
  const mustLand = hasTicketHook && context.parentTicket !== null;
  const wanted = mustLand && ending.kind === 'ended' ? 1 : 0;
  return ends.size > 1 || ends.size < wanted ? [{ expectation: 'lands-once', expected: 1, actual: [...ends] }] : [];
}
