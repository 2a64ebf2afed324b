/** A range of bytes that a disk did not write. */
export interface LostRange {
  readonly from: number;
  readonly to: number;
}

export interface SectorRange {
  readonly start: number;
  readonly end: number;
  readonly sectorBytes: number;
}

/**
 * Which sectors between two offsets a disk may not have written: all of them first, then every single one, every row of some, and
 * others by chance; at most `count` in all. What a sector holds before `start` was written before.
 */
export function* lostSectors({ start, end, sectorBytes }: SectorRange, count: number): Generator<readonly LostRange[]> {
  const sectors: LostRange[] = [];
  for (let from = start; from < end; from = (Math.floor(from / sectorBytes) + 1) * sectorBytes) {
    sectors.push({ from, to: Math.min(end, (Math.floor(from / sectorBytes) + 1) * sectorBytes) });
  }
  let given = 0;
  for (let length = 1; length < sectors.length; length += 1) {
    for (let first = 0; first + length <= sectors.length && given < count - 1; first += 1) {
      given += 1;
      yield sectors.slice(first, first + length);
    }
  }
  yield sectors;
  for (let mask = 1; given < count - 1 && mask < 2 ** Math.min(sectors.length, 20) - 1; mask += 1) {
    given += 1;
    // Every mask once, in an order that soon has many holes.
    const scattered = (mask * 0x9e37) % 2 ** Math.min(sectors.length, 20);
    const lost = sectors.filter((_, index) => (scattered >>> (index % 20)) & 1);
    if (lost.length > 0) yield lost;
  }
}

/** These bytes with zeros where nothing was written. */
export function withoutSectors(bytes: Buffer, lost: readonly LostRange[]): Buffer {
  const left = Buffer.from(bytes);
  for (const { from, to } of lost) left.fill(0, from, to);
  return left;
}
