import type { HireSpec, Role } from '../../ports/proposal.js';
import type { Issue } from '../../shared/issue.js';
import { ok, type Result } from '../../shared/result.js';
import type { ProposalHistory } from '../proposal-history.js';
import { editProposal, type EditOptions, findElement } from './edit-proposal.js';

/** Which role gets whom. */
export interface SwapRoleOptions extends EditOptions {
  /** Key of the role; it keeps everything but the agent. */
  readonly role: string;
  readonly to: { readonly agentId: string } | { readonly hire: HireSpec };
}

/** Gives a role to another existing agent, or to a hire. One revision, whichever it was before. */
export const swapRole = (history: ProposalHistory, { role, to, ...options }: SwapRoleOptions): Result<ProposalHistory, Issue[]> =>
  editProposal(history, {
    ...options,
    edit(proposal) {
      const found = findElement(proposal.roles, { kind: 'role', key: role });
      return found.ok
        ? ok({ ...proposal, roles: proposal.roles.with(found.value.index, swapped(found.value.element, to)) })
        : found;
    },
  });

function swapped(role: Role, to: SwapRoleOptions['to']): Role {
  if (role.kind === 'existing') {
    const { kind: _kind, agentId: _agentId, ...kept } = role;
    return filled(kept, to);
  }
  const { kind: _kind, hire: _hire, ...kept } = role;
  return filled(kept, to);
}

const filled = (role: Omit<Role, 'kind'>, to: SwapRoleOptions['to']): Role =>
  'agentId' in to ? { ...role, kind: 'existing', agentId: to.agentId } : { ...role, kind: 'hire', hire: to.hire };
