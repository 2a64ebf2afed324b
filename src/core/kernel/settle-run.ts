import type { RunFact } from '../ports/run-output.js';
import type { RunInput, StoredError, TerminalRunStatus } from '../ports/run.js';
import { quote } from '../shared/issue.js';
import { limitAbandoned } from './abandon.js';
import { isUnsettled } from './after-end.js';
import { undoNext } from './compensate.js';
import { nextTimeNotice } from './budget-notices.js';
import { gapsOf } from './gaps.js';
import { isOver, moveLifecycle, publish, statusOf, stepOf, type RunCore } from './run-core.js';
import { scheduleRoots } from './schedule.js';
import { beginStop } from './stop-run.js';

/** What a run does when nothing more follows from the last input: go on to its next phase, or come to its end. */
export function settleRun(core: RunCore, at: number): void {
  const { run } = core;
  if (run.stop) undoNext(core, at);
  if (run.undoing) clearGrace(core);
  if (isOver(core)) return settleEnd(core);
  if (run.stop) return endIfQuiet(core, at);
  if (run.lifecycle === 'executing' && run.workLeft === 0) return beginSynthesis(core, at);
  if (run.lifecycle === 'synthesizing' && run.synthesisLeft === 0 && !run.delivering) deliver(core, at);
}

/** A stopping run ends when no step is under way any more. */
function endIfQuiet(core: RunCore, at: number): void {
  const { run } = core;
  if (!run.stop || run.running > 0 || run.undoing) return;
  const { to, reason, error } = run.stop;
  if (to === 'failed') return endRun(core, { event: 'FAIL', fact: { type: 'run.failed', reason, error }, at });
  const hasFailed = error['compensationsFailed'] !== undefined;
  endRun(core, { event: 'CANCEL', fact: { type: 'run.cancelled', reason, ...(hasFailed && { error }) }, at });
}

interface Ending {
  readonly event: 'COMPLETE' | 'FAIL' | 'CANCEL';
  readonly fact: Extract<RunFact, { readonly type: `run.${TerminalRunStatus}` }>;
  readonly at: number;
}

/** The run is over, for good. What it still waits for is seen to all the same. */
export function endRun(core: RunCore, { event, fact, at }: Ending): void {
  moveLifecycle(core, event);
  clearTimers(core);
  limitAbandoned(core, at);
  publish(core, fact);
  core.out.push({ type: 'run.ended', status: core.run.lifecycle as TerminalRunStatus });
  core.run.isSettled = !isUnsettled(core);
}

/** Says, once, that a run which had something left to do after its end has done it. */
function settleEnd(core: RunCore): void {
  if (core.run.isSettled || isUnsettled(core)) return;
  core.run.isSettled = true;
  core.out.push({ type: 'run.settled' });
}

/** Sets the timers of the run itself, as far as they run. */
export function setRunTimers(core: RunCore, at: number): void {
  const { run } = core;
  const { deadlineAt, graceAt } = run;
  if (deadlineAt > 0 && !run.stop) setTimeTimers(core, at);
  if (graceAt > 0) core.out.push(timer('run:grace', { type: 'run.grace-over', at: graceAt }));
}

const timer = (name: string, input: RunInput) => ({ type: 'timer.set', timer: name, dueAt: input.at, input }) as const;

/** The time of the run is limited: it is told when much of it is used up, and when it is over. */
export function setTimeTimers(core: RunCore, at: number): void {
  core.out.push(timer('run:deadline', { type: 'run.deadline', at: core.run.deadlineAt }));
  setTimeNotice(core, at);
}

export function setTimeNotice(core: RunCore, at: number): void {
  const dueAt = nextTimeNotice(core, at);
  if (dueAt > 0) core.out.push(timer('run:time', { type: 'run.time-used', at: dueAt }));
}

function clearTimers(core: RunCore): void {
  clearTimeTimers(core);
  clearGrace(core);
}

export function clearTimeTimers({ run, out }: RunCore): void {
  if (run.deadlineAt > 0) for (const name of ['run:deadline', 'run:time']) out.push({ type: 'timer.clear', timer: name });
  run.deadlineAt = 0;
}

/** Nothing is under way that it could end, and what is being undone has its own time. */
function clearGrace({ run, out }: RunCore): void {
  if (run.graceAt > 0) out.push({ type: 'timer.clear', timer: 'run:grace' });
  run.graceAt = 0;
}

function beginSynthesis(core: RunCore, at: number): void {
  const { run, steps } = core;
  if (run.ticketsSucceeded === 0 && steps.some(({ kind, phase }) => kind === 'ticket' && phase !== 'synthesis')) {
    return beginStop(core, { stop: { to: 'failed', reason: 'all_tickets_failed', error: nothingSucceeded(core) }, at });
  }
  moveLifecycle(core, 'SYNTHESIZE');
  publish(core, { type: 'run.synthesizing' });
  scheduleRoots(core);
}

/** The first of the tickets that came to nothing by themselves are named. */
const mostCauses = 10;

function nothingSucceeded(core: RunCore): StoredError {
  const failed = gapsOf(core).filter(({ status }) => status !== 'skipped');
  const causes = failed.slice(0, mostCauses).map(({ key, reason: { code, message } }) => ({ key, code, message }));
  const first = causes[0] ? ` The first was ${quote(causes[0].key)}: ${causes[0].message}` : '';
  const message = `Every ticket failed or was skipped, so there is nothing to make a deliverable of.${first}`;
  return { code: 'ALL_TICKETS_FAILED', message, ...(causes.length > 0 && { causes }) };
}

/** The step whose output is the deliverable: the last of the synthesis phase, or the last there is. */
export const deliverableStep = (core: RunCore): number => {
  const { steps } = core.materialized.definition;
  const synthesis = steps.findLastIndex(({ phase }) => phase === 'synthesis');
  return synthesis >= 0 ? synthesis : steps.length - 1;
};

function deliver(core: RunCore, at: number): void {
  const index = deliverableStep(core);
  if (statusOf(core, index) === 'succeeded') {
    core.run.delivering = true;
    core.out.push({ type: 'run.deliver' });
    return;
  }
  const { id } = stepOf(core, index);
  const cause = core.errors.get(index)?.message ?? `it is ${statusOf(core, index)}`;
  const error = { code: 'NO_DELIVERABLE', message: `Step "${id}" gave no deliverable: ${cause}`, stepId: id };
  beginStop(core, { stop: { to: 'failed', reason: 'synthesis_failed', error }, at });
}
