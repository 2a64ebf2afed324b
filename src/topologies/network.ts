import { z } from 'zod';

import type { ExpansionBounds } from '../core/ports/plan.js';
import type { OrchestrationProposal, Ticket } from '../core/ports/proposal.js';
import type { Arrangement, TemplateDraft, Topology } from '../core/ports/topology.js';
import { type Issue, pointerOf, quote } from '../core/shared/issue.js';
import { err, ok } from '../core/shared/result.js';
import { expandNetwork } from './network/expand.js';
import { turnTemplate, type NetworkSettings, type TurnKind } from './network/settings.js';

const week = 604_800_000;

const optionsSchema = z.strictObject({
  entry: z.string().describe('Role that has control of each ticket first.'),
  peers: z.array(z.string()).min(1).optional().describe('Roles that take part. Default: all but the arbiter.'),
  handoffs: z
    .array(z.tuple([z.string(), z.string()]))
    .optional()
    .describe('Pairs [from, to]: who may hand over, or delegate, to whom. Default: every peer to every other.'),
  maxHandoffs: z.int().min(0).max(100_000).default(10).describe('Handoffs of each ticket. Default: 10.'),
  maxDelegations: z.int().min(0).max(100_000).default(16).describe('Delegations of each ticket in all. Default: 16.'),
  maxParallel: z.int().min(1).max(100_000).default(4).describe('Delegations of a ticket that are under way at once. Default: 4.'),
  maxRefusals: z
    .int()
    .min(0)
    .max(1_000)
    .default(5)
    .describe('Decisions of a ticket that may be refused before it fails. Default: 5.'),
  arbiter: z
    .string()
    .optional()
    .describe('Role that is asked when peers wait for each other, hand over in a circle, or one handoff is left.'),
  pairLimit: z
    .strictObject({ limit: z.int().min(1).max(1_000), intervalMs: z.int().min(1).max(week) })
    .optional()
    .describe('How often one peer may turn to another: so many times in any intervalMs. Default: no limit of its own.'),
  whenBusy: z
    .enum(['another-instance', 'queue', 'refuse'])
    .optional()
    .describe(
      'What a task for a peer does that has one of the same ticket already: begins beside it in a session of its own, waits for it, or is refused. Default: another-instance; queue for a role with clear: false.',
    ),
  reportTimeoutMs: z
    .int()
    .min(0)
    .max(week)
    .default(7_200_000)
    .describe(
      'When a peer is told of one that it delegated to and that has not reported, in milliseconds; 0 for never. Default: 2 hours.',
    ),
});
type Options = z.output<typeof optionsSchema>;

/** Peers hand control to each other, and delegate, along an allow-list, until one finishes. Each ticket is a goal of its own. */
export const network: Topology<Options> = {
  kind: 'network',
  version: '1',
  description:
    'Peers hand control to each other along an allow-list, until one finishes: for conversations whose course nobody can lead. Costs the most to follow; a supervisor is simpler.',
  options: optionsSchema,
  arrange(proposal, options) {
    const issues = faultsOf(proposal, options);
    return issues.length > 0 ? err(issues) : ok(arrangement(proposal, options));
  },
  expand: expandNetwork,
};

function faultsOf({ roles }: OrchestrationProposal, options: Options): Issue[] {
  const known = new Set(roles.map(({ key }) => key));
  const peers = new Set(peersOf(roles, options));
  const issues: Issue[] = [];
  const report = (code: string, path: readonly PropertyKey[], message: string): number =>
    issues.push({ code, pointer: pointerOf(['topology', ...path]), message });
  const checkRole = (role: string, path: readonly PropertyKey[]): void => {
    if (known.has(role)) return;
    const keys = roles.map(({ key }) => quote(key)).join(', ');
    report('unknown-role', path, `${quote(role)} is no role of this proposal. There are ${keys}.`);
  };
  checkRole(options.entry, ['entry']);
  options.peers?.forEach((role, place) => checkRole(role, ['peers', place]));
  if (options.arbiter !== undefined) checkRole(options.arbiter, ['arbiter']);
  if (known.has(options.entry) && !peers.has(options.entry))
    report('entry-not-peer', ['entry'], `${quote(options.entry)} is not among the peers. Name it there, or take another entry.`);
  if (options.arbiter !== undefined && options.peers?.includes(options.arbiter))
    report(
      'arbiter-as-peer',
      ['arbiter'],
      `${quote(options.arbiter)} is a peer, and cannot decide between peers. Take another role.`,
    );
  options.handoffs?.forEach(([from, to], place) => {
    for (const [end, role] of [from, to].entries()) {
      if (peers.has(role)) continue;
      report(
        'unknown-peer',
        ['handoffs', place, end],
        `${quote(role)} is none of the peers: ${[...peers].map(quote).join(', ')}.`,
      );
    }
    if (from === to) report('self-handoff', ['handoffs', place], `${quote(from)} cannot hand over to itself.`);
  });
  return issues;
}

