import type { Dimension } from './ledger-accounts.js';

/** Figures per account (row) and dimension, and what each step holds. All of it can be rolled back. */
export interface LedgerColumns {
  readonly spent: Record<Dimension, Float64Array>;
  /** The part of what is spent that nobody has measured: estimated, or of unknown origin. */
  readonly inexact: Record<Dimension, Float64Array>;
  readonly reserved: Record<Dimension, Float64Array>;
  /** Attempts that were begun. */
  readonly attempts: Float64Array;
  /** Of which ceilings the account has been warned, as bits: see budget-notices.ts. */
  readonly warned: Uint8Array;
  /** Steps of the account that have yet to be given an allowance. */
  readonly awaiting: Int32Array;
  readonly held: Record<Dimension, Float64Array>;
}

export function createLedgerColumns(accounts: number, steps: number): LedgerColumns {
  const pair = (length: number): Record<Dimension, Float64Array> => ({
    costMicroUsd: new Float64Array(length),
    tokens: new Float64Array(length),
  });
  return {
    spent: pair(accounts),
    inexact: pair(accounts),
    reserved: pair(accounts),
    attempts: new Float64Array(accounts),
    warned: new Uint8Array(accounts),
    awaiting: new Int32Array(accounts),
    held: pair(steps),
  };
}
