import { pointerOf, quote, type Issue } from '../shared/issue.js';
import { isTenant } from './check-given.js';
import { OptionsInvalidError } from './limit-errors.js';
import type { OrchestratorOptions } from './orchestrator-options.js';

type Limits = Pick<
  OrchestratorOptions,
  'budget' | 'tenants' | 'resources' | 'breakers' | 'runConcurrency' | 'maxRuns' | 'maxQueuedRuns' | 'maxRunWaitMs' | 'whenFull'
>;

/** What is wrong with a figure, in words that go after its name. */
type Fault = (value: unknown) => string | undefined;

const wholeFrom =
  (least: number): Fault =>
  (value) =>
    Number.isSafeInteger(value) && (value as number) >= least
      ? undefined
      : `must be a whole number from ${least}, not ${quote(value)}`;

/** What can be held in micro-dollars exactly. */
const mostUsd = Number.MAX_SAFE_INTEGER / 1_000_000;

export const moneyFault: Fault = (value) =>
  typeof value === 'number' && value >= 0 && value <= mostUsd
    ? undefined
    : `must be an amount of US dollars, not ${quote(value)}`;
export const tokensFault = wholeFrom(0);

const oneOf =
  (...words: readonly string[]): Fault =>
  (value) =>
    words.includes(value as string) ? undefined : `must be ${words.join(' or ')}, not ${quote(value)}`;
const shareFault: Fault = (value) =>
  typeof value === 'number' && value > 0 && value <= 1 ? undefined : `must be a share above 0, at most 1, not ${quote(value)}`;

const factorFault: Fault = (value) =>
  typeof value === 'number' && value >= 1 && value < Infinity ? undefined : `must be a number from 1, not ${quote(value)}`;

const breakerMembers: Readonly<Record<string, Fault>> = {
  failures: wholeFrom(1),
  openMs: wholeFrom(1),
  factor: factorFault,
  maxOpenMs: wholeFrom(1),
  whenOpen: oneOf('fail', 'wait'),
};

const resourceMembers: Readonly<Record<string, Fault>> = {
  concurrency: wholeFrom(1),
  limit: wholeFrom(1),
  intervalMs: wholeFrom(1),
  maxQueued: wholeFrom(0),
  maxWaitMs: wholeFrom(0),
};

const budgetMembers: Readonly<Record<string, Fault>> = {
  maxCostUsd: moneyFault,
  maxTokens: tokensFault,
  warnAt: shareFault,
  onExceeded: oneOf('fail', 'pause'),
};

/**
 * Looks at the options that limit what runs may take together. A ceiling that is no figure would bound nothing, and nobody would know.
 *
 * @throws OptionsInvalidError with every issue.
 */
export function checkLimits(options: Limits): void {
  const issues: Issue[] = [];
  const check = (path: readonly string[], value: unknown, faultOf: Fault): void => {
    const fault = value === undefined ? undefined : faultOf(value);
    if (fault !== undefined)
      issues.push({ code: 'option-invalid', pointer: pointerOf(path), message: `${path.join('.')} ${fault}.` });
  };
  const checkAll = (path: readonly string[], value: unknown, members: Readonly<Record<string, Fault>>): void => {
    for (const [name, one] of Object.entries((value ?? {}) as Readonly<Record<string, unknown>>))
      check([...path, name], one, members[name] ?? (() => `is not known here; there are ${Object.keys(members).join(', ')}`));
  };
  check(['runConcurrency'], options.runConcurrency, wholeFrom(1));
  check(['maxRuns'], options.maxRuns, wholeFrom(1));
  check(['maxQueuedRuns'], options.maxQueuedRuns, wholeFrom(0));
  check(['maxRunWaitMs'], options.maxRunWaitMs, wholeFrom(0));
  check(['whenFull'], options.whenFull, oneOf('wait', 'refuse'));
  checkAll(['budget'], options.budget, budgetMembers);
  for (const [tenant, { budget, ...limits }] of Object.entries(options.tenants ?? {})) {
    check(['tenants', tenant], tenant, (name) => (isTenant(name) ? undefined : 'needs a name with a character that can be seen'));
    checkAll(['tenants', tenant], limits, { concurrency: wholeFrom(1), maxRuns: wholeFrom(1) });
    checkAll(['tenants', tenant, 'budget'], budget, budgetMembers);
  }
  for (const [name, { breaker, ...limits }] of Object.entries(options.resources ?? {})) {
    checkAll(['resources', name], limits, resourceMembers);
    checkAll(['resources', name, 'breaker'], breaker, breakerMembers);
    const { limit, intervalMs } = limits;
    const isHalf = (limit === undefined) !== (intervalMs === undefined);
    check(['resources', name], isHalf || undefined, () => 'needs both limit and intervalMs, or neither');
  }
  for (const [agentId, spec] of Object.entries(options.breakers?.agents ?? {}))
    checkAll(['breakers', 'agents', agentId], spec, breakerMembers);
  checkAll(['breakers', 'default'], options.breakers?.default, breakerMembers);
  if (issues.length > 0) throw new OptionsInvalidError(issues);
}
