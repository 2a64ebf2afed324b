import type { Agent, AgentFunction } from '../ports/agent.js';
import type { RunStore, StoreNotes } from '../ports/store.js';
import type { Workspace } from '../ports/workspace.js';
import type { EffectLedger } from './crash-ledger.js';
import type { LifeSpan } from './crash-life.js';
import type { CrashWorld } from './crash-world.js';

/** Agents by id, as an orchestrator takes them. */
export type CrashAgents = Readonly<Record<string, Agent | AgentFunction>>;

/** The ports of one simulated process: each works while its life lasts, and the world takes note of what goes through. */
export interface LifeGuards {
  readonly effects: EffectLedger;
  store(inner: RunStore): RunStore;
  agents(inner: CrashAgents): CrashAgents;
  workspace(inner: Workspace): Workspace;
}

export const createLifeGuards = (life: LifeSpan, world: CrashWorld): LifeGuards => ({
  effects: guardEffects(life, world),
  store: (inner) => guardStore(inner, life, world),
  agents: (inner) => Object.fromEntries(Object.entries(inner).map(([id, agent]) => [id, guardAgent(agent, life, world)])),
  workspace: (inner) => guardWorkspace(inner, life, world),
});

function guardEffects(life: LifeSpan, { effects }: CrashWorld): EffectLedger {
  const add = async (key: string, value: Parameters<EffectLedger['apply']>[1] = null) => {
    effects.add({ key, value });
    await life.pass({ effect: life.count('effects') });
    return value;
  };
  return {
    apply: (key, value) =>
      life.whileAlive(() => {
        const before = effects.find(key);
        return before ? before.value : add(key, value);
      }),
    applyBlindly: (key, value) => life.whileAlive(() => add(key, value)),
    find: (key) => life.whileAlive(() => effects.find(key)?.value),
  };
}

function guardStore(inner: RunStore, life: LifeSpan, world: CrashWorld): RunStore {
  const write = <T>(work: () => Promise<T>): Promise<T> =>
    life.whileAlive(async () => {
      const nth = life.count('writes');
      await life.pass({ write: nth, stored: false });
      const answer = await world.clock.hold(work());
      await life.pass({ write: nth, stored: true });
      return answer;
    });
  return {
    async commit(commit) {
      const receipt = await write(async () => {
        const answer = await inner.commit(commit);
        world.noteStored(commit);
        return answer;
      });
      world.noteAnswered(commit);
      return receipt;
    },
    claim: (request) => write(() => inner.claim(request)),
    load: (runId) => life.held(() => inner.load(runId)),
    journal: (runId, range) => life.held(() => inner.journal(runId, range)),
    list: (filter) => life.held(() => inner.list(filter)),
    renew: (lease) => life.held(() => inner.renew(lease)),
    release: (hold) => life.held(() => inner.release(hold)),
    ...(inner.notes && { notes: guardNotes(inner.notes, life) }),
    close: () => life.held(() => inner.close()),
  };
}

const guardNotes = (inner: StoreNotes, life: LifeSpan): StoreNotes => ({
  read: (name) => life.held(() => inner.read(name)),
  write: (name, value) => life.held(() => inner.write(name, value)),
});

function guardAgent(given: Agent | AgentFunction, life: LifeSpan, world: CrashWorld): Agent {
  const agent: Agent = typeof given === 'function' ? { run: given } : given;
  return {
    run: (request, context) =>
      life.whileAlive(async () => {
        world.noteCall(life.life, request);
        const call = life.count('calls');
        await life.pass({ call, answered: false });
        try {
          return await agent.run(request, context);
        } finally {
          await life.pass({ call, answered: true });
        }
      }),
    ...(agent.probe && { probe: (request, context) => life.whileAlive(() => agent.probe!(request, context)) }),
  };
}

interface HookRequest {
  readonly idempotencyKey: string;
}

/** Every hook that a workspace has. */
function guardWorkspace(inner: Workspace, life: LifeSpan, world: CrashWorld): Workspace {
  const through =
    <Request extends HookRequest, T>(hook: keyof Workspace, perform: (request: Request) => Promise<T> | T) =>
    (request: Request): Promise<T> =>
      life.whileAlive(async () => {
        world.noteHook(hook, request);
        return perform.call(inner, request);
      });
  const { hire, release, createTeam, createProject, deliver, updateTicket, postToChannel } = inner;
  const post = postToChannel && through('postToChannel', postToChannel);
  return {
    ...(hire && { hire: guardHire(through('hire', hire), (agent) => guardAgent(agent, life, world)) }),
    ...(release && { release: through('release', release) }),
    ...(createTeam && { createTeam: through('createTeam', createTeam) }),
    ...(createProject && { createProject: through('createProject', createProject) }),
    ...(deliver && { deliver: through('deliver', deliver) }),
    ...(updateTicket && { updateTicket: through('updateTicket', updateTicket) }),
    ...(post && { postToChannel: (request) => void post(request).catch(() => undefined) }),
  };
}

/** An agent that comes with its hire lives no longer than any other. */
const guardHire =
  (hire: NonNullable<Workspace['hire']>, guard: (agent: Agent | AgentFunction) => Agent): NonNullable<Workspace['hire']> =>
  async (request) => {
    const { agentId, agent } = await hire(request);
    return { agentId, ...(agent && { agent: guard(agent) }) };
  };
