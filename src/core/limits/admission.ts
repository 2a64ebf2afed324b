import { createResourceUse, type Claim, type ResourceUse } from './resource-use.js';

/** Something that waits for its turn. */
export interface Waiting {
  /** Whose it is: turns are shared out among these evenly, whatever each of them has waiting. */
  readonly owner: string;
  readonly claims: readonly Claim[];
  /** Equal for all of one owner that have equal claims. */
  readonly kind: string;
  /** Of one owner, more goes first. */
  readonly priority: number;
  /** Of equal priority, more goes first: what has most still behind it. */
  readonly urgency: number;
  /** Since when, in milliseconds. */
  readonly since: number;
}

/** Why something was not let in: a resource has as many waiting as it may, or it has waited as long as it may. */
export interface Refusal {
  readonly code: 'RESOURCE_QUEUE_FULL' | 'RESOURCE_WAIT_EXCEEDED';
  readonly resource: string;
  readonly limit: number;
}

/** What something waits for, and how many wait for that before it. */
export interface WaitReason {
  readonly resource: string;
  readonly place: number;
  readonly since: number;
}

/**
 * Who may work, by the limits of what they share. Pure: it is told the time. Takes all that something claims at once, or nothing; passes over what does not
 * fit for what does, but keeps what is lacking free in the end for what takes much of one resource.
 */
export interface Admission<Item extends Waiting> {
  /** Lets something wait. */
  add(item: Item): void;
  /** It is no longer wanted. */
  remove(item: Item): void;
  /** The next that may work; it has what it claims from now on. */
  next(now: number): Item | undefined;
  /** What has waited longer than it may, or behind more than it may, which waits no longer. To be asked when nothing more may work. */
  refused(now: number): readonly { readonly item: Item; readonly refusal: Refusal }[];
  /** It has ended, or never began. */
  release(item: Item): void;
  /** When to look again though nobody lets go: a window opens, or a wait becomes too long. */
  wakeAt(now: number): number | undefined;
  holdUntil(resource: string, at: number): void;
  reasonOf(item: Item, now: number): WaitReason | undefined;
  readonly waiting: number;
}

/** What one owner has waiting with equal claims. */
interface Group<Item> {
  readonly claims: readonly Claim[];
  /** In the order in which they go. */
  readonly items: Item[];
  /** In the order in which they came; those that are gone are passed over. */
  readonly arrivals: Item[];
  /** How often others went first that came after. */
  passedOver: number;
}

/** How often a group may be passed over by others before what it lacks is kept free for it. */
const mostPassedOver = 256;

