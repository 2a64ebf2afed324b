import { openSync, readSync } from 'node:fs';

import type { Commit, JournalEntry, Json, Plan, RunResult, RunStore, Workspace } from 'planwright';

import { type CrashDamage, crashDamage, type CrashedRun } from '../../../src/core/testing/crash-damage.js';
import { type AppliedEffect, createEffectRecord } from '../../../src/core/testing/crash-ledger.js';
import { type CalledRequest, createCrashWorld, type NotedHook } from '../../../src/core/testing/crash-world.js';
import { createVirtualClock } from '../../../src/core/testing/virtual-clock.js';
import type { ChildFault } from './child-task.js';

/** The part of a result that does not hang on time. */
export type Outcome = Pick<RunResult, 'status' | 'gaps'> & { readonly deliverable: Json };

/** What processes tell of. */
export type WitnessLine = { readonly runId: string } & (
  | { readonly type: 'proposed'; readonly story: string; readonly plan: Plan }
  | { readonly type: 'claim'; readonly fence: number }
  /** It is about to be stored, and may be. */
  | { readonly type: 'writing'; readonly entries: Commit['entries'] }
  /** It is durable. */
  | { readonly type: 'commit'; readonly entries: Commit['entries']; readonly compactTo?: number }
  /** An agent is about to be called. */
  | { readonly type: 'call'; readonly request: CalledRequest }
  | { readonly type: 'hook'; readonly hook: keyof Workspace; readonly call: Omit<NotedHook, 'hook' | 'known'> }
  | { readonly type: 'ended'; readonly story: string; readonly result: Outcome }
  | ({ readonly type: 'halted' } & ChildFault)
);
export type ToldLine = WitnessLine & { readonly pid: number };

/** Reads a file of JSON lines that others append to: each call gives all lines there are by then, and reads only what is new. */
export function createTail(file: string): () => readonly unknown[] {
  const lines: unknown[] = [];
  const buffer = Buffer.alloc(65_536);
  const input = openSync(file, 'r');
  let rest = Buffer.alloc(0);
  return () => {
    for (;;) {
      const size = readSync(input, buffer);
      if (size === 0) return lines;
      rest = Buffer.concat([rest, buffer.subarray(0, size)]);
      // The last line may be half written.
      const end = rest.lastIndexOf(10) + 1;
      for (const line of rest.toString('utf8', 0, end).split('\n')) if (line !== '') lines.push(JSON.parse(line));
      rest = rest.subarray(end);
    }
  };
}

/** One run as all of its processes have told of it. */
export interface WitnessedRun extends CrashedRun {
  readonly runId: string;
  readonly story: string;
  readonly plan: Plan;
}

export interface Testimony {
  readonly lines: readonly ToldLine[];
  readonly effects: readonly AppliedEffect[];
  readonly store: RunStore;
}

/** Every run of a store, by its story. */
export async function witnessedRuns({ lines, effects, store }: Testimony): Promise<Map<string, WitnessedRun>> {
  const runs = new Map<string, WitnessedRun>();
  for (const { runId, goal: story } of (await store.list({ limit: 1_000 })).runs) {
    const own = lines.filter((line) => line.runId === runId);
    const stored = await store.load(runId);
    const plan = (stored?.checkpoint?.['plan'] as unknown as { readonly plan: Plan } | undefined)?.plan;
    if (!plan || runs.has(story)) throw new TypeError(`There is a run too many, or one without a plan: ${story}`);
    const world = worldOf(own, { effects: effects.filter(({ key }) => key.startsWith(runId)), journal: stored?.journal ?? [] });
    const ended = own.findLast((line) => line.type === 'ended');
    const ending: CrashedRun['ending'] = ended ? { kind: 'ended', result: ended.result } : { kind: 'broken', error: 'no end' };
    const journal = stored?.journal ?? [];
    runs.set(story, { runId, story, plan, world, ending, journal, hasTicketHook: true, user: { hasDenied: false } });
  }
  return runs;
}

interface Evidence {
  readonly effects: readonly AppliedEffect[];
  readonly journal: readonly JournalEntry[];
}

function worldOf(lines: readonly ToldLine[], { effects, journal }: Evidence): CrashedRun['world'] {
  const lives = [...new Set(lines.map(({ pid }) => pid))];
  const world = createCrashWorld(createVirtualClock());
  for (const line of lines) {
    if (line.type === 'call') world.noteCall(lives.indexOf(line.pid) + 1, line.request);
    if (line.type === 'hook') world.noteHook(line.hook, line.call);
    if (line.type === 'commit') world.noteAnswered(line);
  }
  // What was stored and never answered, and compacted since, is known by the last attempt to write it.
  const written = [...lines.flatMap((line) => (line.type === 'writing' ? line.entries : [])), ...journal];
  world.noteStored({ entries: [...new Map(written.map((entry) => [entry.seq, entry])).values()] });
  const record = createEffectRecord();
  for (const effect of effects) record.add(effect);
  return { ...world, stored: world.stored, acknowledged: world.acknowledged, compactedTo: compactedTo(lines), effects: record };
}

const compactedTo = (lines: readonly ToldLine[]): number =>
  Math.max(0, ...lines.map((line) => (line.type === 'commit' ? (line.compactTo ?? 0) : 0)));

/** What is wrong with a run, next to the run of the same story that nothing happened to. */
export const damageOf = (run: WitnessedRun, reference: WitnessedRun): readonly CrashDamage[] =>
  crashDamage(run, { reference, plan: reference.plan });
