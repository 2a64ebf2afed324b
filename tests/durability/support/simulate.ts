import type { Workspace } from 'planwright';
import { type CrashLife, type CrashReport, type CrashSimulationOptions, simulateCrashes } from 'planwright/testing';

import { createClerk } from './clerk.js';
import { hiredAgentId, type Story } from './stories.js';

/** Crashes a story: at every point of it, unless the options say otherwise. */
export const simulate = (story: Story, options: Partial<CrashSimulationOptions> = {}): Promise<CrashReport> => {
  const { proposal, plan, acts, steps, orchestrator } = story;
  return simulateCrashes({
    ...(proposal && { proposal }),
    ...(plan && { plan }),
    ...(acts && { acts }),
    ...(steps && { steps }),
    ...(orchestrator && { orchestrator }),
    agents: ({ clock, effects }) => ({ worker: createClerk({ ...story, clock, effects }) }),
    workspace: house(story),
    ...options,
  });
};

/** A house whose every hook does something to the world, and that brings the agents which it hires. */
const house =
  (story: Story) =>
  ({ clock, effects }: CrashLife): Workspace => ({
    hire: async ({ idempotencyKey }) => {
      await effects.apply(idempotencyKey);
      return { agentId: hiredAgentId, agent: createClerk({ ...story, clock, effects }) };
    },
    release: async ({ idempotencyKey }) => {
      await effects.apply(idempotencyKey);
    },
    createTeam: async ({ idempotencyKey }) => {
      await effects.apply(idempotencyKey);
      return { teamId: 'team' };
    },
    createProject: async ({ idempotencyKey }) => {
      await effects.apply(idempotencyKey);
      return { projectId: 'project' };
    },
    deliver: async ({ idempotencyKey, deliverable }) => {
      await effects.apply(idempotencyKey, deliverable);
    },
    updateTicket: async ({ idempotencyKey, event }) => {
      // Of anything but the end it is told as things happen, and never again.
      if (/^run\.(completed|failed|cancelled)$/.test(event.type)) await effects.apply(idempotencyKey, event.type);
    },
  });
