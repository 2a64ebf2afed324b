import type { StoredError } from '../ports/run.js';
import type { AddedStep, StepAddition } from '../ports/topology.js';
import { quote } from '../shared/issue.js';

/** What a task for a role does that has another one already. */
export type BusyPolicy = 'another-instance' | 'queue' | 'refuse';

/** How tasks of one role get along with each other. */
export interface RoleTraffic {
  readonly role: string;
  /** Whether the role has one conversation for the whole run. */
  readonly keepsSession: boolean;
  /** Default: another instance, but in line where the role keeps its session. */
  readonly policy: BusyPolicy | null;
  /** Steps of the role in the goal that have not ended. */
  readonly open: readonly AddedStep[];
  /** Steps of the role that are added by the same decision, before this one, and the id of each. */
  readonly added: readonly { readonly id: string; readonly session?: string }[];
}

const policyOf = ({ policy, keepsSession }: RoleTraffic): BusyPolicy => policy ?? (keepsSession ? 'queue' : 'another-instance');

/** Why a role that is busy cannot be given another task; `undefined` where it can. */
export function busyFault(traffic: RoleTraffic): StoredError | undefined {
  const { role, open, added } = traffic;
  const other = open[0]?.id ?? added[0]?.id;
  if (policyOf(traffic) !== 'refuse' || other === undefined) return undefined;
  const message = `${quote(role)} is busy with ${quote(other)} (whenBusy: refuse). Wait for its report, or replace it (supersedes).`;
  return { code: 'BUSY', message, role, delegationId: other };
}

/** Where a new task of a role goes: behind what it has already, or beside that in a conversation of its own. */
export function placeBeside(traffic: RoleTraffic): Pick<StepAddition, 'dependsOn' | 'session'> {
  const { open, added, keepsSession } = traffic;
  if (policyOf(traffic) === 'queue') {
    const last = added.at(-1)?.id ?? open.at(-1)?.id;
    return last === undefined ? {} : { dependsOn: [last] };
  }
  // Without a conversation to keep, each has a new one anyway.
  const session = keepsSession ? freeSession([...open, ...added]) : undefined;
  return session === undefined ? {} : { session };
}

/** The lowest number that no step has as the name of its conversation; `undefined` for the first, which is the role's own. */
function freeSession(steps: readonly { readonly session?: string | undefined }[]): string | undefined {
  const taken = new Set(steps.map(({ session = '1' }) => session));
  let number = 1;
  while (taken.has(String(number))) number += 1;
  return number === 1 ? undefined : String(number);
}
