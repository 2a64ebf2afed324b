/** How a spend figure came about, from the most to the least exact. */
export type Provenance = 'measured' | 'provider-reported' | 'estimated' | 'unknown';

/** What one attempt spent, as its agent reports it. Money in US dollars. */
export interface Usage {
  readonly inputTokens?: number;
  readonly outputTokens?: number;
  readonly costUsd?: number;
  /** Default: `provider-reported` where a figure is given, `unknown` where none is. */
  readonly provenance?: Exclude<Provenance, 'unknown'>;
}

/** {@link Usage} as it is kept: every figure there, money in whole micro-dollars. */
export interface Spend {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly costMicroUsd: number;
  readonly provenance: Provenance;
}

/** Spend added up, as it is shown: money in US dollars, `provenance` the least exact that went in. */
export interface UsageTotals {
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Input and output together. */
  readonly tokens: number;
  readonly costUsd: number;
  readonly provenance: Provenance;
}

/** What one attempt may spend. A figure left out has no ceiling. */
export interface Allowance {
  readonly costUsd?: number;
  readonly tokens?: number;
}
