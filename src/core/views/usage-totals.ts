import type { Provenance, Spend, UsageTotals } from '../ports/usage.js';
import { toMicroUsd, toUsd } from '../shared/money.js';

/** Spend as it adds up. */
export interface SpendSum {
  inputTokens: number;
  outputTokens: number;
  costMicroUsd: number;
  /** Undefined until something was added. */
  provenance: Provenance | undefined;
}

const exactness: readonly Provenance[] = ['measured', 'provider-reported', 'estimated', 'unknown'];

export const createSpendSum = (): SpendSum => ({ inputTokens: 0, outputTokens: 0, costMicroUsd: 0, provenance: undefined });

/** Adds what an attempt spent. The sum is as exact as the least exact part of it. */
export function addSpend(sum: SpendSum, spend: Spend): void {
  sum.inputTokens += spend.inputTokens;
  sum.outputTokens += spend.outputTokens;
  sum.costMicroUsd += spend.costMicroUsd;
  const before = sum.provenance === undefined ? -1 : exactness.indexOf(sum.provenance);
  if (exactness.indexOf(spend.provenance) > before) sum.provenance = spend.provenance;
}

/** Totals added up, as exact as the least exact of them. */
export function sumOfTotals(totals: Iterable<UsageTotals>): UsageTotals {
  const sum = createSpendSum();
  for (const { inputTokens, outputTokens, costUsd, provenance } of totals)
    addSpend(sum, { inputTokens, outputTokens, costMicroUsd: toMicroUsd(costUsd), provenance });
  return totalsOf(sum);
}

/** Spend as it is shown: US dollars, and both kinds of tokens together. A sum of nothing is exact. */
export const totalsOf = ({ inputTokens, outputTokens, costMicroUsd, provenance = 'measured' }: SpendSum): UsageTotals => ({
  inputTokens,
  outputTokens,
  tokens: inputTokens + outputTokens,
  costUsd: toUsd(costMicroUsd),
  provenance,
});
