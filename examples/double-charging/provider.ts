import { appendFileSync, existsSync, readFileSync } from 'node:fs';

/** Money that went out or came back. Lines of a file, so that they outlive whoever asked for them. */
export interface Booking {
  readonly id: string;
  readonly type: 'charge' | 'refund';
  readonly order: string;
  /** The idempotency key that came with the request. */
  readonly key: string;
}

/** A payment provider: somebody else's process, which does what it is asked whether or not the one who asked lives to hear of it. */
export interface Provider {
  book(request: Omit<Booking, 'id'>): Booking;
  /** Everything booked so far, as its own pages would show it. */
  bookings(): readonly Booking[];
}

/** `honoursKeys`: whether a second request under one key gets the first booking back, instead of another. */
export function createProvider(path: string, { honoursKeys }: { readonly honoursKeys: boolean }): Provider {
  const bookings = (): readonly Booking[] => {
    const lines = existsSync(path) ? readFileSync(path, 'utf8').trimEnd().split('\n') : [];
    return lines.map((line) => JSON.parse(line) as Booking);
  };
  return {
    bookings,
    book(request) {
      const before = bookings();
      const known = honoursKeys ? before.find(({ key }) => key === request.key) : undefined;
      if (known) return known;
      const booking = { id: `${request.type}-${before.length + 1}`, ...request };
      appendFileSync(path, `${JSON.stringify(booking)}\n`);
      return booking;
    },
  };
}
