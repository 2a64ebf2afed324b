import type { GroupedRequest } from '../../core/storing/group-commit.js';
import type { Query } from './client.js';
import type { Database } from './database.js';
import { deadlineAt, monotonicNow } from './deadline.js';
import { type Answer, type Ask, decide, type Outcome } from './decide.js';
import { encodeAsk, sizeOf } from './encode-commit.js';
import { failureOf, isFaultOfValue } from './failures.js';
import type { Work } from './transaction.js';
import { createRuns, isChanged, lockRuns, type Mark, writeLedger } from './write-group.js';

/** A request, and when it was made. */
export interface TimedAsk {
  readonly ask: Ask<string>;
  readonly at: number;
}

interface Encoded {
  readonly request: GroupedRequest<TimedAsk, Answer>;
  readonly ask: Ask<Buffer>;
}

/** Bytes in one transaction, as long as it has more than one request. They are all in memory, and cross the network at once. */
const maxBytes = 8_000_000;

/** What a request gets that has waited behind others for all its time. */
const leastMs = 1_000;

/** Carries out requests in one transaction, or in a few where they are large, and answers each of them. */
export async function performGroup(
  database: Database,
  { group, lockTimeoutMs }: { readonly group: readonly GroupedRequest<TimedAsk, Answer>[]; readonly lockTimeoutMs: number },
): Promise<void> {
  for (const part of partsOf(await encodeAll(group))) await performPart(database, part, lockTimeoutMs);
}

async function encodeAll(group: readonly GroupedRequest<TimedAsk, Answer>[]): Promise<Encoded[]> {
  const encoded: Encoded[] = [];
  for (const request of group) {
    const { ask } = request.ask;
    try {
      encoded.push({ request, ask: ask.kind === 'commit' ? await encodeAsk(ask) : ask });
    } catch (error) {
      request.reject(error);
    }
  }
  return encoded;
}

function* partsOf(all: readonly Encoded[]): Generator<readonly Encoded[]> {
  let part: Encoded[] = [];
  let bytes = 0;
  for (const encoded of all) {
    const size = encoded.ask.kind === 'commit' ? sizeOf(encoded.ask) : 0;
    if (part.length > 0 && bytes + size > maxBytes) {
      yield part;
      part = [];
      bytes = 0;
    }
    part.push(encoded);
    bytes += size;
  }
  if (part.length > 0) yield part;
}

async function performPart(database: Database, part: readonly Encoded[], lockTimeoutMs: number): Promise<void> {
  const oldest = Math.min(...part.map(({ request }) => request.ask.at));
  const deadline = deadlineAt(Math.max(oldest + lockTimeoutMs, monotonicNow() + Math.min(leastMs, lockTimeoutMs)));
  const asks = part.map(({ ask }) => ask);
  try {
    const outcomes = await database.write(deadline, (query, mark) => work(query, database, { asks, mark }));
    for (const [index, { request }] of part.entries()) {
      const outcome = outcomes[index]!;
      if ('error' in outcome) request.reject(outcome.error);
      else request.resolve(outcome.answer);
    }
  } catch (error) {
    // Which of them it was, PostgreSQL does not say.
    if (part.length > 1 && isFaultOfValue(error)) for (const one of part) await performPart(database, [one], lockTimeoutMs);
    else for (const { request, ask } of part) request.reject(failureOf(ask.kind, error));
  }
}

/** `undefined` where another process created one of the runs meanwhile. */
async function work(
  query: Query,
  { tables }: Database,
  { asks, mark }: { readonly asks: readonly Ask<Buffer>[]; readonly mark: Mark },
): Promise<Work<readonly Outcome[]> | undefined> {
  const ledger = await lockRuns(query, tables, asks);
  const value = asks.map((ask) => decide(ledger, ask));
  if (!isChanged(ledger)) return { value, end: 'roll back' };
  if (!(await createRuns(query, tables, ledger))) return undefined;
  await writeLedger(query, tables, { ledger, mark });
  return { value, end: 'commit' };
}
