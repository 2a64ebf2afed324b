import { EventEmitter } from 'eventemitter3';

import type { RunEvent, RunFact } from '../ports/run.js';

/** The events of one run in order, for readers that come and go. */
export interface EventLog {
  readonly events: readonly RunEvent[];
  append(fact: RunFact, at: number): RunEvent;
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

export function createEventLog(runId: string): EventLog {
  const emitter = new EventEmitter<{ event: [RunEvent]; end: [] }>();
  const events: RunEvent[] = [];
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
    events,
    append(fact, at) {
      // Own members first: V8 gives what is spread and then added to a hidden class of its own, at ten times the cost.
      const event: RunEvent = { seq: events.length + 1, at, runId, ...fact };
      events.push(event);
      emitter.emit('event', event);
      return event;
    },
    subscribe(listener) {
      emitter.on('event', listener);
      return () => void emitter.off('event', listener);
    },
    async *read({ after = 0, signal }) {
      // A cursor that is no whole number would never meet an event.
      for (let cursor = Math.max(0, Math.trunc(after) || 0); !signal?.aborted;) {
        const event = events[cursor];
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
