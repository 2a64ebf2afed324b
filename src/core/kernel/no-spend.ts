import type { Spend } from '../ports/usage.js';

/** Nothing was spent, and that is certain. */
export const noSpend: Spend = { inputTokens: 0, outputTokens: 0, costMicroUsd: 0, provenance: 'measured' };
