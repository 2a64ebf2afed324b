import type { Json } from '../shared/json.js';

/**
 * The world outside, as simulated agents change it. It outlives every crash, and counts. Calls of a life that is over never settle and
 * change nothing.
 */
export interface EffectLedger {
  /** Does an effect unless one was done under this key, and gives the value that was given with the first. Default: `null`. */
  apply(key: string, value?: Json): Promise<Json>;
  /** Does an effect whatever was done before, as a service does that knows no keys. */
  applyBlindly(key: string, value?: Json): Promise<Json>;
  /** The value of the effect that was done under this key; `undefined` where there was none. For probes. */
  find(key: string): Promise<Json | undefined>;
}

/** One effect that was done. */
export interface AppliedEffect {
  readonly key: string;
  readonly value: Json;
}

/** Effects in the order in which they were done, over all lives. */
export interface EffectRecord {
  readonly applied: readonly AppliedEffect[];
  /** The first effect under a key. */
  find(key: string): AppliedEffect | undefined;
  /** Adds an effect, whatever was done before. */
  add(effect: AppliedEffect): void;
}

export function createEffectRecord(): EffectRecord {
  const applied: AppliedEffect[] = [];
  const first = new Map<string, AppliedEffect>();
  return {
    applied,
    find: (key) => first.get(key),
    add(effect) {
      applied.push(effect);
      if (!first.has(effect.key)) first.set(effect.key, effect);
    },
  };
}

/** Keys under which more than one effect was done. */
export function keysAppliedTwice({ applied }: Pick<EffectRecord, 'applied'>): readonly string[] {
  const seen = new Set<string>();
  const twice = new Set<string>();
  for (const { key } of applied) (seen.has(key) ? twice : seen).add(key);
  return [...twice];
}
