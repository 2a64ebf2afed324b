import type { BreakerKey } from '../ports/breaker.js';
import { PlanwrightError } from '../shared/error.js';
import { quote } from '../shared/issue.js';

/** An agent or a resource has failed too often in a row, and is left alone for a while. Nothing was called. */
export class CircuitOpenError extends PlanwrightError {
  readonly code = 'CIRCUIT_OPEN';
  readonly key: BreakerKey;
  /** Before that it is of no use to try again, in milliseconds since the epoch; past already where a probe is under way. */
  readonly openUntil: number;
  /** Failures in a row. */
  readonly failures: number;
  constructor({ key, openUntil, failures }: { readonly key: BreakerKey; readonly openUntil: number; readonly failures: number }) {
    const { kind, name } = key;
    const until = new Date(openUntil).toISOString();
    const reset = `resetBreaker({ kind: '${kind}', name: ${quote(name)} })`;
    const other = kind === 'agent' ? ', give the role a fallback,' : '';
    super(
      `The ${kind} ${quote(name)} is left alone until ${until}, because it has failed ${failures} times in a row. ` +
        `Try again then${other} or close its breaker with ${reset}.`,
    );
    this.key = key;
    this.openUntil = openUntil;
    this.failures = failures;
  }
}
