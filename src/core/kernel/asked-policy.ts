import type { AppliedPolicy, PlanPolicy, PolicyTransition } from '../ports/policy.js';
import { quote } from '../shared/issue.js';
import { toUsd } from '../shared/money.js';

/** What a policy was asked, and what it has said. Plain data: it is stored with the run. */
export interface AskedPolicy extends Omit<AppliedPolicy, 'costUsd'> {
  /** Digest of the input that the tool is called with: an approval is of that call. */
  readonly call?: string;
  /** What the attempt may spend; `null` for any amount. */
  readonly costMicroUsd?: number | null;
}

/** What a step waits for a person to approve, and what a person has approved for it. */
export interface PolicyApprovals {
  readonly waiting?: AskedPolicy;
  readonly approved: readonly AskedPolicy[];
}

interface About {
  readonly transition: PolicyTransition;
  readonly attempt: number;
  readonly tool?: string;
  readonly call?: string;
  readonly costMicroUsd?: number;
}

export const askedFor = ({ key, verdict, reason }: PlanPolicy, { costMicroUsd, ...about }: About): AskedPolicy => ({
  ...{ policy: key, verdict, reason },
  ...about,
  ...(costMicroUsd !== undefined && { costMicroUsd: costMicroUsd === Infinity ? null : costMicroUsd }),
});

/** What a person is shown. */
export function promptOf({ transition, reason, tool, costMicroUsd }: AskedPolicy): string {
  if (tool !== undefined) return `${reason} (It wants to use the tool ${quote(tool)}.)`;
  // An exhausted budget speaks for itself.
  if (transition !== 'spend' || costMicroUsd === undefined) return reason;
  return `${reason} (It may spend ${typeof costMicroUsd === 'number' ? `up to $${toUsd(costMicroUsd)}` : 'any amount'}.)`;
}
