import type { StepKind, StepTemplate } from '../ports/plan.js';
import type { Ticket } from '../ports/proposal.js';
import type { Arrangement, StepDraft, TemplateDraft } from '../ports/topology.js';
import { copyJson } from '../shared/copy-json.js';
import { type Issue, quote } from '../shared/issue.js';
import type { PlanSource } from './check-drafts.js';
import { defaultRetry, executionOf, inOrder, resourceUses, timeLimitsOf } from './step-defaults.js';

/** Kinds that may be added while a run is under way. */
const addedKinds: ReadonlySet<StepKind> = new Set(['delegation', 'handoff', 'route', 'reduce', 'verification']);

/** What is wrong with the templates of an arrangement. */
export function checkTemplates({ roles, tickets }: PlanSource, { templates, steps }: Arrangement): Issue[] {
  const known = new Set(roles.map(({ key }) => key));
  const keys = new Set(tickets.map(({ key }) => key));
  const issues: Issue[] = [];
  const report = (code: string, message: string): number => issues.push({ code, pointer: '/topology', message });
  for (const [name, { kind, role, ticket }] of Object.entries(templates)) {
    if (/^(work|verification) \[/.test(name))
      report('reserved-template', `The template ${quote(name)} is called as those are that verify steps. Call it otherwise.`);
    if (!addedKinds.has(kind))
      report(
        'foreign-kind',
        `The template ${quote(name)} is of kind "${kind}"; what may be added is ${[...addedKinds].join(', ')}.`,
      );
    if (role === undefined && kind !== 'reduce')
      report('missing-role', `The template ${quote(name)} of kind "${kind}" needs a role to carry it out.`);
    if (role !== undefined && !known.has(role))
      report('unknown-role', `The template ${quote(name)} has the role ${quote(role)}, which the proposal does not declare.`);
    if (ticket !== undefined && !keys.has(ticket))
      report('unknown-ticket', `The template ${quote(name)} is made after the ticket ${quote(ticket)}, which there is not.`);
  }
  return [...issues, ...clashes(steps)];
}

/** Steps that are added to a goal have its id, a slash and a name of their own: no other step may be called so. */
function clashes(steps: readonly StepDraft[]): Issue[] {
  const goals = steps.filter(({ expands }) => expands !== undefined).map(({ id }) => id);
  if (goals.length === 0) return [];
  const prefixes = new Set(goals.map((id) => `${id}/`));
  return steps.flatMap(({ id }) => {
    const prefix = prefixesOf(id).find((start) => prefixes.has(start));
    if (prefix === undefined) return [];
    const message = `${quote(id)} begins with ${quote(prefix)}, as the steps do that are added to ${quote(prefix.slice(0, -1))}. Choose another key.`;
    return [{ code: 'reserved-key', pointer: '/topology', message }];
  });
}

/** Every beginning of an id that ends with a slash. */
function prefixesOf(id: string): string[] {
  const found: string[] = [];
  for (let place = id.indexOf('/'); place >= 0; place = id.indexOf('/', place + 1)) found.push(id.slice(0, place + 1));
  return found;
}

/** Templates with every default filled in. What is handed to a role that may only observe has no effect. */
export function stepTemplates(
  drafts: Arrangement['templates'],
  { tickets, roles }: PlanSource,
): Readonly<Record<string, StepTemplate>> {
  const byKey = new Map(tickets.map((ticket) => [ticket.key, ticket]));
  const observers = new Set(roles.flatMap(({ key, autonomy }) => (autonomy === 'observe-only' ? [key] : [])));
  return Object.fromEntries(
    inOrder(Object.keys(drafts)).map((name) => {
      const { ticket, ...draft } = drafts[name]!;
      const limited = observers.has(draft.role ?? '') ? ({ effect: 'none' } as const) : {};
      return [name, { ...templateDefaults(byKey.get(ticket ?? '')), ...copyJson(draft), ...limited, phase: 'work' }];
    }),
  );
}

function templateDefaults(ticket: Ticket | undefined): Omit<StepTemplate, keyof Pick<TemplateDraft, 'kind' | 'role'> | 'phase'> {
  if (!ticket) return { effect: 'none', retry: defaultRetry, resources: [], onFailure: 'continue', priority: 'normal' };
  const { retry, ...execution } = executionOf(ticket);
  return {
    effect: ticket.effect ?? 'idempotent',
    retry,
    ...timeLimitsOf(execution),
    resources: resourceUses(ticket.resources),
    onFailure: 'continue',
    priority: ticket.priority ?? 'normal',
  };
}
