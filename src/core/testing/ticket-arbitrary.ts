import fc from 'fast-check';

import type { Ticket } from '../ports/proposal.js';
import type { JsonSchema } from '../shared/json.js';
import { builtInReducers } from '../shared/reducer-names.js';
import { picksArbitrary } from './dag-arbitrary.js';
import { keyArbitrary } from './key-arbitrary.js';

/** A ticket before its references are known: numbers stand for the roles, tickets and resources that they will choose. */
export interface TicketSeed {
  readonly key: string;
  readonly picks: readonly number[];
  /** Where it stands in the list; equal places keep the order of dependency. */
  readonly place: number;
  readonly role: number;
  /** Whether the instructions name an input. */
  readonly mentions: boolean;
  readonly inputPicks: readonly number[] | undefined;
  readonly resourcePicks: readonly number[];
  readonly compensationRole: number | undefined;
  /** Joins the outputs of what it depends on, where it depends on anything, instead of being done by a role. */
  readonly reducer?: string | undefined;
  readonly settings: Partial<Ticket>;
}

export interface TicketSeedOptions {
  readonly hostileKeys: boolean;
  readonly failures: boolean;
  readonly budgets: boolean;
  readonly gates: boolean;
  readonly reducers: boolean;
  readonly limits: boolean;
}

/** Seeds of tickets, each feature present or not by itself. */
export const ticketSeedArbitrary = (options: TicketSeedOptions): fc.Arbitrary<TicketSeed> =>
  fc.record({
    key: keyArbitrary({ hostile: options.hostileKeys }),
    picks: picksArbitrary(4),
    place: fc.nat({ max: 99 }),
    role: fc.nat({ max: 99 }),
    mentions: fc.boolean(),
    inputPicks: rarely(picksArbitrary(3)),
    resourcePicks: picksArbitrary(2),
    compensationRole: rarely(fc.nat({ max: 99 })),
    settings: settingsArbitrary(options),
    // Drawn only where it is wanted: samples by a seed stay what they were.
    ...(options.reducers && { reducer: rarely(fc.constantFrom(...builtInReducers)) }),
  });

const rarely = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(arbitrary, { nil: undefined, freq: 2 });

function settingsArbitrary({ failures, budgets, gates, limits }: TicketSeedOptions): fc.Arbitrary<Partial<Ticket>> {
  return fc.record(
    {
      effect: fc.constantFrom('none' as const, 'idempotent' as const, 'once' as const),
      priority: fc.constantFrom('low' as const, 'normal' as const, 'high' as const),
      outputSchema: outputSchemaArbitrary,
      estimate: estimateArbitrary,
      ...(failures && {
        retry: retryArbitrary,
        timeoutMs: timeoutArbitrary,
        onFailure: fc.constantFrom('continue' as const, 'continue' as const, 'continue' as const, 'fail-run' as const),
      }),
      ...(limits && {
        totalTimeoutMs: timeoutArbitrary,
        heartbeatTimeoutMs: timeoutArbitrary,
        retry: fc.tuple(retryArbitrary, fc.nat({ max: 3 })).map(([retry, maxThrottled]) => ({ ...retry, maxThrottled })),
      }),
      ...(budgets && { budget: stepBudgetArbitrary }),
      ...(gates && { gate: fc.constant({ kind: 'before', prompt: 'May it start?' } as const) }),
    },
    { requiredKeys: [] },
  );
}

/** Schemas that `sampleJson` finds a value for, so that a scripted agent can answer. */
export const outputSchemaArbitrary: fc.Arbitrary<JsonSchema> = fc.constantFrom<JsonSchema[]>(
  { type: 'object' },
  true,
  { type: 'string', minLength: 1 },
  { type: 'array', items: { type: 'number' } },
  { type: 'object', properties: { summary: { type: 'string' } }, required: ['summary'], additionalProperties: false },
);

/** Time limits of one attempt: mostly ones that no delay reaches, some that any delay passes. */
export const timeoutArbitrary = fc.constantFrom(86_400_000, 86_400_000, 86_400_000, 60_000, 60_000, 10_000, 500, 1);

/** Up to three attempts. */
export const retryArbitrary = fc.record(
  {
    attempts: fc.integer({ min: 1, max: 3 }),
    backoffMs: fc.constantFrom(0, 1, 1_000),
    factor: fc.constantFrom(1, 1.5, 2),
    maxBackoffMs: fc.constantFrom(0, 1_500, 30_000),
    jitter: fc.constantFrom(0, 0.5, 1),
  },
  { requiredKeys: [] },
);

/** Estimates below any of {@link stepBudgetArbitrary}, money in whole micro-dollars. */
export const estimateArbitrary = fc.record(
  {
    costUsd: fc.nat({ max: 500_000 }).map((microUsd) => microUsd / 1_000_000),
    tokens: fc.nat({ max: 4_000 }),
    durationMs: fc.nat({ max: 20_000 }),
  },
  { requiredKeys: [] },
);

/** What a single step may spend: at most {@link mostPerStep}. */
export const stepBudgetArbitrary = fc.record(
  { maxCostUsd: fc.constantFrom(0.5, 1.25), maxTokens: fc.constantFrom(4_000, 10_000) },
  { requiredKeys: [] },
);

/** The largest budget of one step that is generated, and so more than any estimate. */
export const mostPerStep = { costUsd: 1.25, tokens: 10_000 } as const;
