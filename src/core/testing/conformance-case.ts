import { canonicalJson } from '../shared/canonical-json.js';
import { PlanwrightError } from '../shared/error.js';
import { quote } from '../shared/issue.js';

/**
 * One rule that every implementation of a port keeps, as data: no test runner inside, so that any can run it.
 *
 * @example
 * for (const { name, run, skipReason } of storeConformance) {
 *   it.skipIf(skipReason !== undefined)(name, () => run(() => createMyStore()));
 * }
 */
export interface ConformanceCase<Subject> {
  /** The rule as the end of "it …". */
  readonly name: string;
  /** Why this implementation need not keep the rule; present only where a caller put it there. */
  readonly skipReason?: string;
  /** @throws ConformanceError, or what the subject itself threw, when the rule is broken. */
  run(create: SubjectFactory<Subject>): Promise<void>;
}

/** Makes a fresh subject that shares nothing with those made before. */
export type SubjectFactory<Subject> = () => Subject | Promise<Subject>;

/** An implementation of a port breaks a rule of the port. */
export class ConformanceError extends PlanwrightError {
  readonly code = 'CONFORMANCE';
  constructor(
    readonly rule: string,
    readonly expected: unknown,
    readonly actual: unknown,
  ) {
    super(`${rule}: expected ${quote(expected)}, got ${quote(actual)}.`);
  }
}

/** @throws ConformanceError unless both are the same JSON, whatever the order of their members. */
export function expectSame(rule: string, { actual, expected }: { readonly actual: unknown; readonly expected: unknown }): void {
  if (comparable(actual) !== comparable(expected)) throw new ConformanceError(rule, expected, actual);
}

/** Canonical JSON, with lone surrogates spelled out: it refuses them, and a store has to keep them. */
const comparable = (value: unknown): string =>
  canonicalJson({ value: value === undefined ? 'undefined' : (JSON.parse(escapeLoneSurrogates(value)) as unknown) });

const escapeLoneSurrogates = (value: unknown): string => JSON.stringify(value).replaceAll(/\\u(?=d[89a-f])/g, '\\\\u');

/** The error that a promise rejects with. @throws ConformanceError when it does not reject, or with another code. */
export async function expectRejection(rule: string, { code, from }: { readonly code: string; readonly from: Promise<unknown> }) {
  const outcome = await from.then(
    () => 'nothing was thrown',
    (error: unknown) => (error as { code?: unknown } | null)?.code ?? String(error),
  );
  if (outcome !== code) throw new ConformanceError(rule, code, outcome);
}
