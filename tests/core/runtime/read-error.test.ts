import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { failureOf } from '../../../src/core/runtime/attempt-outcome.js';
import { readError } from '../../../src/core/runtime/read-error.js';
import { AgentError } from '../../../src/core/shared/agent-error.js';
import { ThrottledError } from '../../../src/core/shared/throttled-error.js';

const now = Date.UTC(2026, 10, 28, 12, 0, 0);
const withStatus = (status: unknown, headers?: unknown): Error =>
  Object.assign(new Error('It did not work.'), { status, headers });

describe('an error by its HTTP status', () => {
  it.each([400, 401, 403, 404, 405, 410, 413, 422])('%i would come again', (status) => {
    expect(readError(withStatus(status), now)).toEqual({ class: 'fatal', status });
  });

  it.each([408, 409, 425, 500, 502, 503, 504, 529, 599])('%i may not come again', (status) => {
    expect(readError(withStatus(status), now)).toEqual({ class: 'retryable', status });
  });

  it.each([200, 302, 418, 451, 99, 600, 4.5, '400', NaN, null, {}])('%s says nothing', (status) => {
    expect(readError(withStatus(status), now)).toBeUndefined();
  });

  it('429 asks for a pause, and so do 503 and 529 that say for how long', () => {
    expect(readError(withStatus(429), now)).toEqual({ class: 'throttled', status: 429 });
    for (const status of [429, 503, 529])
      expect(readError(withStatus(status, { 'retry-after': '7' }), now)).toEqual({
        class: 'throttled',
        status,
        retryAfterMs: 7_000,
      });
    expect(readError(withStatus(500, { 'retry-after': '7' }), now)).toEqual({ class: 'retryable', status: 500 });
  });
});

describe('Retry-After (RFC 9110, 10.2.3)', () => {
  const pauseOf = (headers: unknown): number | undefined => readError(withStatus(429, headers), now)?.retryAfterMs;

  it.each<[string, unknown, number | undefined]>([
    ['seconds', { 'Retry-After': '120' }, 120_000],
    ['seconds as a number', { 'retry-after': 3 }, 3_000],
    ['none at all', { 'retry-after': '0' }, 1],
    ['the fixed form of a date', { 'retry-after': 'Sat, 28 Nov 2026 12:00:30 GMT' }, 30_000],
    ['the form of RFC 850', { 'retry-after': 'Saturday, 28-Nov-26 12:01:00 GMT' }, 60_000],
    ['the form of asctime', { 'retry-after': 'Sat Nov 28 12:00:10 2026' }, 10_000],
    ['a date that is over', { 'retry-after': 'Sat, 28 Nov 2020 12:00:00 GMT' }, 1],
    ['a year', { 'retry-after': '31536000' }, 86_400_000],
    ['milliseconds, which are more exact', { 'retry-after-ms': '1500', 'retry-after': '2' }, 1_500],
    ['milliseconds that are none', { 'retry-after-ms': 'soon', 'retry-after': '2' }, 2_000],
    ['of a Headers', new Headers({ 'Retry-After': '4' }), 4_000],
    ['of a Map', new Map([['retry-after', '5']]), 5_000],
    ['of a Map as a server wrote it', new Map([['Retry-After', '6']]), 6_000],
    ['of a list of values', { 'retry-after': ['8', '9'] }, 8_000],
    ['a word', { 'retry-after': 'later' }, undefined],
    ['less than nothing', { 'retry-after': '-5' }, undefined],
    ['a blank', { 'retry-after': ' ' }, undefined],
    ['no headers', undefined, undefined],
  ])('%s', (_, headers, pauseMs) => expect(pauseOf(headers)).toBe(pauseMs));
});

describe('an error as clients and SDKs throw them', () => {
  it.each<[string, unknown, object | undefined]>([
    [
      'statusCode, responseHeaders',
      { statusCode: 429, responseHeaders: { 'retry-after': '1' } },
      { class: 'throttled', retryAfterMs: 1_000 },
    ],
    ['response', { response: { status: 429, headers: { 'retry-after': '1' } } }, { class: 'throttled', retryAfterMs: 1_000 }],
    ['$metadata', { name: 'ThrottlingException', $metadata: { httpStatusCode: 429 } }, { class: 'throttled' }],
    [
      'fetch',
      new TypeError('fetch failed', { cause: Object.assign(new Error('x'), { code: 'ECONNRESET' }) }),
      { class: 'retryable' },
    ],
    ['a cause of a cause', new Error('a', { cause: new Error('b', { cause: withStatus(401) }) }), { class: 'fatal' }],
    ['lastError', { lastError: withStatus(404) }, { class: 'fatal' }],
    ['an error of another copy', { code: 'THROTTLED', retryAfterMs: 20 }, { class: 'throttled', retryAfterMs: 20 }],
    ['a text', 'no', undefined],
    ['nothing', undefined, undefined],
    [
      'an error that is its own cause',
      (() => {
        const error: { cause?: unknown } = {};
        error.cause = error;
        return error;
      })(),
      undefined,
    ],
  ])('%s', (_, thrown, expected) => {
    if (expected) expect(readError(thrown, now)).toMatchObject(expected);
    else expect(readError(thrown, now)).toBeUndefined();
  });
});

