import type { DeadlockLink, Holder } from './holder.js';
import type { Waiting } from './waiting-line.js';

/** Who holds resources to its end, and which of those wait for another resource meanwhile. */
export interface WaitGraph<Item extends Waiting> {
  /** An attempt has begun, with all that it claims. */
  hold(item: Item): void;
  /** An attempt has ended. */
  release(item: Item): void;
  /** A call waits. */
  wait(item: Item): void;
  /** A call waits no longer. */
  stop(item: Item): void;
  /** Whether who makes this call holds what others may wait for. */
  isOfHolder(item: Item): boolean;
  /**
   * Who waits for one another, so that this call would wait for ever; it comes first. What others hold only for a call of theirs counts as
   * free in the end, and so does what those hold to their end who can come to it.
   */
  deadlockOf(item: Item): readonly DeadlockLink[] | undefined;
}

export function createWaitGraph<Item extends Waiting>(): WaitGraph<Item> {
  const holders = new Map<string, Map<Holder, number>>();
  const held = new Map<Holder, number>();
  const calls = new Map<Holder, Set<Item>>();
  const holdersOf = (call: Item): ReadonlyMap<Holder, number> =>
    holders.get(call.claims[0]!.resource) ?? new Map<Holder, number>();
  const callsOf = (holder: Holder): ReadonlySet<Item> => calls.get(holder) ?? new Set<Item>();
  const change = ({ by, claims }: Item, sign: 1 | -1): void => {
    if (!by) return;
    let sum = 0;
    for (const { resource, amount } of claims) {
      const of = madeIn(holders, resource);
      add(of, by, sign * amount);
      if (of.size === 0) holders.delete(resource);
      sum += amount;
    }
    add(held, by, sign * sum);
  };

  /** All calls that wait for somebody for whom this one waits, however far away. */
  const reachedFrom = (call: Item): Set<Item> => {
    const found = new Set([call]);
    for (const one of found) for (const holder of holdersOf(one).keys()) callsOf(holder).forEach((next) => found.add(next));
    return found;
  };
  const stuckHolders = (call: Item, stuck: ReadonlySet<Item>): [Holder, number][] =>
    [...holdersOf(call)].filter(([holder]) => [...callsOf(holder)].some((one) => stuck.has(one)));
  /** Whether a call would wait for ever if these do: nobody else holds so much that its end would be enough. */
  const isStuck = (call: Item, stuck: ReadonlySet<Item>): boolean => {
    const { amount, limit } = call.claims[0]!;
    const heldByStuck = stuckHolders(call, stuck).reduce((sum, [, one]) => sum + one, 0);
    return amount > 0 && heldByStuck > 0 && heldByStuck + amount > (limit.concurrency ?? Infinity);
  };
  const linksFrom = (first: Item, stuck: ReadonlySet<Item>): DeadlockLink[] => {
    const path: { readonly call: Item; readonly holder: Holder; readonly holds: string }[] = [];
    for (let call = first; ;) {
      const [[holder] = [first.by!]] = stuckHolders(call, stuck);
      const holds = call.claims[0]!.resource;
      call = [...callsOf(holder)].find((one) => stuck.has(one))!;
      // Where the way comes back to somebody, what led there is no part of the round.
      const from = path.findIndex((known) => known.holder === holder);
      if (from >= 0)
        return path.slice(from).map((link) => ({ ...link.holder, holds: link.holds, waitsFor: link.call.claims[0]!.resource }));
      path.push({ call, holder, holds });
    }
  };

  return {
    hold: (item) => change(item, 1),
    release: (item) => change(item, -1),
    wait(item) {
      if (!item.by) return;
      const waiting = calls.get(item.by) ?? new Set<Item>();
      calls.set(item.by, waiting.add(item));
    },
    stop(item) {
      const waiting = item.by && calls.get(item.by);
      if (waiting?.delete(item) && waiting.size === 0) calls.delete(item.by!);
    },
    isOfHolder: ({ by }) => by !== undefined && held.has(by),
    deadlockOf(call) {
      if (!call.by || !held.has(call.by)) return undefined;
      const stuck = reachedFrom(call);
      for (let before = -1; before !== stuck.size;) {
        before = stuck.size;
        for (const one of stuck) if (!isStuck(one, stuck)) stuck.delete(one);
      }
      if (!stuck.has(call)) return undefined;
      const links = linksFrom(call, stuck);
      const own = links.findIndex(({ runId, stepId }) => runId === call.by!.runId && stepId === call.by!.stepId);
      return own > 0 ? [...links.slice(own), ...links.slice(0, own)] : links;
    },
  };
}

function madeIn(map: Map<string, Map<Holder, number>>, key: string): Map<Holder, number> {
  let found = map.get(key);
  if (!found) map.set(key, (found = new Map<Holder, number>()));
  return found;
}

function add(map: Map<Holder, number>, holder: Holder, amount: number): void {
  const sum = (map.get(holder) ?? 0) + amount;
  if (sum > 0) map.set(holder, sum);
  else map.delete(holder);
}
