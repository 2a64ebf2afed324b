import { EventEmitter } from 'eventemitter3';

import type { RunEvent, RunFact } from '../ports/run-output.js';
import { jsonSize } from '../shared/json-size.js';

/** The events of one run in order, for readers that come and go. Old ones may have been let go, and are then read from the store. */
export interface EventLog {
  /** `seq` of the oldest event in memory, or of the next where there is none. */
  readonly firstSeq: number;
  /** `seq` of the newest event; 0 before the first. */
  readonly seq: number;
  /** About how many bytes the events take that are in memory. */
  readonly bytes: number;
  append(fact: RunFact, at: number): RunEvent;
  /** Events in memory with a higher `seq`. */
  since(seq: number): readonly RunEvent[];
  /** Lets the oldest events go until those in memory take at most so many bytes. */
  trim(bytes: number): void;
  /** Calls back for every event from now on. Returns how to stop. */
  subscribe(listener: (event: RunEvent) => void): () => void;
  /** Events with a `seq` above `after`, then what comes, until the run has ended. Reading slowly costs nothing but time. */
  read(options: ReadOptions): AsyncGenerator<RunEvent, void>;
  /** Nothing more will come: readers end after what is there. */
  end(): void;
}

export interface ReadOptions {
  /** `seq` of the last event seen. Default: 0, from the beginning. */
  readonly after?: number;
  /** Ends the reading. */
  readonly signal?: AbortSignal;
}

/** Reads events that are no longer in memory: those above `after`, up to `upTo`, in order. */
export type ReadStored = (range: { readonly after: number; readonly upTo: number }) => AsyncIterable<RunEvent>;

export interface EventLogOptions {
  /** `seq` of the first event that is kept. Default: 1. */
  readonly firstSeq?: number;
  readonly readStored: ReadStored;
}

/** What an event takes besides an output that it carries. */
const eventBytes = 200;

export function createEventLog(runId: string, { firstSeq = 1, readStored }: EventLogOptions): EventLog {
  const emitter = new EventEmitter<{ event: [RunEvent]; end: [] }>();
  let events: RunEvent[] = [];
  /** `seq` of the event before the first in memory. */
  let base = firstSeq - 1;
  let bytes = 0;
  let ended = false;

  const next = (signal: AbortSignal | undefined): Promise<void> =>
    new Promise((resolve) => {
      const wake = (): void => {
        emitter.off('event', wake).off('end', wake);
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      emitter.on('event', wake).on('end', wake);
      signal?.addEventListener('abort', wake, { once: true });
    });

  return {
    get firstSeq() {
      return base + 1;
    },
    get seq() {
      return base + events.length;
    },
    get bytes() {
      return bytes;
    },
    append(fact, at) {
      // Own members first: V8 gives what is spread and then added to a hidden class of its own, at ten times the cost.
      const event: RunEvent = { seq: base + events.length + 1, at, runId, ...fact };
      events.push(event);
      bytes += sizeOf(event);
      emitter.emit('event', event);
      return event;
    },
    since: (seq) => events.slice(Math.max(0, seq - base)),
    trim(most) {
      let dropped = 0;
      for (; bytes > most && dropped < events.length - 1; dropped += 1) bytes -= sizeOf(events[dropped]!);
      if (dropped === 0) return;
      events = events.slice(dropped);
      base += dropped;
    },
    subscribe(listener) {
      emitter.on('event', listener);
      return () => void emitter.off('event', listener);
    },
    async *read({ after = 0, signal }) {
      // A cursor that is no whole number would never meet an event.
      for (let cursor = Math.max(0, Math.trunc(after) || 0); !signal?.aborted;) {
        if (cursor < base) {
          const upTo = base;
          for await (const event of readStored({ after: cursor, upTo })) {
            if (signal?.aborted) return;
            cursor = event.seq;
            yield event;
          }
          continue;
        }
        const event = events[cursor - base];
        if (event) {
          cursor += 1;
          yield event;
        } else if (ended) return;
        else await next(signal);
      }
    },
    end() {
      ended = true;
      emitter.emit('end');
    },
  };
}

const sizeOf = (event: RunEvent): number => eventBytes + (event.type === 'step.succeeded' ? jsonSize(event.output) : 0);
