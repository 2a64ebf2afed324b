/** The same data with the members of every object in another order. */
export function shuffled<T>(value: T, turn: number): T {
  if (Array.isArray(value)) return value.map((item, index) => shuffled<unknown>(item, turn + index)) as T;
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).map(([key, member], index) => [key, shuffled<unknown>(member, turn + index)] as const);
  const cut = turn % (members.length || 1);
  return Object.fromEntries([...members.slice(cut), ...members.slice(0, cut).reverse()]) as T;
}