describe("an agent's own word", () => {
  it('stands above what the cause of its error says', () => {
    const cause = withStatus(401);
    expect(failureOf(new AgentError('No.', { cause }), { now })).toMatchObject({ kind: 'failed', retryable: true });
    expect(failureOf(new AgentError('No.', { retryable: false }), { now })).toMatchObject({
      kind: 'failed',
      retryable: false,
      error: { class: 'fatal' },
    });
    expect(failureOf(new AgentError('No.', { class: 'fatal' }), { now })).toMatchObject({ kind: 'failed', retryable: false });
    expect(failureOf(new AgentError('No.', { class: 'in-doubt' }), { now })).toMatchObject({
      kind: 'failed',
      retryable: true,
      inDoubt: true,
    });
    expect(
      failureOf(new AgentError('No.', { class: 'throttled', retryAfterMs: 50, usage: { costUsd: 1 } }), { now }),
    ).toMatchObject({
      kind: 'throttled',
      retryAt: now + 50,
      spend: { costMicroUsd: 1_000_000 },
    });
    expect(failureOf(new ThrottledError({ retryAfterMs: 5 }), { now })).toMatchObject({ kind: 'throttled', retryAt: now + 5 });
  });

  it('is asked for by classify, which may leave it to planwright, and cannot do harm', () => {
    const kindOf = (classify: (error: unknown) => never) => failureOf(withStatus(400), { agent: { classify }, now });
    expect(kindOf((() => 'throttled') as never)).toMatchObject({
      kind: 'throttled',
      error: { code: 'THROTTLED', class: 'throttled' },
    });
    expect(kindOf((() => undefined) as never)).toMatchObject({ kind: 'failed', retryable: false });
    expect(kindOf((() => 'whatever') as never)).toMatchObject({ kind: 'failed', retryable: false });
    expect(
      kindOf(() => {
        throw new Error('I do not know.');
      }),
    ).toMatchObject({ kind: 'failed', retryable: false });
  });
});

const secret = 'sk-very-secret';
const member = fc.constantFrom(
  'status',
  'statusCode',
  'headers',
  'responseHeaders',
  'response',
  'cause',
  'lastError',
  'code',
  '$metadata',
  'message',
  'get',
);
const handsOff = (): never => {
  throw new Error('Hands off.');
};
/** Values that throw when they are looked at; a new one each, because a test runner would look at it. */
const traps: readonly (() => unknown)[] = [
  () => new Proxy({}, { get: handsOff, ownKeys: handsOff, has: handsOff, getPrototypeOf: handsOff }),
  () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    return proxy;
  },
  () => Object.defineProperty({}, 'status', { get: handsOff }),
  () => ({ status: 429, headers: { get: handsOff } }),
  () => ({ status: 429, headers: { get: 'it' } }),
  () => Object.assign(new Error('x'), { headers: { authorization: secret, 'x-api-key': secret }, status: 503 }),
];
const anyThrown = fc.letrec((tie) => ({
  thrown: fc.oneof({ maxDepth: 4 }, fc.anything(), tie('made')),
  made: fc.dictionary(member, tie('thrown'), { maxKeys: 5 }),
})).thrown;

function expectRead(thrown: unknown): void {
  const outcome = failureOf(thrown, { now });
  if (outcome.kind === 'succeeded') throw new Error('It has failed.');
  expect(Object.keys(outcome.error).filter((key) => !['code', 'message', 'class', 'status'].includes(key))).toEqual([]);
  expect(JSON.stringify(outcome)).not.toContain(secret);
  if (outcome.kind !== 'throttled' || outcome.retryAt === undefined) return;
  expect(outcome.retryAt).toBeGreaterThan(now);
  expect(outcome.retryAt).toBeLessThanOrEqual(now + 86_400_000);
}

it('whatever is thrown is read without a fault, and nothing of it is kept but its message, its class and its status', () => {
  fc.assert(
    fc.property(anyThrown, fc.constantFrom(...traps.keys()), fc.array(member, { maxLength: 3 }), (thrown, which, path) => {
      expectRead(thrown);
      expectRead(path.reduce<unknown>((inner, name) => ({ status: 429, [name]: inner }), traps[which]!()));
    }),
    { numRuns: 1_000 },
  );
});
