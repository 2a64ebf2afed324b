import type { AgentRequest } from '../ports/agent.js';
import type { RunEvent } from '../ports/run-output.js';
import type { JournalEntry } from '../ports/run.js';
import type { Commit } from '../ports/store.js';
import type { Workspace } from '../ports/workspace.js';
import { createEffectRecord, type EffectRecord } from './crash-ledger.js';
import type { VirtualClock } from './virtual-clock.js';

/** What a call is known by. */
export type CalledRequest = Pick<AgentRequest, 'stepId' | 'kind' | 'attempt' | 'idempotencyKey'>;

/** A call of an agent that was made. */
export interface NotedCall {
  readonly life: number;
  readonly request: CalledRequest;
  /** Entries of the journal that the runtime knew to be durable by then. */
  readonly known: number;
}

/** A call of the workspace that was made. */
export interface NotedHook {
  readonly hook: keyof Workspace;
  readonly idempotencyKey: string;
  /** The role of a hire. */
  readonly role?: string;
  /** What the ticket or the channel was told. */
  readonly event?: RunEvent;
  readonly known: number;
}

/** What outlives every crash of one simulated run: the world outside, and what was seen of the run. */
export interface CrashWorld {
  readonly clock: VirtualClock;
  readonly effects: EffectRecord;
  readonly calls: readonly NotedCall[];
  readonly hooks: readonly NotedHook[];
  /** Entries that were stored, also where a crash has kept that from being answered. */
  readonly stored: readonly JournalEntry[];
  /** Entries whose commit was answered, in the order of the answers. */
  readonly acknowledged: readonly JournalEntry[];
  /** Entries up to this `seq` may have been dropped. */
  readonly compactedTo: number;
  /** Results that were there at the beginning of each life but the first, in all. */
  readonly resultsKept: number;
  /** A life is over, and another begins. */
  noteCrash(): void;
  noteCall(life: number, request: CalledRequest): void;
  noteHook(hook: keyof Workspace, call: Pick<NotedHook, 'idempotencyKey' | 'role' | 'event'>): void;
  noteStored(commit: Pick<Commit, 'entries' | 'compactTo'>): void;
  /** A commit was answered. */
  noteAnswered(commit: Pick<Commit, 'entries'>): void;
}

export function createCrashWorld(clock: VirtualClock): CrashWorld {
  const calls: NotedCall[] = [];
  const hooks: NotedHook[] = [];
  const stored: JournalEntry[] = [];
  const acknowledged: JournalEntry[] = [];
  let compactedTo = 0;
  let resultsKept = 0;
  return {
    clock,
    effects: createEffectRecord(),
    calls,
    hooks,
    stored,
    acknowledged,
    get compactedTo() {
      return compactedTo;
    },
    get resultsKept() {
      return resultsKept;
    },
    noteCrash: () => void (resultsKept += acknowledged.filter(({ type }) => type === 'step.succeeded').length),
    noteCall: (life, request) => void calls.push({ life, request, known: acknowledged.length }),
    noteHook(hook, { idempotencyKey, role, event }) {
      const about = { ...(role !== undefined && { role }), ...(event && { event }) };
      hooks.push({ hook, idempotencyKey, ...about, known: acknowledged.length });
    },
    noteStored({ entries, compactTo = 0 }) {
      stored.push(...entries);
      compactedTo = Math.max(compactedTo, compactTo);
    },
    noteAnswered: ({ entries }) => void acknowledged.push(...entries),
  };
}
