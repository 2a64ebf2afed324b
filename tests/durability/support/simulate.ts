import { type CrashReport, type CrashSimulationOptions, simulateCrashes } from 'planwright/testing';

import { createClerk } from './clerk.js';
import { createHouse } from './house.js';
import type { Story } from './stories.js';

/** Crashes a story: at every point of it, unless the options say otherwise. */
export const simulate = (story: Story, options: Partial<CrashSimulationOptions> = {}): Promise<CrashReport> => {
  const { proposal, plan, acts, steps } = story;
  return simulateCrashes({
    ...(proposal && { proposal }),
    ...(plan && { plan }),
    ...(acts && { acts }),
    ...(steps && { steps }),
    agents: ({ clock, effects }) => ({ worker: createClerk({ ...story, clock, effects }) }),
    workspace: ({ clock, effects }) => createHouse({ effects, clerk: createClerk({ ...story, clock, effects }) }),
    ...options,
  });
};
