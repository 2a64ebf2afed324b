import type { BreakerKey } from '../ports/breaker.js';
import type { Clock } from '../ports/clock.js';
import type { Breakers } from './breakers.js';
import { isTerminal } from './is-terminal.js';
import type { RunDriver } from './run-driver.js';
import type { RunState } from './run-state.js';

export interface BreakerTeller {
  readonly state: RunState;
  readonly driver: () => RunDriver;
  readonly breakers: Breakers;
  readonly clock: Clock;
}

/** Puts on the record of a run where a breaker stands that it has to do with, whenever that is elsewhere than its record says. A run that is over hears no more. */
export function createBreakerTeller({ state, driver, breakers, clock }: BreakerTeller): (key: BreakerKey) => void {
  return (key) => {
    const { state: stands, failures, until } = breakers.view(key);
    const known = state.record.breakers.find((one) => one.key.kind === key.kind && one.key.name === key.name);
    const isKnown = known ? known.state === stands && known.until === until : stands === 'closed';
    if (isKnown || driver().halted || isTerminal(driver().kernel.status)) return;
    const changed = { key, state: stands, failures, ...(until !== undefined && { until }) };
    const entry = { type: 'breaker.changed', at: clock.now(), ...changed } as const;
    driver()
      .record(entry, state.addRecord(entry))
      .catch((error: unknown) => driver().halt(error));
  };
}
