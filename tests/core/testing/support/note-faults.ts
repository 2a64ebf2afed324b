import { setImmediate } from 'node:timers/promises';

import type { Json } from '../../../../src/core/shared/json.js';
import type { StoreNotes } from '../../../../src/core/ports/store.js';
import type { StoreFault } from './store-faults.js';

/** A fault of the notes alone. */
const of = (breaks: readonly RegExp[], fault: (notes: StoreNotes) => Partial<StoreNotes>): StoreFault => ({
  breaks,
  fault: ({ notes }) => ({ notes: { ...notes!, ...fault(notes!) } }),
});

/** Stores that keep notes, but not as they should. */
export const noteFaults: Readonly<Record<string, StoreFault>> = {
  'has a note under every name': of([/has nothing under a name/], ({ read }) => ({
    read: async (name) => (await read(name)) ?? null,
  })),
  'keeps the first note': of([/the last that was written/], ({ read, write }) => ({
    write: async (name, value) => ((await read(name)) === undefined ? write(name, value) : undefined),
  })),
  'writes notes in an order of its own': of([/keeps the last of several/], ({ write }) => ({
    async write(name, value) {
      if (Number(value) % 2 === 0) await setImmediate();
      return write(name, value);
    },
  })),
  'cuts the names of notes short': of([/tells notes apart/], ({ read, write }) => ({
    read: (name) => read(name.slice(0, 2)),
    write: (name, value) => write(name.slice(0, 2), value),
  })),
  'takes any note': of([/refuses what JSON cannot hold and keeps/], ({ write }) => ({
    write: (name, value) =>
      write(name, JSON.parse(JSON.stringify(['bigint', 'undefined'].includes(typeof value) ? 1 : value)) as Json),
  })),
  'hands out the notes that it has': of([/shares nothing with what was given, nor with what was read/], ({ write }) => {
    const kept = new Map<string, Json>();
    return {
      read: async (name) => kept.get(name),
      async write(name, value) {
        await write(name, value);
        kept.set(name, value);
      },
    };
  }),
  'takes a note away with the run of its name': {
    breaks: [/leaves runs alone, and is left alone by them/],
    fault: ({ commit, notes }) => {
      const gone = new Set<string>();
      return {
        async commit(given) {
          gone.add(given.runId);
          return commit(given);
        },
        notes: { ...notes!, read: async (name) => (gone.has(name) ? undefined : notes!.read(name)) },
      };
    },
  },
  'keeps giving notes when it is closed': {
    breaks: [/answers after close\(\) with StoreClosedError, where/],
    fault: ({ notes }) => ({
      notes: {
        read: (name) => notes!.read(name).catch(() => undefined),
        write: (name, value) => notes!.write(name, value).catch(() => undefined),
      },
    }),
  },
};
