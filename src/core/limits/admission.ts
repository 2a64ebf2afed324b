import type { Shortfall } from './funds.js';
import { lineWaitsOf, type LineWait } from './line-waits.js';
import { createResourceUse, type Claim, type ResourceUse } from './resource-use.js';
import type { DeadlockLink } from './holder.js';
import { createWaitGraph } from './wait-graph.js';
import { createWaitingLine, goesBefore, hasWaitLimit, type Group, type Waiting } from './waiting-line.js';

export type { Waiting } from './waiting-line.js';

/** Why something was not let in: a resource has as many waiting as it may, it has waited as long as it may, or a budget has nothing left for it. */
export type Refusal =
  | ResourceRefusal
  | { readonly code: 'RESOURCE_DEADLOCK'; readonly cycle: readonly DeadlockLink[] }
  | { readonly code: 'BUDGET_USED_UP'; readonly shortfall: Shortfall };

export interface ResourceRefusal {
  readonly code: 'RESOURCE_QUEUE_FULL' | 'RESOURCE_WAIT_EXCEEDED';
  readonly resource: string;
  readonly limit: number;
  /** How many waited for the resource, itself among them. */
  readonly waiting: number;
  /** Since when it has waited, and until when, in milliseconds. */
  readonly since: number;
  readonly at: number;
}

interface Refused<Item> {
  readonly item: Item;
  readonly refusal: Refusal;
}

/**
 * Who may work, by the limits of what they share. Pure: it is told the time. Tenants take turns, and in the turns of a tenant its owners do. Takes all
 * that something claims at once, or nothing; passes over what does not fit for what does, but keeps what is lacking free in the end for what takes
 * much of one resource.
 */
export interface Admission<Item extends Waiting> {
  /** Lets something wait. */
  add(item: Item): void;
  /** It is no longer wanted. */
  remove(item: Item): void;
  /** The next that may work; it has what it claims from now on. */
  next(now: number): Item | undefined;
  /** It works from now on, whatever the limits. */
  seize(item: Item, now: number): void;
  /** What has waited longer than it may, or behind more than it may, or for what nobody will pay, which waits no longer. To be asked when nothing more may work. */
  refused(now: number): readonly Refused<Item>[];
  /** It has ended, or never began. */
  release(item: Item): void;
  /** When to look again though nobody lets go: a window opens, or a wait becomes too long. */
  wakeAt(now: number): number | undefined;
  holdUntil(resource: string, at: number): void;
  /** What each of an owner's waits for, as far as it may not work now. Costs what all have waiting. */
  waitsOf(owner: string, now: number): readonly { readonly item: Item; readonly wait: LineWait }[];
  readonly waiting: number;
}

/** How often a group may be passed over by others before what it lacks is kept free for it. */
const mostPassedOver = 256;

