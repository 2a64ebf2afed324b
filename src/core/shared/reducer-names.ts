/** The reducers that planwright brings along. */
export const builtInReducers = ['collect', 'first', 'majority', 'merge', 'positions', 'ranked', 'sum'] as const;

export type BuiltInReducer = (typeof builtInReducers)[number];

const customPrefix = 'custom:';

/** The name under which a reducer of one's own was given, or `undefined` for any other name. */
export const customReducerName = (reducer: string): string | undefined =>
  reducer.startsWith(customPrefix) && reducer.length > customPrefix.length ? reducer.slice(customPrefix.length) : undefined;

const isBuiltIn = (reducer: string): reducer is BuiltInReducer => (builtInReducers as readonly string[]).includes(reducer);

/**
 * Whether there is a reducer of that name. `custom`: names of those of one's own that are at hand; left out, where nobody can know, any is taken to
 * be.
 */
export function isKnownReducer(reducer: string, custom?: readonly string[]): boolean {
  const own = customReducerName(reducer);
  return own === undefined ? isBuiltIn(reducer) : (custom?.includes(own) ?? true);
}

/** Every name that a plan can give where these reducers of one's own are at hand. */
export const reducerNames = (custom: readonly string[] = []): readonly string[] => [
  ...builtInReducers,
  ...custom.map((name) => `${customPrefix}${name}`),
];
