import type { Agent } from 'planwright';

import type { ChildTask } from './child-task.js';
import { type ClerkOptions, createClerk } from './clerk.js';
import { stories } from './stories.js';
import type { WitnessLine } from './witness.js';

/** Long next to what else happens, so that many a kill falls into it. */
const lingerMs = 40;

export interface ClerksOptions extends Pick<ClerkOptions, 'clock' | 'effects'>, Pick<ChildTask, 'pace' | 'poison' | 'careful'> {
  /** Goals are the names of stories. */
  readonly goalOf: (runId: string) => Promise<string>;
  readonly tell: (line: WitnessLine) => void;
}

/** One agent for all stories: for each run it goes about its work as the run's story says. */
export function createClerks({ clock, effects, pace = 0.1, poison, careful = false, goalOf, tell }: ClerksOptions): Agent {
  const goals = new Map<string, Promise<string>>();
  const clerks = new Map<string, Agent>();
  const goalFor = (runId: string): Promise<string> => {
    const goal = goals.get(runId) ?? goalOf(runId);
    goals.set(runId, goal);
    return goal;
  };
  const clerkFor = async (runId: string): Promise<Agent> => {
    const goal = await goalFor(runId);
    const { behaviours = {}, blind = [], harmless = [] } = stories.find(({ name }) => name === goal) ?? {};
    const isBlind = careful ? [] : blind;
    const known = clerks.get(goal) ?? createClerk({ clock, effects, pace, lingerMs, behaviours, blind: isBlind, harmless });
    clerks.set(goal, known);
    return known;
  };
  return {
    async run(request, context) {
      const { runId, stepId, kind, attempt, idempotencyKey } = request;
      tell({ type: 'call', runId, request: { stepId, kind, attempt, idempotencyKey } });
      if (poison?.stepId === stepId && poison.story === (await goalFor(runId))) process.kill(process.pid, 'SIGKILL');
      return (await clerkFor(runId)).run(request, context);
    },
    probe: async (request, context) => (await clerkFor(request.runId)).probe!(request, context),
  };
}
