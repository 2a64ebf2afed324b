/** How large a proposal may be. Every limit is generous, and an option. */
export interface ProposalLimits {
  /** Of the JSON text, in UTF-8; a value is measured as the text that it would be, roughly. Default: 32 MiB. */
  readonly maxBytes: number;
  /** Levels of nesting. Default: 64. */
  readonly maxDepth: number;
  /** Entries of one list, or members of one object. Default: 1,000,000. */
  readonly maxListLength: number;
  /** UTF-16 units of the key of a role or ticket, or of a resource's name. Default: 200. */
  readonly maxKeyLength: number;
  /** Default: 1,000. */
  readonly maxRoles: number;
  /** Default: 10,000. */
  readonly maxTickets: number;
  /** Entries of all `dependsOn` together. Default: 1,000,000. */
  readonly maxDependencies: number;
  /** Rounds of the discussion. Default: 100. */
  readonly maxRounds: number;
  /** Issues that are written out; the rest is counted in a last one. Default: 1,000. */
  readonly maxIssues: number;
}

/** The limits of a proposal where nobody set others. */
export const defaultLimits: ProposalLimits = {
  maxBytes: 32 * 1024 * 1024,
  maxDepth: 64,
  maxListLength: 1_000_000,
  maxKeyLength: 200,
  maxRoles: 1_000,
  maxTickets: 10_000,
  maxDependencies: 1_000_000,
  maxRounds: 100,
  maxIssues: 1_000,
};
