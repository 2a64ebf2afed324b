import { z } from 'zod';

import type { ExpansionBounds } from '../core/ports/plan.js';
import type { OrchestrationProposal, Ticket } from '../core/ports/proposal.js';
import type { Arrangement, TemplateDraft, Topology } from '../core/ports/topology.js';
import { type Issue, pointerOf, quote } from '../core/shared/issue.js';
import { builtInReducers, isKnownReducer } from '../core/shared/reducer-names.js';
import { err, ok } from '../core/shared/result.js';
import { expandSupervisor } from './supervisor-worker/expand.js';
import {
  decisionTemplate,
  delegationTemplate,
  hasOwnTerms,
  joinTemplate,
  type SupervisorSettings,
} from './supervisor-worker/settings.js';

const week = 604_800_000;

const optionsSchema = z.strictObject({
  supervisor: z.string().describe('Role that decides what is to be done next, and by whom. It does none of the work itself.'),
  workers: z
    .array(z.string())
    .min(1)
    .optional()
    .describe('Roles that it delegates to. They never address each other. Default: all others.'),
  maxRounds: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(25)
    .describe('Decisions for each ticket; those that only wait for reports do not count. Default: 25.'),
  maxParallel: z
    .int()
    .min(1)
    .max(100_000)
    .default(8)
    .describe('Delegations of a ticket that are under way at once. What is more is refused. Default: 8.'),
  maxDelegations: z.int().min(1).optional().describe('Delegations of a ticket in all. Default: maxRounds times maxParallel.'),
  whenBusy: z
    .enum(['another-instance', 'queue', 'refuse'])
    .optional()
    .describe(
      'What a delegation to a role does that has one of the same ticket already: begins beside it in a session of its own, waits for it, or is refused. Default: another-instance; queue for a role with clear: false.',
    ),
  reducer: z
    .string()
    .optional()
    .describe(
      `Joins the outputs of the delegations that one decision makes at once, and tells the supervisor of it when all have ended: ${builtInReducers.join(', ')}, or "custom:" with the name of another. Default: it is only told of each.`,
    ),
  reportTimeoutMs: z
    .int()
    .min(0)
    .max(week)
    .default(7_200_000)
    .describe('When the supervisor is told of a worker that has not reported, in milliseconds; 0 for never. Default: 2 hours.'),
});
type Options = z.output<typeof optionsSchema>;

/** A supervisor delegates to workers and decides again with every report, until it finishes. Each ticket is a goal of its own. */
export const supervisorWorker: Topology<Options> = {
  kind: 'supervisor-worker',
  version: '1',
  description:
    'A supervisor delegates to workers, one or several at once, and decides again with every report, until it finishes: for work whose next step is not known beforehand.',
  options: optionsSchema,
  arrange(proposal, options) {
    const issues = faultsOf(proposal, options);
    return issues.length > 0 ? err(issues) : ok(arrangement(proposal, options));
  },
  expand: expandSupervisor,
};

function faultsOf({ roles }: OrchestrationProposal, { supervisor, workers, reducer }: Options): Issue[] {
  const known = new Set(roles.map(({ key }) => key));
  const issues: Issue[] = [];
  const report = (code: string, path: readonly PropertyKey[], message: string): number =>
    issues.push({ code, pointer: pointerOf(['topology', ...path]), message });
  const unknown = (role: string): string =>
    `${quote(role)} is no role of this proposal. There are ${roles.map(({ key }) => quote(key)).join(', ')}.`;
  if (!known.has(supervisor)) report('unknown-role', ['supervisor'], unknown(supervisor));
  const seen = new Set<string>();
  workers?.forEach((role, place) => {
    if (!known.has(role)) report('unknown-role', ['workers', place], unknown(role));
    if (role === supervisor)
      report('supervisor-as-worker', ['workers', place], `${quote(role)} is the supervisor, and cannot be a worker as well.`);
    if (seen.has(role)) report('duplicate-worker', ['workers', place], `The worker ${quote(role)} stands twice. Name it once.`);
    seen.add(role);
  });
  if (reducer !== undefined && !isKnownReducer(reducer)) {
    const known = builtInReducers.map(quote).join(', ');
    report(
      'unknown-reducer',
      ['reducer'],
      `There is no reducer ${quote(reducer)}. There are ${known}, and "custom:" with a name.`,
    );
  }
  if (workers === undefined && roles.every(({ key }) => key === supervisor))
    report('no-workers', ['workers'], `There is nobody to delegate to: ${quote(supervisor)} is the only role. Add a role.`);
  return issues;
}

function arrangement(proposal: OrchestrationProposal, options: Options): Arrangement {
  const { tickets, roles } = proposal;
  const { supervisor, maxRounds, whenBusy, reportTimeoutMs, reducer } = options;
  const workers = [...new Set(options.workers ?? roles.map(({ key }) => key).filter((key) => key !== supervisor))].sort();
  const keeping = roles.filter(({ key, clear = true }) => workers.includes(key) && !clear).map(({ key }) => key);
  const settings: SupervisorSettings = {
    ...{ supervisor, workers, maxRounds, reportTimeoutMs },
    whenBusy: whenBusy ?? null,
    keepSession: keeping.sort(),
    ...(reducer !== undefined && { reducer }),
  };
  return {
    // A ticket that joins the outputs of others is nobody's to decide on.
    steps: tickets.map(({ key, reducer }) =>
      reducer === undefined ? { id: key, kind: 'ticket', role: supervisor, expands: 'topology' } : { id: key, kind: 'ticket' },
    ),
    templates: Object.fromEntries([
      ...[undefined, ...tickets.filter(hasOwnTerms)].flatMap((ticket) => templatesOf(settings, ticket)),
      ...joinTemplates(settings),
    ]),
    settings: { ...settings },
    team: workers,
    bounds: boundsOf(options),
  };
}

/** What may be added for the tickets that say nothing of how they are carried out, or for one that does. */
function templatesOf({ supervisor, workers }: SupervisorSettings, ticket: Ticket | undefined): [string, TemplateDraft][] {
  const key = ticket?.key;
  const terms = key === undefined ? {} : { ticket: key };
  const effect = ticket?.effect ?? 'idempotent';
  const decision: TemplateDraft = { kind: 'route', role: supervisor, decides: true, ...terms, effect: 'none', resources: [] };
  return [
    [decisionTemplate(key), decision],
    ...workers.map((role): [string, TemplateDraft] => [
      delegationTemplate(role, key),
      { kind: 'delegation', role, ...terms, effect },
    ]),
  ];
}

const joinTemplates = ({ reducer }: SupervisorSettings): [string, TemplateDraft][] =>
  reducer === undefined ? [] : [[joinTemplate, { kind: 'reduce', reducer }]];

/**
 * Every decision is a round, or waits, or finishes. One that waits was asked for because of a report or a notice: there is one report for each
 * delegation, and no more notices than that are followed up. What joins delegations is told of in the place of the last of them, and joins two at least.
 */
function boundsOf({ maxRounds, maxParallel, maxDelegations, reducer }: Options): ExpansionBounds {
  // In its last round a supervisor can only finish.
  const delegations = Math.min(maxDelegations ?? Infinity, (maxRounds - 1) * maxParallel);
  const decisions = maxRounds + 2 * delegations;
  const joins = reducer === undefined ? 0 : Math.floor(delegations / 2);
  return { steps: decisions + delegations + joins, decisions, delegations, handoffs: 0, parallel: maxParallel, depth: 1 };
}
