import type { AgentFunction, Json, OrchestrationProposal, OrchestratorOptions, SynthesisSpec, Ticket } from 'planwright';

import { createWorld, stepOf, ticket, tickets } from '../../running/support/world.js';

/** What one writer gives, and when; `null` for the time fails. */
export interface Writing {
  readonly output: Json;
  readonly afterMs?: number;
  readonly fails?: true;
}

/** Keys in an order that sorting would not keep. */
export const keyAt = (index: number): string => `w${9 - (index % 10)}${index}`;

/** A proposal of independent tickets, joined by one that has a reducer. */
export const joined = (
  writings: readonly Writing[],
  reducer: string,
  { parts = {}, ...others }: { readonly parts?: Partial<Ticket> } & Parameters<typeof tickets>[1] = {},
): OrchestrationProposal => {
  const keys = writings.map((_, index) => keyAt(index));
  return tickets([...keys.map((key) => ticket(key)), reduceTicket('joined', reducer, { dependsOn: keys, ...parts })], others);
};

export const reduceTicket = (key: string, reducer: string, parts: Partial<Ticket> = {}): Ticket => ({
  key,
  title: key,
  reducer,
  ...parts,
});

export const reducedSynthesis = (reducer: string): SynthesisSpec => ({ reducer, outputSchema: true });

/** Runs such a proposal, each writer taking its time, and gives what came of it. */
export async function runJoined(
  proposal: OrchestrationProposal,
  writings: readonly Writing[],
  options: Omit<Partial<OrchestratorOptions>, 'clock'> = {},
) {
  const byKey = new Map(writings.map((writing, index) => [keyAt(index), writing]));
  const asked: string[] = [];
  const worker: AgentFunction = async ({ stepId }) => {
    asked.push(stepId);
    const { output, afterMs = 0, fails } = byKey.get(stepId) ?? { output: 'made' };
    if (afterMs > 0) await new Promise<void>((resolve) => void world.clock.schedule(world.clock.now() + afterMs, resolve));
    if (fails) throw new Error('No.');
    return { output };
  };
  const world = createWorld({ ...options, agents: { worker, ...options.agents } });
  const { run, result, events } = await world.run(proposal);
  return { run, result, events, asked, joined: stepOf(run, 'joined') };
}
