/** A ticket, as far as the choice of a topology looks at it. */
interface Link {
  readonly key: string;
  readonly dependsOn?: readonly string[];
}

/** A topology with the options that it needs. */
export type DefaultTopology =
  { readonly kind: 'single' | 'graph' } | { readonly kind: 'pipeline'; readonly stages?: readonly string[] };

/**
 * The topology of a proposal that names none: `single` for one ticket, `pipeline` for a chain (in chain order, however the
 * tickets are listed), `graph` for anything else.
 */
export function defaultTopology(tickets: readonly Link[]): DefaultTopology {
  if (tickets.length === 1) return { kind: 'single' };
  const chain = chainOrder(tickets);
  if (chain === undefined) return { kind: 'graph' };
  const listedInOrder = chain.every((key, index) => tickets[index]?.key === key);
  return listedInOrder ? { kind: 'pipeline' } : { kind: 'pipeline', stages: chain };
}

/** Keys from the first link to the last, or `undefined` where the tickets form no single chain of at least two. */
function chainOrder(tickets: readonly Link[]): readonly string[] | undefined {
  const heads: string[] = [];
  const follower = new Map<string, string>();
  for (const { key, dependsOn = [] } of tickets) {
    const before = [...new Set(dependsOn)];
    const [only] = before;
    if (only === undefined) heads.push(key);
    else if (before.length > 1 || follower.has(only)) return undefined;
    else follower.set(only, key);
  }
  if (heads.length !== 1 || tickets.length < 2) return undefined;
  const order: string[] = [];
  // Every ticket follows at most one, and has at most one follower, so the walk from the only head cannot come back.
  for (let key = heads[0]; key !== undefined; key = follower.get(key)) order.push(key);
  return order.length === tickets.length ? order : undefined;
}
