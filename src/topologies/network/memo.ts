import type { ExpansionState, ReportReference } from '../../core/ports/topology.js';
import type { Json } from '../../core/shared/json.js';

/**
 * A line of work: one peer has control of it at a time, and hands it on. What a peer delegates is a line of its own, which ends with a report to
 * the line that it came from.
 */
export interface Line {
  /** The step whose turn it is or, while it waits, was. */
  readonly turn: string;
  readonly role: string;
  readonly isAsked: boolean;
  /** The line that asked for this one; absent for the goal's own. */
  readonly askedBy?: string;
  /** Lines that it waits for. */
  readonly awaits: readonly string[];
  /** What it has not been told. */
  readonly pending: readonly ReportReference[];
}

/** What is known of a goal between two expansions. */
export interface Memo {
  /** Steps so far. */
  readonly turns: number;
  readonly handoffs: number;
  readonly refusals: number;
  /** Notices that were followed up. */
  readonly notices: number;
  /** By the step that each began with: the goal's own line, and those that were asked for and have not reported. */
  readonly lines: Readonly<Record<string, Line>>;
  /** For each delegation that has completed, the step that made what it reported: it may have changed hands. */
  readonly answers: Readonly<Record<string, string>>;
  /** Handoffs there have been, each with who, to whom and what for, so that one that comes again is known. */
  readonly seen: readonly string[];
  /** When each pair of peers last turned to each other, in milliseconds since the epoch: no more of them than the limit. */
  readonly times: Readonly<Record<string, readonly number[]>>;
}

export const firstMemo: Memo = { turns: 0, handoffs: 0, refusals: 0, notices: 0, lines: {}, answers: {}, seen: [], times: {} };

export const memoOf = ({ memo }: ExpansionState): Memo => (memo === null ? firstMemo : (memo as unknown as Memo));

/** A memo as JSON; its interface has no index signature to say that it is. */
export const asJson = (memo: Memo): Json => memo as unknown as Json;

/** The line whose turn a step is, by the name of the line. */
export function lineOf({ lines }: Memo, stepId: string): readonly [name: string, line: Line] | undefined {
  return Object.entries(lines).find(([, { turn }]) => turn === stepId);
}

export const withLine = (memo: Memo, name: string, line: Line): Memo => ({ ...memo, lines: { ...memo.lines, [name]: line } });

export function withoutLines(memo: Memo, names: readonly string[]): Memo {
  const lines = Object.entries(memo.lines).filter(([name]) => !names.includes(name));
  return { ...memo, lines: Object.fromEntries(lines) };
}

/** The step whose output stands under the id of a delegation that has completed, or of any other step that has succeeded. */
export function outputUnder(state: ExpansionState, { lines, answers }: Memo, id: string): string | undefined {
  const step = state.stepOf(id);
  if (step?.kind === 'delegation') return answers[id];
  return step?.status === 'succeeded' && !lines[id] ? id : undefined;
}

/** A line and all that it waits for, directly or further down. */
export function linesBelow({ lines }: Memo, name: string): readonly string[] {
  return (lines[name]?.awaits ?? []).flatMap((below) => [below, ...linesBelow({ lines } as Memo, below)]);
}

/** Roles that wait for a line, from the one that asked for it up to the goal's own. */
export function waitingAbove({ lines }: Memo, name: string): readonly string[] {
  const roles: string[] = [];
  for (let line = lines[lines[name]?.askedBy ?? '']; line; line = lines[line.askedBy ?? '']) roles.push(line.role);
  return roles;
}
