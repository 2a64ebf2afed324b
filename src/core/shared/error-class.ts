/**
 * What kind of failure an error is. `retryable`: another attempt may succeed. `fatal`: it would only come to the same. `throttled`: a provider asks
 * for a pause; that is no failure, and the same attempt is made again. `in-doubt`: what was to be done may have happened all the same.
 */
export type ErrorClass = 'retryable' | 'fatal' | 'throttled' | 'in-doubt';

const classes: readonly unknown[] = ['retryable', 'fatal', 'throttled', 'in-doubt'] satisfies readonly ErrorClass[];
export const isErrorClass = (value: unknown): value is ErrorClass => classes.includes(value);
