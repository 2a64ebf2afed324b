/** US dollars to whole micro-dollars (1 USD = 1,000,000), to the nearest. */
export const toMicroUsd = (usd: number): number => Math.round(usd * 1_000_000);

/** Whole micro-dollars to US dollars. */
export const toUsd = (microUsd: number): number => microUsd / 1_000_000;
