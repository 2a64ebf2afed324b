import { jsonSize } from '../shared/json-size.js';
import type { LiveView } from './live-view.js';
import type { RunState } from './run-state.js';

/** Keeps what a run holds in memory within limits, as far as its plan allows. */
export interface MemoryRelief {
  /** To be called after each input. Mostly it only compares two figures. */
  check(): void;
  /** The run has ended, so that nothing is needed any more. */
  end(): void;
}

export interface MemoryReliefOptions {
  readonly state: RunState;
  readonly view: LiveView;
  /** About how many bytes outputs and events may take. */
  readonly limitBytes: number;
}

/**
 * When outputs and events take more than the limit, outputs go that no step will ask for any more, and the oldest events. Both are in the
 * store. What is needed stays, whatever it takes.
 */
export function createMemoryRelief({ state, view, limitBytes }: MemoryReliefOptions): MemoryRelief {
  let threshold = limitBytes;
  const relief: MemoryRelief = {
    check() {
      if (state.outputBytes + state.log.bytes <= threshold) return;
      const spare = state.spareOutputs();
      for (const stepId of spare) {
        state.outputBytes -= jsonSize(state.outputs.get(stepId) ?? null);
        state.outputs.delete(stepId);
      }
      view.release(spare);
      state.log.trim(limitBytes / 4);
      // Looking through all steps again is worth it only after as much has come as was found too much.
      threshold = Math.max(limitBytes, 1.5 * (state.outputBytes + state.log.bytes));
    },
    end() {
      threshold = limitBytes;
      relief.check();
    },
  };
  return relief;
}
