import type { Funds } from './funds.js';
import type { Claim } from './resource-use.js';
import type { Holder } from './holder.js';

/** Something that waits for its turn. */
export interface Waiting {
  /** Who pays: turns are shared out among these evenly. The empty text stands for all that nobody in particular pays for. */
  readonly tenant: string;
  /** Whose it is: turns of a tenant are shared out among these evenly, whatever each of them has waiting. */
  readonly owner: string;
  readonly claims: readonly Claim[];
  /** What it has to be given out of budgets; absent for what none of them pays for. */
  readonly funds?: Funds;
  /** The attempt that it is, or is part of; absent for one that holds nothing that is waited for by name. */
  readonly by?: Holder;
  /** It is part of something that works already. */
  readonly isCall?: true;
  /** Equal for all of one owner that have equal claims, and that all have funds, or none. */
  readonly kind: string;
  /** Of one owner, more goes first. */
  readonly priority: number;
  /** Of equal priority, more goes first: what has most still behind it. */
  readonly urgency: number;
  /** Since when, in milliseconds. */
  readonly since: number;
}

/** What one owner has waiting with equal claims. */
export interface Group<Item> {
  readonly claims: readonly Claim[];
  /** In the order in which they go. */
  readonly items: Item[];
  /** In the order in which they came, where a wait has a limit; those that are gone are passed over. */
  readonly arrivals: Item[];
  readonly isFunded: boolean;
  /** How often others went first that came after. */
  passedOver: number;
}

/** Groups by kind, those by owner, those by tenant; tenants and owners in the order of their turns. */
type Turns<Item> = ReadonlyMap<string, ReadonlyMap<string, ReadonlyMap<string, Group<Item>>>>;

/** All that waits, in the order in which it is looked at. */
export interface WaitingLine<Item extends Waiting> {
  add(item: Item): void;
  /** Takes it out; gives whether it was there. */
  drop(item: Item): boolean;
  has(item: Item): boolean;
  groupOf(item: Item): Group<Item> | undefined;
  groups(): Generator<Group<Item>>;
  /** Whose turn it was goes to the end: the tenant behind all others, and the owner behind all others of the tenant. */
  endTurn(item: Item): void;
  /** Who comes anew stands at the end. */
  readonly turns: Turns<Item>;
  readonly size: number;
  /** Groups in which a place in the line, or the time in it, has a limit. */
  readonly limited: number;
  /** Groups that the passing of time may let in, or refuse. */
  readonly timed: number;
  /** Groups that a budget has to pay for. */
  readonly funded: number;
}

export const hasWaitLimit = ({ claims }: { readonly claims: readonly Claim[] }): boolean =>
  claims.some(({ limit }) => limit.maxWaitMs !== undefined);
const hasQueueLimit = ({ claims }: { readonly claims: readonly Claim[] }): boolean =>
  claims.some(({ limit }) => limit.maxQueued !== undefined);
const hasRate = ({ claims }: { readonly claims: readonly Claim[] }): boolean =>
  claims.some(({ limit }) => limit.limit !== undefined);

export const goesBefore = (one: Waiting, other: Waiting): boolean =>
  one.priority !== other.priority ? one.priority > other.priority : one.urgency > other.urgency;

export function createWaitingLine<Item extends Waiting>(): WaitingLine<Item> {
  const turns = new Map<string, Map<string, Map<string, Group<Item>>>>();
  const present = new Set<Item>();
  let limited = 0;
  let timed = 0;
  let funded = 0;
  const tally = (group: Group<Item>, change: 1 | -1): void => {
    const waitsInTime = hasWaitLimit(group);
    if (waitsInTime || hasQueueLimit(group)) limited += change;
    if (waitsInTime || hasRate(group)) timed += change;
    if (group.isFunded) funded += change;
  };

  return {
    add(item) {
      const owners = madeIn(turns, item.tenant, () => new Map<string, Map<string, Group<Item>>>());
      const groups = madeIn(owners, item.owner, () => new Map<string, Group<Item>>());
      const group = madeIn(groups, item.kind, () => {
        const made: Group<Item> = {
          claims: item.claims,
          items: [],
          arrivals: [],
          isFunded: item.funds !== undefined,
          passedOver: 0,
        };
        tally(made, 1);
        return made;
      });
      group.items.splice(placeFor(group.items, item), 0, item);
      if (hasWaitLimit(group)) group.arrivals.push(item);
      present.add(item);
    },
    drop(item) {
      if (!present.delete(item)) return false;
      const owners = turns.get(item.tenant)!;
      const groups = owners.get(item.owner)!;
      const group = groups.get(item.kind)!;
      group.items.splice(group.items.indexOf(item), 1);
      if (group.items.length > 0) return true;
      groups.delete(item.kind);
      tally(group, -1);
      if (groups.size === 0) owners.delete(item.owner);
      if (owners.size === 0) turns.delete(item.tenant);
      return true;
    },
    has: (item) => present.has(item),
    groupOf: (item) => (present.has(item) ? turns.get(item.tenant)?.get(item.owner)?.get(item.kind) : undefined),
    *groups() {
      for (const owners of turns.values()) for (const groups of owners.values()) yield* groups.values();
    },
    endTurn({ tenant, owner }) {
      const owners = turns.get(tenant);
      if (!owners) return;
      toEnd(owners, owner);
      toEnd(turns, tenant);
    },
    turns,
    get size() {
      return present.size;
    },
    get limited() {
      return limited;
    },
    get timed() {
      return timed;
    },
    get funded() {
      return funded;
    },
  };
}

function madeIn<T>(map: Map<string, T>, key: string, make: () => T): T {
  let found = map.get(key);
  if (found === undefined) map.set(key, (found = make()));
  return found;
}

function toEnd<T>(map: Map<string, T>, key: string): void {
  const value = map.get(key);
  if (value !== undefined && map.delete(key)) map.set(key, value);
}

/** Behind all that go before it, and those that are like it and came first. */
function placeFor<Item extends Waiting>(items: readonly Item[], item: Item): number {
  let [low, high] = [0, items.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (goesBefore(item, items[middle]!)) high = middle;
    else low = middle + 1;
  }
  return low;
}
