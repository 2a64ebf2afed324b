import type { Ticket } from '../ports/proposal.js';

/**
 * Keys of tickets in waves: a ticket stands in the first wave that comes after all its dependencies, and within a wave in the order
 * given. For sound proposals; what a topology adds to the declared dependencies is not in it.
 */
export function ticketWaves(tickets: readonly Ticket[]): readonly (readonly string[])[] {
  const dependents = new Map<string, Ticket[]>(tickets.map(({ key }) => [key, []]));
  const open = new Map<string, number>();
  for (const ticket of tickets) {
    open.set(ticket.key, ticket.dependsOn?.length ?? 0);
    for (const key of ticket.dependsOn ?? []) dependents.get(key)?.push(ticket);
  }
  const place = new Map(tickets.map(({ key }, index) => [key, index]));
  const waves: string[][] = [];
  let wave = tickets.filter(({ key }) => open.get(key) === 0);
  while (wave.length > 0) {
    waves.push(wave.map(({ key }) => key));
    const next: Ticket[] = [];
    for (const { key } of wave) {
      for (const dependent of dependents.get(key) ?? []) {
        const left = open.get(dependent.key)! - 1;
        open.set(dependent.key, left);
        if (left === 0) next.push(dependent);
      }
    }
    wave = next.sort((a, b) => place.get(a.key)! - place.get(b.key)!);
  }
  return waves;
}
