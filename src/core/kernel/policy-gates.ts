import { autonomyPolicies } from '../deciding/autonomy.js';
import { govern, type PolicyQuestion } from '../deciding/govern.js';
import type { RunDefinition } from '../materializer/definition.js';
import type { PlanPolicy, PolicyTransition } from '../ports/policy.js';
import type { StoredError } from '../ports/run.js';
import type { Allowance } from '../ports/usage.js';
import { quote } from '../shared/issue.js';
import { toMicroUsd, toUsd } from '../shared/money.js';
import { failStep } from './fail-step.js';
import { mustMoveStep } from './move-step.js';
import { noSpend } from './no-spend.js';
import { askedFor, type AskedPolicy } from './asked-policy.js';
import { comingAttempt, isApproved, setWaiting } from './policy-approvals.js';
import { callsAgent, publish, stepOf, tryOf, type RunCore } from './run-core.js';

/** The rules that a run goes by, in their order: those of the plan, and behind them what follows from how far roles may go by themselves. */
export function policiesOf({ materialized: { definition } }: RunCore): readonly PlanPolicy[] {
  let policies = known.get(definition);
  if (!policies) known.set(definition, (policies = [...(definition.policies ?? []), ...autonomyPolicies(definition.roles)]));
  return policies;
}
const known = new WeakMap<RunDefinition, readonly PlanPolicy[]>();

/** Whether a step may go on, by the policies; `allowed` are those that say so, to be told of once it does. */
export type Clearance = { readonly isHeld: true } | { readonly isHeld: false; readonly allowed: readonly AskedPolicy[] };
const held: Clearance = { isHeld: true };
const free: Clearance = { isHeld: false, allowed: [] };

/** Asks whether an attempt at a step may begin. Where it may not, it has failed, or waits for a person. */
export function clearStart(core: RunCore, index: number, at: number): Clearance {
  // What begins the present attempt once more was asked when it first began.
  if (core.columns.again[index] === 1) return free;
  return clear(core, index, { transition: tryOf(core, index) === 0 ? 'start' : 'retry', at });
}

/** Asks whether an attempt may spend what it would be allowed to. */
export function clearSpend(
  core: RunCore,
  index: number,
  { allowance, at, giveBack }: { readonly allowance: Allowance; readonly at: number; readonly giveBack: () => void },
): Clearance {
  if (!callsAgent(stepOf(core, index))) return free;
  const costMicroUsd = allowance.costUsd === undefined ? Infinity : toMicroUsd(allowance.costUsd);
  return clear(core, index, { transition: 'spend', costMicroUsd, at, giveBack });
}

interface Transition {
  readonly transition: Exclude<PolicyTransition, 'tool'>;
  readonly costMicroUsd?: number;
  readonly at: number;
  /** Called before it is held. */
  readonly giveBack?: () => void;
}

function clear(core: RunCore, index: number, { at, giveBack, ...about }: Transition): Clearance {
  const policies = policiesOf(core);
  // What is verified is done by the steps that are added for it, and those are asked.
  if (policies.length === 0 || stepOf(core, index).expands === 'verification') return free;
  const ruling = govern(policies, questionOf(core, index, about));
  if (!ruling) return free;
  const attempt = comingAttempt(core, index);
  const asked = askedFor(ruling.policy, { ...about, attempt });
  if (ruling.verdict === 'allow') return { isHeld: false, allowed: [asked] };
  if (ruling.verdict === 'require-approval' && isApproved(core, index, asked)) return free;
  giveBack?.();
  if (ruling.verdict === 'deny') denyStep(core, index, { asked, at });
  else gateStep(core, index, { asked, at });
  return held;
}

/** What is to be asked of the policies for a step. A goal is carried out by nobody: the steps that are added for it are. */
export function questionOf(
  core: RunCore,
  index: number,
  about: Pick<PolicyQuestion, 'transition' | 'costMicroUsd' | 'tool'>,
): PolicyQuestion {
  const { role, kind, effect, expands } = stepOf(core, index);
  return { ...about, role: expands === undefined ? role : undefined, ticket: ticketOf(core, index), kind, effect };
}

/** The step of the plan that a step is, or was added for. */
function ticketOf(core: RunCore, index: number): string {
  let step = stepOf(core, index);
  while (step.added) step = stepOf(core, core.graph.indexOf.get(step.added.goal)!);
  return step.id;
}

interface Held {
  readonly asked: AskedPolicy;
  readonly at: number;
}

/** No agent is called, and nothing is charged. */
function denyStep(core: RunCore, index: number, { asked, at }: Held): void {
  tellApplied(core, index, asked);
  failStep(core, index, { error: deniedError(stepOf(core, index).id, asked), spend: noSpend, at });
}

/** The step waits for a person. `before`: what brings it to where it can, once it is told why. */
export function gateStep(core: RunCore, index: number, { asked, at, before }: Held & { readonly before?: () => void }): void {
  setWaiting(core, index, asked);
  tellApplied(core, index, asked);
  before?.();
  mustMoveStep(core, index, 'REQUIRE_DECISION', { at });
}

const attempts: Readonly<Record<Transition['transition'], string>> = {
  start: 'to start',
  retry: 'to be tried again',
  spend: 'to spend what it would be allowed to',
};

function deniedError(stepId: string, { transition, policy, reason, attempt }: AskedPolicy): StoredError {
  const wish = transition === 'tool' ? 'to use a tool' : attempts[transition];
  const message = `The policy ${quote(policy)} does not allow ${quote(stepId)} ${wish}: ${reason}`;
  return { code: 'POLICY_DENIED', message, stepId, policy, transition, reason, attempt };
}

/** Puts on record what a policy has decided. */
export function tellApplied(core: RunCore, index: number, { costMicroUsd, call: _, ...asked }: AskedPolicy): void {
  const costUsd = typeof costMicroUsd === 'number' ? { costUsd: toUsd(costMicroUsd) } : {};
  publish(core, { type: 'policy.applied', stepId: stepOf(core, index).id, ...asked, ...costUsd });
}
