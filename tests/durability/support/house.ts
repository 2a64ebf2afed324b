import type { Agent, Clock, RunEvent, Workspace, WorkspaceCall } from 'planwright';
import type { EffectLedger } from 'planwright/testing';

export interface HouseOptions {
  readonly effects: EffectLedger;
  /** The agent that comes with every hire. */
  readonly clerk: Agent;
  /** Hears of every call before it is answered. */
  readonly note?: (hook: keyof Workspace, call: HouseCall) => void;
}
export type HouseCall = WorkspaceCall & { readonly role?: string; readonly event?: RunEvent };

/** Whoever fills a hired role goes by this id. */
const hiredAgentId = 'hired';

/** A house whose every hook does something to the world, and that brings the agents which it hires. */
export function createHouse({ effects, clerk, note = () => undefined }: HouseOptions): Workspace {
  const does = async (hook: keyof Workspace, call: HouseCall): Promise<void> => {
    note(hook, call);
    // Of anything but the end a ticket is told as things happen, and never again.
    if (hook !== 'updateTicket' || isEnding(call)) await effects.apply(call.idempotencyKey);
  };
  return {
    hire: (call) => does('hire', call).then(() => ({ agentId: hiredAgentId, agent: clerk })),
    release: (call) => does('release', call),
    createTeam: (call) => does('createTeam', call).then(() => ({ teamId: 'team' })),
    createProject: (call) => does('createProject', call).then(() => ({ projectId: 'project' })),
    deliver: (call) => does('deliver', call),
    updateTicket: (call) => does('updateTicket', call),
  };
}

const isEnding = ({ event }: HouseCall): boolean => /^run\.(completed|failed|cancelled)$/.test(event?.type ?? '');

/** Resolves after a while, by this clock. */
export const pause = (clock: Clock, delayMs: number): Promise<void> =>
  new Promise((resolve) => void clock.schedule(clock.now() + delayMs, resolve));
