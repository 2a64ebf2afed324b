import { PlanwrightError } from './error.js';

/**
 * What a call of a resource, or an agent, throws when its provider asks for a pause (HTTP 429 or 503 with `Retry-After`, RFC 9110 §10.2.3). Nobody
 * uses the resource until then, and the call, or the attempt, is made again: it is no failure of the step.
 *
 * @example
 * await context.call('search', async (signal) => {
 *   const response = await fetch(url, { signal });
 *   if (response.status === 429) throw new ThrottledError({ retryAfterMs: 1_000 * Number(response.headers.get('retry-after') ?? 1) });
 *   return response.json();
 * });
 */
export class ThrottledError extends PlanwrightError {
  readonly code = 'THROTTLED';
  /** How long the resource is to be left alone, in milliseconds. */
  readonly retryAfterMs: number;
  constructor({ retryAfterMs }: { readonly retryAfterMs: number }) {
    super(`The provider asks to be left alone for ${retryAfterMs} ms.`);
    this.retryAfterMs = retryAfterMs;
  }
}

/** Longer than that nobody is left alone on one word: a day, in milliseconds. */
const longest = 86_400_000;
/** How long somebody is left alone who asks for so many milliseconds. */
export const withinADay = (pauseMs: number): number => Math.min(Math.max(1, pauseMs), longest);

/** For how long a resource is to be left alone by what was thrown; `undefined` where that says nothing of the kind. Also of another copy. */
export function pauseOf(thrown: unknown): number | undefined {
  if (typeof thrown !== 'object' || thrown === null) return undefined;
  const { code, retryAfterMs } = thrown as { readonly code?: unknown; readonly retryAfterMs?: unknown };
  if (code !== 'THROTTLED' || typeof retryAfterMs !== 'number' || !(retryAfterMs >= 0)) return undefined;
  return withinADay(retryAfterMs);
}
