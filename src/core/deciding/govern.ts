import type { PlanPolicy, PolicyTransition, PolicyVerdict } from '../ports/policy.js';
import type { Effect, StepKind } from '../ports/step-traits.js';
import type { JsonSchema } from '../shared/json.js';

/** Something that a step is about to do. */
export interface PolicyQuestion {
  readonly transition: PolicyTransition;
  /** Of whoever carries it out; absent for a step that no role does. */
  readonly role?: string | undefined;
  /** The ticket that the step is, or was added for. */
  readonly ticket?: string | undefined;
  readonly kind: StepKind;
  readonly effect: Effect;
  /** What it may spend, where that is the question. */
  readonly costMicroUsd?: number;
  /** The tool that it calls, where that is the question. */
  readonly tool?: { readonly name: string; readonly fits: (schema: JsonSchema) => boolean };
}

/** The policy that decides, and what it says. */
export interface PolicyRuling {
  readonly policy: PlanPolicy;
  readonly verdict: PolicyVerdict;
}

/** What the first policy says that applies; `undefined` where none does, which means that it is allowed. */
export function govern(policies: readonly PlanPolicy[], question: PolicyQuestion): PolicyRuling | undefined {
  const policy = policies.find((candidate) => applies(candidate, question));
  return policy && { policy, verdict: policy.verdict };
}

/** Whether a policy is about what a step is about to do. */
function applies({ on, roles, tickets, kinds, effects }: PlanPolicy, question: PolicyQuestion): boolean {
  const { transition, role, ticket, kind, effect } = question;
  return (
    on.type === transition &&
    isAmong(roles, role) &&
    isAmong(tickets, ticket) &&
    isAmong(kinds, kind) &&
    isAmong(effects, effect) &&
    isTriggered(on, question)
  );
}

const isAmong = <T>(named: readonly T[] | undefined, one: T | undefined): boolean =>
  named === undefined || (one !== undefined && named.includes(one));

function isTriggered(on: PlanPolicy['on'], { costMicroUsd = 0, tool }: PolicyQuestion): boolean {
  if (on.type === 'spend') return costMicroUsd > on.aboveMicroUsd;
  if (on.type !== 'tool') return true;
  const { tools, when } = on;
  return tool !== undefined && isAmong(tools, tool.name) && (when === undefined || tool.fits(when));
}