export function createAdmission<Item extends Waiting>(): Admission<Item> {
  const uses = new Map<string, ResourceUse>();
  /** What each owner has waiting, by kind. In the order of their turns: who has had one goes to the end, and so does who comes anew. */
  const owners = new Map<string, Map<string, Group<Item>>>();
  const queued = new Map<string, number>();
  const present = new Set<Item>();

  const useOf = (resource: string): ResourceUse => {
    let use = uses.get(resource);
    if (!use) uses.set(resource, (use = createResourceUse()));
    return use;
  };
  const opensAt = (claims: readonly Claim[], now: number): number =>
    claims.reduce((at, claim) => Math.max(at, useOf(claim.resource).freeAt(claim, now) ?? Infinity), now);
  const count = ({ claims }: Item, change: 1 | -1): void => {
    for (const { resource } of claims) {
      const now = (queued.get(resource) ?? 0) + change;
      if (now > 0) queued.set(resource, now);
      else queued.delete(resource);
    }
  };
  const groupsOf = function* (): Generator<Group<Item>> {
    for (const groups of owners.values()) yield* groups.values();
  };
  const drop = (item: Item): boolean => {
    if (!present.delete(item)) return false;
    const groups = owners.get(item.owner)!;
    const { items } = groups.get(item.kind)!;
    items.splice(items.indexOf(item), 1);
    if (items.length === 0) groups.delete(item.kind);
    if (groups.size === 0) owners.delete(item.owner);
    count(item, -1);
    return true;
  };
  const serve = (group: Group<Item>, now: number): Item => {
    const item = group.items[0]!;
    group.passedOver = 0;
    drop(item);
    const others = owners.get(item.owner);
    if (others && owners.delete(item.owner)) owners.set(item.owner, others);
    for (const claim of item.claims) useOf(claim.resource).take(claim, now);
    return item;
  };
  /** Who waits for a resource and would go last, of those that may wait behind so many at most. */
  const lastOf = (resource: string, maxQueued: number): Item => {
    let last: Item | undefined;
    for (const { claims, items } of groupsOf()) {
      const isHeldToIt = claims.some((claim) => claim.resource === resource && claim.limit.maxQueued === maxQueued);
      const item = items.at(-1)!;
      if (isHeldToIt && (!last || goesBefore(last, item) || (!goesBefore(item, last) && item.since >= last.since))) last = item;
    }
    return last!;
  };
  /** What is kept free for groups that were passed over too often: only what they lack, so that nobody else waits for what is not theirs. */
  const keptFree = (now: number): ReadonlySet<string> => {
    const kept = new Set<string>();
    for (const { passedOver, claims } of groupsOf()) {
      if (passedOver < mostPassedOver) continue;
      for (const claim of claims) if (useOf(claim.resource).freeAt(claim, now) === undefined) kept.add(claim.resource);
    }
    return kept;
  };

  return {
    add(item) {
      let groups = owners.get(item.owner);
      if (!groups) owners.set(item.owner, (groups = new Map<string, Group<Item>>()));
      let group = groups.get(item.kind);
      if (!group) groups.set(item.kind, (group = { claims: item.claims, items: [], arrivals: [], passedOver: 0 }));
      group.items.splice(placeFor(group.items, item), 0, item);
      if (hasWaitLimit(group)) group.arrivals.push(item);
      present.add(item);
      count(item, 1);
    },
    remove: (item) => void drop(item),
    next(now) {
      if (present.size === 0) return undefined;
      const kept = keptFree(now);
      const blocked: Group<Item>[] = [];
      for (const groups of owners.values()) {
        let best: Group<Item> | undefined;
        for (const group of groups.values()) {
          const { claims, passedOver } = group;
          const isKept = passedOver < mostPassedOver && claims.some(({ resource }) => kept.has(resource));
          if (isKept || opensAt(claims, now) > now) blocked.push(group);
          else if (!best || goesBefore(group.items[0]!, best.items[0]!)) best = group;
        }
        if (!best) continue;
        const since = best.items[0]!.since;
        for (const other of blocked) if (other.items[0]!.since < since) other.passedOver += 1;
        return serve(best, now);
      }
      return undefined;
    },
    refused(now) {
      const found: { readonly item: Item; readonly refusal: Refusal }[] = [];
      for (const group of [...groupsOf()]) {
        if (!hasWaitLimit(group)) continue;
        for (let first = group.arrivals[0]; first; first = group.arrivals[0]) {
          const { since } = first;
          const late = group.claims.find(({ limit }) => now - since >= (limit.maxWaitMs ?? Infinity));
          if (!late && present.has(first)) break;
          group.arrivals.shift();
          if (!late || !drop(first)) continue;
          const refusal = { code: 'RESOURCE_WAIT_EXCEEDED', resource: late.resource, limit: late.limit.maxWaitMs ?? 0 } as const;
          found.push({ item: first, refusal });
        }
      }
      for (const group of [...groupsOf()])
        for (const { resource, limit } of group.claims) {
          const { maxQueued = Infinity } = limit;
          while ((queued.get(resource) ?? 0) > maxQueued && group.items.length > 0) {
            const item = lastOf(resource, maxQueued);
            drop(item);
            found.push({ item, refusal: { code: 'RESOURCE_QUEUE_FULL', resource, limit: maxQueued } });
          }
        }
      return found;
    },
    release({ claims }) {
      for (const claim of claims) {
        const use = useOf(claim.resource);
        use.release(claim);
        if (use.isForgettable) uses.delete(claim.resource);
      }
    },
    wakeAt(now) {
      let earliest = Infinity;
      for (const { claims, arrivals } of groupsOf()) {
        const opens = opensAt(claims, now);
        if (opens > now) earliest = Math.min(earliest, opens);
        const first = arrivals[0];
        if (first) for (const { limit } of claims) earliest = Math.min(earliest, first.since + (limit.maxWaitMs ?? Infinity));
      }
      return earliest === Infinity ? undefined : earliest;
    },
    holdUntil: (resource, at) => useOf(resource).holdUntil(at),
    reasonOf(item, now) {
      const group = present.has(item) ? owners.get(item.owner)?.get(item.kind) : undefined;
      if (!group) return undefined;
      const claim = item.claims.find((one) => (useOf(one.resource).freeAt(one, now) ?? Infinity) > now) ?? item.claims[0];
      return claim && { resource: claim.resource, place: group.items.indexOf(item) + 1, since: item.since };
    },
    get waiting() {
      return present.size;
    },
  };
}

const hasWaitLimit = ({ claims }: { readonly claims: readonly Claim[] }): boolean =>
  claims.some(({ limit }) => limit.maxWaitMs !== undefined);

const goesBefore = (one: Waiting, other: Waiting): boolean =>
  one.priority !== other.priority ? one.priority > other.priority : one.urgency > other.urgency;

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