const peersOf = (roles: OrchestrationProposal['roles'], { peers, arbiter }: Options): readonly string[] =>
  [...new Set(peers ?? roles.map(({ key }) => key).filter((key) => key !== arbiter))].sort();

function arrangement(proposal: OrchestrationProposal, options: Options): Arrangement {
  const { tickets, roles, budget } = proposal;
  const { entry, maxHandoffs, maxRefusals, arbiter, pairLimit, whenBusy, reportTimeoutMs } = options;
  const peers = peersOf(roles, options);
  const keeping = roles.filter(({ key, clear = true }) => peers.includes(key) && !clear).map(({ key }) => key);
  const settings: NetworkSettings = {
    ...{ entry, maxHandoffs, maxRefusals, reportTimeoutMs },
    peers,
    allowed: options.handoffs ? allowedBy(options.handoffs) : null,
    arbiter: arbiter ?? null,
    pairLimit: pairLimit ?? null,
    whenBusy: whenBusy ?? null,
    keepSession: keeping.sort(),
  };
  const members = arbiter === undefined ? peers : [...peers, arbiter];
  return {
    // A ticket that joins the outputs of others is nobody's to decide on.
    steps: tickets.map(({ key, reducer }) =>
      reducer === undefined ? { id: key, kind: 'ticket', role: entry, expands: 'topology' } : { id: key, kind: 'ticket' },
    ),
    templates: Object.fromEntries(
      [undefined, ...tickets.filter(hasOwnTerms)].flatMap((ticket) => members.flatMap((role) => templatesOf(role, ticket))),
    ),
    settings: { ...settings },
    team: peers,
    bounds: boundsOf(options, budget?.maxDelegationDepth ?? defaultDepth),
  };
}

function allowedBy(pairs: NonNullable<Options['handoffs']>): Readonly<Record<string, readonly string[]>> {
  const targets = new Map<string, Set<string>>();
  for (const [from, to] of pairs) targets.set(from, (targets.get(from) ?? new Set()).add(to));
  return Object.fromEntries(Array.from(targets, ([from, to]) => [from, [...to].sort()]));
}

/** How deep delegations may lie in one another where `budget.maxDelegationDepth` does not say. */
const defaultDepth = 3;

const hasOwnTerms = ({ reducer, retry, timeoutMs, totalTimeoutMs, heartbeatTimeoutMs, ...own }: Ticket): boolean =>
  reducer === undefined &&
  [retry, timeoutMs, totalTimeoutMs, heartbeatTimeoutMs, own.effect, own.resources, own.priority].some(
    (term) => term !== undefined,
  );

function templatesOf(role: string, ticket: Ticket | undefined): [string, TemplateDraft][] {
  const key = ticket?.key;
  const terms = key === undefined ? {} : { ticket: key };
  const effect = ticket?.effect ?? 'idempotent';
  return (['handoff', 'delegation', 'route'] as const satisfies readonly TurnKind[]).map((kind) => [
    turnTemplate(kind, role, key),
    { kind, role, decides: true, ...terms, effect },
  ]);
}

/**
 * Every step is a turn of a peer: the first, one for each handoff and each delegation, and one more for each report, notice and refusal, which
 * may be the arbiter's.
 */
function boundsOf({ maxHandoffs, maxDelegations, maxParallel, maxRefusals }: Options, depth: number): ExpansionBounds {
  const delegations = depth === 0 ? 0 : maxDelegations;
  const decisions = 1 + maxHandoffs + 3 * delegations + maxRefusals;
  return { steps: decisions, decisions, delegations, handoffs: maxHandoffs + 1, parallel: maxParallel, depth };
}
