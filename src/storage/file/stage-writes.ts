import type { ClaimAnswer, ClaimRequest, Commit, CommitReceipt, RunSummary } from '../../core/ports/store.js';
import { copyJson } from '../../core/shared/copy-json.js';
import type { Json } from '../../core/shared/json.js';
import { StoreValueError } from '../../core/shared/store-error.js';
import { checkCommitPlace, checkCommitShape } from '../../core/storing/check-commit.js';
import { noteText } from '../../core/storing/note-text.js';
import type { CommitRecord } from './records.js';
import type { RunHead, RunIndex } from './run-index.js';
import { entriesField, linesOf } from './run-texts.js';

/** What a write comes to: lines for the log, if it needs any, and what its caller is told once they are durable. */
export interface Staged<Answer> {
  readonly text?: string;
  readonly answer: Answer;
}

/** How things will stand when what was staged before in the same group is written. */
export interface Stage {
  readonly index: RunIndex;
  readonly heads: Map<string, RunHead>;
  readonly leases: Map<string, number>;
}

export type Write<Answer> = (stage: Stage) => Staged<Answer>;

export const createStage = (index: RunIndex): Stage => ({ index, heads: new Map(), leases: new Map() });

/** Copies all of a commit at once, so that later changes to what was given do not reach it. @throws as `RunStore.commit` */
export function stageCommit(commit: Commit): Write<CommitReceipt> {
  checkCommitShape(commit);
  const { runId, expectedSeq, fence, entries, compactTo = 0 } = commit;
  const values = valuesOf(commit);
  const summary = copyJson(commit.summary);
  return (stage) => {
    const before = headOf(stage, runId);
    checkCommitPlace({ runId, expectedSeq, fence }, before ?? { seq: 0, fence: 0 });
    const seq = expectedSeq + entries.length;
    stage.heads.set(runId, { summary, seq, fence, owner: before?.owner });
    const record = {
      commit: runId,
      seq,
      ...summaryChange(before?.summary, summary),
      ...(compactTo > 0 && { drop: compactTo }),
      ...values.fields,
    };
    const text = linesOf(record, values.lines);
    return { text, answer: { bytes: Buffer.byteLength(text) } };
  };
}

export function stageClaim({ runId, owner, at, leaseMs, insteadOf }: ClaimRequest): Write<ClaimAnswer> {
  return (stage) => {
    const run = headOf(stage, runId);
    if (!run) return { answer: { kind: 'unknown-run' } };
    const holder = run.owner;
    const until = holder === undefined ? 0 : (leaseOf(stage, holder) ?? 0);
    const isFree = holder === undefined || holder === owner || holder === insteadOf || until <= at;
    if (!isFree) return { answer: { kind: 'held', owner: holder, until } };
    const fence = run.fence + 1;
    stage.heads.set(runId, { ...run, fence, owner });
    const { text: leaseText = '' } = stageRenewal({ owner, until: at + leaseMs })(stage);
    return { text: linesOf({ claim: runId, fence, owner }) + leaseText, answer: { kind: 'claimed', fence, seq: run.seq } };
  };
}

export function stageRenewal({ owner, until }: { readonly owner: string; readonly until: number }): Write<void> {
  return (stage) => {
    if ((leaseOf(stage, owner) ?? 0) >= until) return { answer: undefined };
    stage.leases.set(owner, until);
    return { text: linesOf({ renew: owner, until }), answer: undefined };
  };
}

export function stageRelease({ owner, runId }: { readonly owner: string; readonly runId?: string }): Write<void> {
  return (stage) => {
    const { runs } = stage.index;
    const candidates = runId === undefined ? new Set([...runs.keys(), ...stage.heads.keys()]) : [runId];
    const held = [...candidates].filter((id) => headOf(stage, id)?.owner === owner);
    for (const id of held) stage.heads.set(id, { ...headOf(stage, id)!, owner: undefined });
    if (runId !== undefined) {
      return { ...(held.length > 0 && { text: linesOf({ release: owner, run: runId }) }), answer: undefined };
    }
    const hadLease = leaseOf(stage, owner) !== undefined;
    stage.leases.set(owner, 0);
    return { ...((hadLease || held.length > 0) && { text: linesOf({ release: owner }) }), answer: undefined };
  };
}

/** Notes depend on nothing, so that nothing need be known of those before in the group. */
export function stageNote(name: string, value: Json): Write<void> {
  const text = linesOf({ note: name, value: JSON.parse(noteText(name, value)) as Json });
  return () => ({ text, answer: undefined });
}

const headOf = ({ heads, index }: Stage, runId: string): RunHead | undefined => heads.get(runId) ?? index.runs.get(runId);

const leaseOf = ({ leases, index }: Stage, owner: string): number | undefined => leases.get(owner) ?? index.leases.get(owner);

/** What a commit brings as fields of its record and lines behind it. */
function valuesOf({ runId, expectedSeq, entries, checkpoint }: Commit) {
  const lines: string[] = [];
  const fields: Partial<Mutable<Pick<CommitRecord, 'entries' | 'parts'>>> = {};
  try {
    if (entries.length > 0) {
      const text = JSON.stringify(entries);
      fields.entries = entriesField(expectedSeq + 1, entries.length, text);
      lines.push(text);
    }
    if (checkpoint !== undefined) {
      // Members that are `undefined` count as absent, whatever the type says.
      const parts = Object.entries(copyJson(checkpoint));
      fields.parts = parts.map(([name, part]) => {
        if (part === null) return [name];
        const text = JSON.stringify(part);
        lines.push(text);
        return [name, Buffer.byteLength(text)];
      });
    }
  } catch (cause) {
    // JSON it is, but too deep or too long for one text.
    throw new StoreValueError(runId, `what cannot be written as one text (${String(cause)}).`);
  }
  return { fields, lines };
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

function summaryChange(before: RunSummary | undefined, after: RunSummary): Pick<CommitRecord, 'summary' | 'without'> {
  if (!before) return { summary: after };
  const known = new Map(Object.entries(before));
  const changed = Object.entries(after).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(known.get(name)));
  const without = Object.keys(before).filter((name) => !Object.hasOwn(after, name));
  return {
    ...(changed.length > 0 && { summary: Object.fromEntries(changed) }),
    ...(without.length > 0 && { without }),
  };
}
