import type { Claim, Obstacle } from './resource-use.js';
import { goesBefore, type Group, type Waiting, type WaitingLine } from './waiting-line.js';

/** What something waits for, its place among all that wait for that, and how many those are. */
export interface LineWait extends Obstacle {
  /** `null`: not a resource, but a budget that runs share, of which others hold what is missing. */
  readonly resource: string | null;
  readonly place: number;
  readonly of: number;
  readonly since: number;
}

export interface LineWaitsOptions<Item extends Waiting> {
  readonly line: WaitingLine<Item>;
  readonly obstacleTo: (claim: Claim) => Obstacle | undefined;
  /** Whether nothing may pay for a group just now. */
  readonly isUnpaid: (group: Group<Item>) => boolean;
  /** What of a group's claims is free, and kept for others. */
  readonly keptFor: (group: Group<Item>) => Claim | undefined;
}

/** What each of an owner's waits for, as far as it may not work now. Costs what all have waiting. */
export function lineWaitsOf<Item extends Waiting>(
  owner: string,
  options: LineWaitsOptions<Item>,
): readonly { readonly item: Item; readonly wait: LineWait }[] {
  const { line } = options;
  const known = new Map<string | null, ReadonlyMap<Item, number>>();
  const placesFor = (resource: string | null): ReadonlyMap<Item, number> => {
    let places = known.get(resource);
    if (!places) known.set(resource, (places = placesIn(line, resource)));
    return places;
  };
  const groups = Array.from(line.turns.values()).flatMap((owners) => [...(owners.get(owner)?.values() ?? [])]);
  return groups.flatMap((group) => {
    const found = obstacleOf(group, options);
    if (!found) return [];
    const places = placesFor(found.resource);
    return group.items.map((item) => {
      return { item, wait: { ...found, place: places.get(item)!, of: places.size, since: item.since } };
    });
  });
}

/** Of several, what takes somebody to let go, then what opens last. */
function obstacleOf<Item extends Waiting>(
  group: Group<Item>,
  { obstacleTo, isUnpaid, keptFor }: LineWaitsOptions<Item>,
): Pick<LineWait, 'resource' | 'limit' | 'opensAt'> | undefined {
  if (isUnpaid(group)) return { resource: null, limit: { kind: 'funds' } };
  let worst: (Obstacle & { readonly resource: string }) | undefined;
  for (const claim of group.claims) {
    const obstacle = obstacleTo(claim);
    const isWorse = obstacle && (!worst || (obstacle.opensAt ?? Infinity) > (worst.opensAt ?? Infinity));
    if (isWorse) worst = { ...obstacle, resource: claim.resource };
  }
  if (worst) return worst;
  const kept = keptFor(group);
  return kept && { resource: kept.resource, limit: { kind: 'kept' } };
}

/** In which place each of those stands that wait for one thing, 1 for who goes next: tenants take turns, and in the turns of a tenant its owners do. */
function placesIn<Item extends Waiting>({ turns }: WaitingLine<Item>, resource: string | null): ReadonlyMap<Item, number> {
  const wants = ({ claims, isFunded }: Group<Item>): boolean =>
    resource === null ? isFunded : claims.some((claim) => claim.resource === resource);
  const itemsOf = (groups: ReadonlyMap<string, Group<Item>>): Item[] =>
    [...groups.values()].flatMap((group) => (wants(group) ? group.items : [])).sort(byRank);
  const tenants = Array.from(turns.values(), (owners) => inTurn(Array.from(owners.values(), itemsOf)));
  return new Map(inTurn(tenants).map((item, at) => [item, at + 1]));
}

const byRank = (one: Waiting, other: Waiting): number => (goesBefore(one, other) ? -1 : goesBefore(other, one) ? 1 : 0);

/** The first of each list in their order, then the second of each, and so on. */
function inTurn<Item>(lists: readonly (readonly Item[])[]): Item[] {
  const rounds: Item[][] = [];
  for (const list of lists) list.forEach((item, round) => (rounds[round] ??= []).push(item));
  return rounds.flat();
}
