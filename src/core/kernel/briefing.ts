import type { AddedFacts, StepDefinition } from '../materializer/definition.js';
import type { TeamMember } from '../ports/plan.js';
import type { ReportOutcome, ReportReference } from '../ports/topology.js';
import type { Json } from '../shared/json.js';
import { endError, reportOutcome } from './added-ends.js';
import type { Goal } from './goal.js';
import { goalOf, isTask } from './goals.js';
import { statusOf, stepOf, type RunCore } from './run-core.js';
import { isSettled } from './step-status.js';

/** What a step that decides is told of the goal that it decides for. */
export interface Briefing {
  readonly reports: readonly ReportSource[];
  readonly board: Board;
}

/** A report, or where to find the output of one. */
export type ReportSource = Exclude<ReportReference, string>;

/**
 * Where a goal stands, from its journal alone: a supervisor that remembers nothing can go on from it. Each list holds the newest 100; the
 * counts are of all.
 */
export interface Board {
  readonly done: readonly BoardEntry[];
  readonly inProgress: readonly BoardEntry[];
  /** What was delegated and has not begun. */
  readonly next: readonly BoardEntry[];
  readonly counts: { readonly done: number; readonly open: number };
  /** Whom it can turn to. */
  readonly roles: readonly TeamMember[];
  /** What the topology has it know. */
  readonly [fact: string]: unknown;
}

export interface BoardEntry {
  readonly delegationId: string;
  readonly role: string;
  /** The first 200 characters of its task. */
  readonly task: string;
  /** Where it is done. */
  readonly outcome?: ReportOutcome;
}

const mostEntries = 100;
const taskLength = 200;

/** What the step at a row is told; `undefined` for one that does not decide. */
export function briefingOf(core: RunCore, index: number): Briefing | undefined {
  const { decides, added } = stepOf(core, index);
  const goal = goalOf(core, index);
  if (!decides || !added || !goal) return undefined;
  const reports = (added.reports ?? []).map((report) => (typeof report === 'string' ? reportOf(core, report) : report));
  return { reports, board: { ...boardOf(core, goal, added.before), ...added.board } };
}

function reportOf(core: RunCore, delegationId: string): ReportSource {
  const index = core.graph.indexOf.get(delegationId)!;
  const { role = '' } = stepOf(core, index);
  if (!isSettled(statusOf(core, index))) return { delegationId, role, outcome: 'overdue', output: null };
  const outcome = reportOutcome(core, index);
  if (outcome === 'completed') return { delegationId, role, outcome, outputFrom: delegationId };
  return { delegationId, role, outcome, output: endError(core, index) as Json };
}

/** Steps whose outputs a step is given, those that are reported to it included. */
export function sourcesOf({ input, added }: StepDefinition): readonly string[] {
  const reported = added?.reports?.flatMap(sourceOf) ?? [];
  const named = Object.values(added?.inputAs ?? {});
  return reported.length + named.length === 0 ? input : [...input, ...reported, ...named];
}

function sourceOf(report: ReportReference): readonly string[] {
  if (typeof report === 'string') return [report];
  return 'outputFrom' in report ? [report.outputFrom] : [];
}

/** Ids of the steps of a goal that have ended since a step was last added that decides. */
export function unreported(core: RunCore, index: number): readonly string[] {
  const goal = core.goals.get(index);
  if (!goal) return [];
  const last = goal.added.findLast((row) => stepOf(core, row).decides);
  const reported = last === undefined ? 0 : stepOf(core, last).added!.before.ended;
  return goal.ended.slice(reported).map((row) => stepOf(core, row).id);
}

/**
 * The board as it was when a step came about that decides: whatever has happened since is told to the next one. So it does not change when the
 * step is asked again.
 */
function boardOf(core: RunCore, goal: Goal, before: AddedFacts['before']): Board {
  const open = openBefore(core, goal, before);
  const hasBegun = (index: number): boolean => core.columns.attempt[index]! > 0;
  const entries = (indices: readonly number[]) => indices.slice(-mostEntries).map((index) => entryOf(core, index));
  const done = endedBefore(core, goal, before);
  return {
    done: done.map((index) => ({ ...entryOf(core, index), outcome: reportOutcome(core, index) })),
    inProgress: entries(open.filter(hasBegun)),
    next: entries(open.filter((index) => !hasBegun(index))),
    counts: { done: before.done, open: before.tasks - before.done },
    roles: core.materialized.definition.expansion?.team ?? [],
  };
}

/** Tasks that had ended, the newest of them in the order in which they did. */
function endedBefore(core: RunCore, { ended }: Goal, before: AddedFacts['before']): number[] {
  const newest: number[] = [];
  for (let place = before.ended - 1; place >= 0 && newest.length < mostEntries; place -= 1)
    if (isTask(stepOf(core, ended[place]!))) newest.push(ended[place]!);
  return newest.reverse();
}

/** Tasks that had not ended, in the order in which they were added. */
function openBefore(core: RunCore, { added, ended, open }: Goal, before: AddedFacts['before']): number[] {
  const firstLater = added[before.added] ?? Infinity;
  return [...ended.slice(before.ended), ...open]
    .filter((index) => index < firstLater && isTask(stepOf(core, index)))
    .sort((a, b) => a - b);
}

function entryOf(core: RunCore, index: number): BoardEntry {
  const { id, role = '', instructions } = stepOf(core, index);
  return { delegationId: id, role, task: instructions.slice(0, taskLength).toWellFormed() };
}