export function createAdmission<Item extends Waiting>(): Admission<Item> {
  const uses = new Map<string, ResourceUse>();
  const line = createWaitingLine<Item>();
  const queued = new Map<string, number>();
  /** Groups for which is kept free what they lack. */
  const overdue = new Set<Group<Item>>();
  let lastHold = -Infinity;
  const graph = createWaitGraph<Item>();
  /** Calls that have not been looked at since they came. Only one that is new can close a round of those that wait for one another. */
  let newCalls: Item[] = [];

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
  const drop = (item: Item): boolean => {
    if (!line.drop(item)) return false;
    count(item, -1);
    item.funds?.expect(-1);
    if (item.isCall) graph.stop(item);
    return true;
  };
  const refuse = (item: Item, why: Omit<ResourceRefusal, 'waiting' | 'since'>): Refused<Item> => {
    const waiting = queued.get(why.resource) ?? 0;
    drop(item);
    return { item, refusal: { ...why, waiting, since: item.since } };
  };
  const serve = (group: Group<Item>, now: number): Item => {
    const item = group.items[0]!;
    group.passedOver = 0;
    overdue.delete(group);
    item.funds?.take();
    drop(item);
    line.endTurn(item);
    for (const claim of item.claims) useOf(claim.resource).take(claim, now);
    if (!item.isCall) graph.hold(item);
    return item;
  };
  const passOver = (group: Group<Item>): void => {
    group.passedOver += 1;
    if (group.passedOver >= mostPassedOver) overdue.add(group);
  };
  /** Who waits for a resource and would go last, of those that may wait behind so many at most: of the tenant, and of its owner, with most waiting. */
  const lastOf = (resource: string, maxQueued: number): Item => {
    const isHeldToIt = ({ claims }: Group<Item>): boolean =>
      claims.some((claim) => claim.resource === resource && claim.limit.maxQueued === maxQueued);
    const heldOf = (groups: ReadonlyMap<string, Group<Item>>) => [...groups.values()].filter(isHeldToIt);
    const owners = longest(Array.from(line.turns.values(), (of) => Array.from(of.values(), heldOf)));
    return longest(owners.map((groups) => [groups]))[0]!.reduce<Item | undefined>((last, { items }) => {
      const item = items.at(-1)!;
      return !last || goesBefore(last, item) || (!goesBefore(item, last) && item.since >= last.since) ? item : last;
    }, undefined)!;
  };
  /** What is kept free for groups that were passed over too often: only what they lack, so that nobody else waits for what is not theirs. */
  const keptFree = (now: number): ReadonlySet<string> => {
    const kept = new Set<string>();
    for (const group of overdue) {
      if (group.items.length === 0) overdue.delete(group);
      else if (isPaidFor(group))
        for (const claim of group.claims) if (useOf(claim.resource).freeAt(claim, now) === undefined) kept.add(claim.resource);
    }
    return kept;
  };

  /** What of a group's claims is kept for others. */
  const keptFor = ({ claims, items, passedOver }: Group<Item>, kept: ReadonlySet<string>): Claim | undefined => {
    if (kept.size === 0 || passedOver >= mostPassedOver) return undefined;
    // Whoever holds what others wait for must not wait for those for whom something is kept.
    const isExempt = items[0]!.isCall === true && graph.isOfHolder(items[0]!);
    return isExempt ? undefined : claims.find(({ resource }) => kept.has(resource));
  };

  const deadlocks = (): Refused<Item>[] => {
    const found: Refused<Item>[] = [];
    const calls = newCalls;
    newCalls = [];
    for (const item of calls) {
      const cycle = line.has(item) ? graph.deadlockOf(item) : undefined;
      if (cycle && drop(item)) found.push({ item, refusal: { code: 'RESOURCE_DEADLOCK', cycle } });
    }
    return found;
  };
  const unpaid = (): Refused<Item>[] => {
    const found: Refused<Item>[] = [];
    for (const group of line.funded === 0 ? [] : [...line.groups()])
      for (let first = group.items[0]; first?.funds; first = group.items[0]) {
        const shortfall = first.funds.standing();
        if (typeof shortfall === 'string') break;
        drop(first);
        found.push({ item: first, refusal: { code: 'BUDGET_USED_UP', shortfall } });
      }
    return found;
  };
  const late = (now: number): Refused<Item>[] => {
    const found: Refused<Item>[] = [];
    for (const group of [...line.groups()]) {
      if (!hasWaitLimit(group)) continue;
      for (let first = group.arrivals[0]; first; first = group.arrivals[0]) {
        const { since } = first;
        const claim = group.claims.find(({ limit }) => now - since >= (limit.maxWaitMs ?? Infinity));
        if (!claim && line.has(first)) break;
        group.arrivals.shift();
        if (!claim || !line.has(first)) continue;
        const { resource, limit } = claim;
        found.push(refuse(first, { code: 'RESOURCE_WAIT_EXCEEDED', resource, limit: limit.maxWaitMs ?? 0, at: now }));
      }
    }
    return found;
  };
  const tooMany = (now: number): Refused<Item>[] => {
    const found: Refused<Item>[] = [];
    for (const group of [...line.groups()])
      for (const { resource, limit } of group.claims) {
        const { maxQueued = Infinity } = limit;
        while ((queued.get(resource) ?? 0) > maxQueued && group.items.length > 0)
          found.push(refuse(lastOf(resource, maxQueued), { code: 'RESOURCE_QUEUE_FULL', resource, limit: maxQueued, at: now }));
      }
    return found;
  };

  return {
    add(item) {
      line.add(item);
      count(item, 1);
      item.funds?.expect(1);
      if (!item.isCall || !item.by) return;
      graph.wait(item);
      newCalls.push(item);
    },
    remove: (item) => void drop(item),
    seize(item, now) {
      for (const claim of item.claims) useOf(claim.resource).take(claim, now);
    },
    next(now) {
      if (line.size === 0) return undefined;
      const kept = keptFree(now);
      const blocked: Group<Item>[] = [];
      for (const owners of line.turns.values())
        for (const groups of owners.values()) {
          let best: Group<Item> | undefined;
          for (const group of groups.values()) {
            const { claims } = group;
            // It waits for money, and passing it over is nobody's fault.
            if (!isPaidFor(group)) continue;
            if (keptFor(group, kept) || opensAt(claims, now) > now) blocked.push(group);
            else if (!best || goesBefore(group.items[0]!, best.items[0]!)) best = group;
          }
          if (!best) continue;
          const { since } = best.items[0]!;
          for (const other of blocked) if (other.items[0]!.since < since) passOver(other);
          return serve(best, now);
        }
      return undefined;
    },
    refused: (now) => {
      const stuck = deadlocks();
      return line.limited + line.funded === 0 ? stuck : [...stuck, ...unpaid(), ...late(now), ...tooMany(now)];
    },
    release(item) {
      const { claims } = item;
      if (!item.isCall) graph.release(item);
      for (const claim of claims) {
        const use = useOf(claim.resource);
        use.release(claim);
        if (use.isForgettable) uses.delete(claim.resource);
      }
    },
    wakeAt(now) {
      let earliest = Infinity;
      if (line.timed === 0 && lastHold <= now) return undefined;
      for (const { claims, arrivals } of line.groups()) {
        const opens = opensAt(claims, now);
        if (opens > now) earliest = Math.min(earliest, opens);
        const first = arrivals[0];
        if (first) for (const { limit } of claims) earliest = Math.min(earliest, first.since + (limit.maxWaitMs ?? Infinity));
      }
      return earliest === Infinity ? undefined : earliest;
    },
    holdUntil(resource, at) {
      lastHold = Math.max(lastHold, at);
      useOf(resource).holdUntil(at);
    },
    waitsOf(owner, now) {
      const kept = keptFree(now);
      return lineWaitsOf(owner, {
        line,
        obstacleTo: (claim) => useOf(claim.resource).obstacleTo(claim, now),
        isUnpaid: (group) => !isPaidFor(group),
        keptFor: (group) => keptFor(group, kept),
      });
    },
    get waiting() {
      return line.size;
    },
  };
}

/** Of lists of groups, by owner, the one in which most wait; of equal ones the last, whose turn comes last. */
function longest<Item>(lists: readonly (readonly (readonly Group<Item>[])[])[]): readonly (readonly Group<Item>[])[] {
  const waiting = lists.map((owners) => owners.flat().reduce((sum, { items }) => sum + items.length, 0));
  return lists[waiting.lastIndexOf(Math.max(...waiting))]!;
}

const isPaidFor = <Item extends Waiting>({ isFunded, items }: Group<Item>): boolean =>
  !isFunded || items[0]!.funds?.standing() === 'free';
