import type { Plan, PlanStep } from '../ports/plan.js';

/** The longest that one attempt may take where neither the step nor its role says so: 24 hours. Nothing waits without a limit. */
export const defaultTimeoutMs = 86_400_000;

/** A step, or what steps may be added as. */
type TimedStep = Pick<PlanStep, 'role' | 'timeoutMs' | 'heartbeatTimeoutMs' | 'expands'>;

/** The timeout of each step of a plan in milliseconds: its own, else its role's, else the default. A step without an agent has none. */
export function createTimeoutLookup({ roles }: Pick<Plan, 'roles'>): (step: TimedStep) => number | undefined {
  const ofRole = new Map(roles.map(({ key, timeoutMs }) => [key, timeoutMs]));
  return ({ role, timeoutMs, expands }) =>
    role === undefined || expands !== undefined ? undefined : (timeoutMs ?? ofRole.get(role) ?? defaultTimeoutMs);
}

/** How long each step of a plan may give no sign of life: its own limit, else its role's, else none. */
export function createHeartbeatLookup({ roles }: Pick<Plan, 'roles'>): (step: TimedStep) => number | undefined {
  const ofRole = new Map(roles.map(({ key, heartbeatTimeoutMs }) => [key, heartbeatTimeoutMs]));
  return ({ role, heartbeatTimeoutMs, expands }) =>
    role === undefined || expands !== undefined ? undefined : (heartbeatTimeoutMs ?? ofRole.get(role));
}
