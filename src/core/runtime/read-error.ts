import { isErrorClass, type ErrorClass } from '../shared/error-class.js';
import { isPlanwrightError } from '../shared/error.js';
import { pauseOf, withinADay } from '../shared/throttled-error.js';

/** What could be read of an error. It holds nothing else of it: headers and bodies have secrets in them. */
export interface ReadError {
  readonly class: ErrorClass;
  /** How long its provider asks to be left alone, in milliseconds. */
  readonly retryAfterMs?: number;
  /** The HTTP status that it came with. */
  readonly status?: number;
}

/** Asking the same again would get the same (RFC 9110 §15.5). */
const fatalStatuses: ReadonlySet<number> = new Set([400, 401, 403, 404, 405, 410, 413, 422]);
const retryableStatuses: ReadonlySet<number> = new Set([408, 409, 425]);
/** Overloaded, where it says for how long: 529 is how some providers of models say 503. */
const overloadedStatuses: ReadonlySet<number> = new Set([503, 529]);

/** How Node and its `fetch` say that a connection was not made, or not kept. */
const networkCodes: ReadonlySet<unknown> = new Set([
  ...['ECONNRESET', 'ECONNREFUSED', 'ECONNABORTED', 'ETIMEDOUT', 'EPIPE', 'EAI_AGAIN', 'ENOTFOUND'],
  ...['EHOSTUNREACH', 'ENETUNREACH', 'ENETDOWN', 'EPROTO', 'ERR_SOCKET_CONNECTION_TIMEOUT'],
  ...['UND_ERR_SOCKET', 'UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT'],
]);

/** Codes of planwright's own errors that another attempt would only come to again. */
const refusals: ReadonlySet<string> = new Set(['TOOL_NOT_ALLOWED', 'TOOL_DENIED']);

/** How deep an error is looked for in another. */
const mostCauses = 4;

/**
 * Reads whatever was thrown: errors of planwright, and by their shape those of HTTP clients and of the SDKs of model providers (`status` or
 * `statusCode`, `headers` with `retry-after` or `retry-after-ms`, also in `response` and in causes). `undefined` where it says nothing that is
 * known. Never throws, whatever its getters do. `now`, in milliseconds since the epoch, is what a date in `retry-after` is counted from.
 */
export function readError(thrown: unknown, now: number): ReadError | undefined {
  try {
    const pauseMs = pauseOf(thrown);
    if (pauseMs !== undefined) return { class: 'throttled', retryAfterMs: pauseMs };
    return isPlanwrightError(thrown) ? readOwn(thrown) : readForeign(thrown, now);
  } catch {
    return undefined;
  }
}

/** What an error of planwright's says of itself: an agent's own word stands. */
function readOwn(error: object & { readonly code: string }): ReadError | undefined {
  if (error.code !== 'AGENT_FAILED') return refusals.has(error.code) ? { class: 'fatal' } : undefined;
  const said = memberOf(error, 'class');
  const pauseMs = memberOf(error, 'retryAfterMs');
  if (isErrorClass(said))
    return { class: said, ...(said === 'throttled' && isDuration(pauseMs) && { retryAfterMs: withinADay(pauseMs) }) };
  return memberOf(error, 'retryable') === false ? { class: 'fatal' } : undefined;
}

function readForeign(thrown: unknown, now: number): ReadError | undefined {
  let error = thrown;
  for (let depth = 0; depth < mostCauses && typeof error === 'object' && error !== null; depth += 1) {
    const read = readStatus(error, now) ?? (networkCodes.has(memberOf(error, 'code')) ? retryable : undefined);
    if (read) return read;
    error = memberOf(error, 'cause') ?? memberOf(error, 'lastError');
  }
  return undefined;
}

const retryable: ReadError = { class: 'retryable' };

function readStatus(error: object, now: number): ReadError | undefined {
  const response = memberOf(error, 'response');
  const candidates = [
    ...[memberOf(error, 'status'), memberOf(error, 'statusCode'), memberOf(response, 'status'), memberOf(response, 'statusCode')],
    memberOf(memberOf(error, '$metadata'), 'httpStatusCode'),
  ];
  const status = candidates.find(isStatus);
  if (status === undefined) return undefined;
  const headers = [memberOf(error, 'headers'), memberOf(error, 'responseHeaders'), memberOf(response, 'headers')];
  const pauses = headers.map((given) => retryAfterOf(given, now));
  const retryAfterMs = pauses.find((pauseMs) => pauseMs !== undefined);
  const pause = retryAfterMs === undefined ? {} : { retryAfterMs };
  if (status === 429 || (overloadedStatuses.has(status) && retryAfterMs !== undefined))
    return { class: 'throttled', status, ...pause };
  if (fatalStatuses.has(status)) return { class: 'fatal', status };
  return status >= 500 || retryableStatuses.has(status) ? { class: 'retryable', status } : undefined;
}

const isStatus = (value: unknown): value is number =>
  Number.isInteger(value) && (value as number) >= 100 && (value as number) < 600;
const isDuration = (value: unknown): value is number => typeof value === 'number' && value >= 0;

/** What `Retry-After` asks for (RFC 9110 §10.2.3: seconds, or a date), or `retry-after-ms`, which is more exact. */
function retryAfterOf(headers: unknown, now: number): number | undefined {
  const exact = Number(headerOf(headers, 'retry-after-ms') ?? NaN);
  if (isDuration(exact)) return withinADay(exact);
  const text = headerOf(headers, 'retry-after');
  if (text === undefined) return undefined;
  if (/^\d+(\.\d+)?$/.test(text)) return withinADay(1_000 * Number(text));
  if (!/^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)/.test(text)) return undefined;
  // All three forms of an HTTP date mean GMT; one of them does not say so.
  const date = Date.parse(text.endsWith('GMT') ? text : `${text} GMT`);
  return Number.isNaN(date) ? undefined : withinADay(date - now);
}

/** A header by its name in lower case, of a `Headers`, a `Map` or a plain object; `undefined` where there is none that is not blank. */
function headerOf(headers: unknown, name: string): string | undefined {
  if (typeof headers !== 'object' || headers === null) return undefined;
  const found = typeof memberOf(headers, 'get') === 'function' ? fromGetter(headers, name) : fromMembers(headers, name);
  const value: unknown = Array.isArray(found) ? found[0] : found;
  if (typeof value !== 'string' && typeof value !== 'number') return undefined;
  return String(value).trim() || undefined;
}

/** Header names have no case, but the keys of a `Map` do. */
const fromGetter = (headers: object, name: string): unknown => {
  const { get } = headers as { get(name: string): unknown };
  const inTitleCase = name.replace(/(^|-)[a-z]/g, (start) => start.toUpperCase());
  return get.call(headers, name) ?? get.call(headers, inTitleCase);
};

const fromMembers = (headers: object, name: string): unknown => {
  const key = Object.keys(headers).find((given) => given.toLowerCase() === name);
  return key === undefined ? undefined : memberOf(headers, key);
};

/** A member, or `undefined` for what has none, and for what throws. */
function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  try {
    return (value as Readonly<Record<string, unknown>>)[name];
  } catch {
    return undefined;
  }
}
