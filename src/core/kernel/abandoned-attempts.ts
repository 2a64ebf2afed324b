import type { Spend } from '../ports/usage.js';
import type { UndoLog } from './undo-log.js';

/**
 * What an attempt holds that was given up but has not ended: step, attempt, micro-dollars, tokens, and when it is taken to have
 * spent them; 0 for never.
 */
export type AbandonedAttempt = readonly [index: number, attempt: number, costMicroUsd: number, tokens: number, dueAt: number];

/** Attempts that were given up but have not ended, by step and attempt. */
export interface AbandonedAttempts {
  readonly entries: Map<string, AbandonedAttempt>;
  /** By step, then by attempt: whatever is done with all of them must not depend on when each was given up. */
  inOrder(): AbandonedAttempt[];
  find(index: number, attempt: number): AbandonedAttempt | undefined;
  put(entry: AbandonedAttempt): void;
  drop(index: number, attempt: number): void;
}

/** A key of {@link AbandonedAttempts.entries}. */
export const abandonedKey = (index: number, attempt: number): string => `${index}:${attempt}`;

export function createAbandonedAttempts(undo: UndoLog): AbandonedAttempts {
  const entries = new Map<string, AbandonedAttempt>();
  const set = (key: string, entry: AbandonedAttempt | undefined): void => {
    const before = entries.get(key);
    put(entries, key, entry);
    undo.onRollback(() => put(entries, key, before));
  };
  return {
    entries,
    inOrder: () => [...entries.values()].sort((a, b) => a[0] - b[0] || a[1] - b[1]),
    find: (index, attempt) => entries.get(abandonedKey(index, attempt)),
    put: (entry) => set(abandonedKey(entry[0], entry[1]), entry),
    drop: (index, attempt) => set(abandonedKey(index, attempt), undefined),
  };
}

/** What an abandoned attempt holds, as if it had spent it; `undefined` where it holds nothing, or has ended. */
export function heldSpend(entry: AbandonedAttempt | undefined): Spend | undefined {
  const [, , costMicroUsd = 0, tokens = 0] = entry ?? [];
  if (costMicroUsd + tokens === 0) return undefined;
  return { inputTokens: tokens, outputTokens: 0, costMicroUsd, provenance: 'estimated' };
}

function put<T>(map: Map<string, T>, key: string, value: T | undefined): void {
  if (value === undefined) map.delete(key);
  else map.set(key, value);
}
