import type { Issue } from './issue.js';

const brand = Symbol.for('planwright.error');

/**
 * The base of every error that planwright throws. `code` is a literal of the subclass; the facts are its fields.
 *
 * @example
 * if (isPlanwrightError(error) && error.code === 'PROPOSAL_REJECTED') reply(error.issues);
 */
export abstract class PlanwrightError extends Error {
  abstract readonly code: string;
  readonly [brand] = true;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** Whether a value was thrown by planwright, also by another copy of it. */
export const isPlanwrightError = (value: unknown): value is PlanwrightError =>
  typeof value === 'object' && value !== null && (value as { [brand]?: unknown })[brand] === true;

/** One line per issue, for messages of errors that carry issues. At most ten are written out. */
export function listIssues(issues: readonly Issue[]): string {
  const shown = issues.slice(0, 10).map((issue) => `\n  ${issue.pointer || '/'}: ${issue.message} [${issue.code}]`);
  return shown.join('') + (issues.length > 10 ? `\n  … and ${issues.length - 10} more` : '');
}

/** A fault inside planwright or a plug-in that breaks a rule the types could not hold. */
export class InvariantError extends PlanwrightError {
  readonly code = 'INVARIANT';
}
