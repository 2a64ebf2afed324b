import { asObject } from '../loose.js';
import { createHints, labelOf, named } from '../words.js';
import type { RoleSketch } from '../sketch.js';
import type { Rule, RuleContext } from './rule.js';

/**
 * Each role is an existing agent or a hire, and says which: `role-agent-or-hire`, `role-kind-mismatch`. Nobody stands in for himself, and nobody does so
 * twice: `fallback-twice`.
 */
export const checkRoles: Rule = (context) => {
  for (const role of context.sketch.roles) {
    checkRole(context, role);
    checkFallbacks(context, role);
  }
};

function checkFallbacks({ issues }: RuleContext, { key, index, fields }: RoleSketch): void {
  const { agentId, fallbacks } = fields;
  if (!Array.isArray(fallbacks)) return;
  const seen = new Set<unknown>([agentId]);
  for (const [place, fallback] of fallbacks.entries()) {
    if (typeof fallback === 'string' && seen.has(fallback)) {
      const label = labelOf('role', { key, index });
      const message = `${label} names the agent ${named(fallback)} more than once, as its own or among its fallbacks; name each once`;
      issues.add('fallback-twice', ['roles', index, 'fallbacks', place], message);
    }
    seen.add(fallback);
  }
}

function checkRole({ issues }: RuleContext, { key, index, fields }: RoleSketch): void {
  const { agentId, hire, kind } = fields;
  const label = labelOf('role', { key, index });
  if ((agentId === undefined) === (hire === undefined)) {
    const found = agentId === undefined ? 'it sets neither' : 'it sets both';
    issues.add('role-agent-or-hire', ['roles', index], `${label} must set exactly one of agentId or hire; ${found}`);
    return;
  }
  const actual = agentId === undefined ? 'hire' : 'existing';
  if ((kind === 'existing' || kind === 'hire') && kind !== actual) {
    const message = `${label} has the kind "${kind}" but sets ${actual === 'hire' ? 'hire' : 'agentId'}; its kind must be "${actual}"`;
    issues.add('role-kind-mismatch', ['roles', index, 'kind'], message);
  }
}

/** Every role that is named is declared: `unknown-role`. */
export const checkRoleReferences: Rule = ({ sketch, issues }) => {
  const { roleKeys, tickets, fields, hasRoles } = sketch;
  // Without a list of roles, naming one is not the fault.
  if (!hasRoles) return;
  const isUnknown = (role: unknown): role is string => typeof role === 'string' && !roleKeys.has(role);
  const hint = createHints(roleKeys);
  const report = (role: string, { label, path }: { readonly label: string; readonly path: readonly PropertyKey[] }) =>
    issues.add('unknown-role', path, () => `${label} references unknown role ${named(role)}${hint(role)}`);

  for (const ticket of tickets) {
    const { role, compensation } = ticket.fields;
    if (isUnknown(role)) report(role, { label: labelOf('ticket', ticket), path: ['tickets', ticket.index, 'role'] });
    const verifying = asObject(ticket.fields['verify'])['role'];
    if (isUnknown(verifying))
      report(verifying, {
        label: `${labelOf('ticket', ticket)} verification`,
        path: ['tickets', ticket.index, 'verify', 'role'],
      });
    const undoing = compensation === undefined ? undefined : asObject(compensation)['role'];
    if (!isUnknown(undoing)) continue;
    const path = ['tickets', ticket.index, 'compensation', 'role'];
    report(undoing, { label: `${labelOf('ticket', ticket)} compensation`, path });
  }
  const { role: verifying } = asObject(asObject(fields['synthesis'])['verify']);
  if (isUnknown(verifying)) report(verifying, { label: 'synthesis verification', path: ['synthesis', 'verify', 'role'] });
  for (const phase of ['research', 'synthesis']) {
    const { role } = asObject(fields[phase]);
    if (isUnknown(role)) report(role, { label: phase, path: [phase, 'role'] });
  }
};
