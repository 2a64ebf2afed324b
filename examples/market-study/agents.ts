import { AgentError, type AgentFunction, type AgentRequest, type Json, type Plan, type Workspace } from 'planwright';
import { createOfflineAgent, type OfflineAgentOptions } from 'planwright/adapters/offline';

import { answers } from './answers.js';

/** Milliseconds that a step takes, from its name, so that there is something to watch. */
const latencyMs = ({ stepId }: AgentRequest): number =>
  250 + ((Array.from(stepId).reduce((sum, letter) => sum + letter.charCodeAt(0), 0) * 37) % 700);

/** Made up, like the answers: four characters a token, 3 USD for a million tokens. */
function usage({ instructions, input }: AgentRequest, output: Json) {
  const inputTokens = 2_000 + Math.ceil((instructions.length + JSON.stringify(input).length) / 4);
  const outputTokens = 400 + Math.ceil(JSON.stringify(output).length / 4);
  return { inputTokens, outputTokens, costUsd: ((inputTokens + outputTokens) * 3) / 1_000_000 };
}

const common: OfflineAgentOptions = { latencyMs, usage };
const sampling = createOfflineAgent(common);
const studying = createOfflineAgent({ ...common, answer: ({ stepId }) => answers.get(stepId) ?? null });

/** An agent that calls no model: it knows the market study by heart, and makes up a sample for anything else. */
const offline: AgentFunction = async (request, context) => {
  context.progress('reading the inputs');
  // One failure, so that a retry is to be seen.
  if (request.stepId === 'price-scan' && request.attempt === 1) {
    throw new AgentError('The price page answered 503.', {
      reason: 'page_unavailable',
      usage: { inputTokens: 900, costUsd: 0.0027 },
    });
  }
  return answers.has(request.stepId) ? await studying(request, context) : await sampling(request, context);
};

/** The offline agent under every id that a plan's existing roles name. */
export const agentsFor = (plan: Plan): Record<string, AgentFunction> =>
  Object.fromEntries(plan.roles.flatMap((role) => (role.kind === 'existing' ? [[role.agentId, offline]] : [])));

/** A house that hires offline agents, and forgets them again. */
export const workspace: Workspace = {
  hire: async ({ role }) => ({ agentId: `hired-${role}`, agent: offline }),
  release: async () => undefined,
};
