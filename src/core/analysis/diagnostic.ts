/** How much a diagnostic weighs: an `error` stands against approval, a `warning` deserves a look, `info` is advice. */
export type Severity = 'error' | 'warning' | 'info';

/** Something that analysis can prove about a plan before anyone approves it. */
export interface Diagnostic {
  /** Stable, kebab-case. Match on this, never on the message. */
  readonly code: string;
  readonly severity: Severity;
  /** What was found, with the values, and what would mend it. */
  readonly message: string;
  /** Ids of the steps concerned, in plan order; empty where it is about the whole plan. */
  readonly stepIds: readonly string[];
  /** Where the rule is explained: `docs/diagnostics.md#<code>`. */
  readonly page: string;
}
