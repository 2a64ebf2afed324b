import {
  type Agent,
  type AgentFunction,
  type AgentRequest,
  type CancelTimer,
  type Clock,
  createOrchestrator,
  type JournalEntry,
  type Orchestrator,
  type OrchestratorOptions,
  projectRun,
  type Proposed,
  type Run,
  type RunEvent,
  type RunResult,
  type RunStore,
  type RunView,
  type Workspace,
} from 'planwright';
import { createMemoryStore } from 'planwright/storage/memory';
import { type AgentScript, createSequentialIds, createVirtualClock, scriptedAgent, type VirtualClock } from 'planwright/testing';
import { expect } from 'vitest';

import { ada } from '../../running/support/world.js';

/** What a process does, told before it is done and after, before the process itself hears of it. */
export type Moment = { readonly done: boolean } & (
  | { readonly on: 'commit'; readonly entries: readonly JournalEntry[] }
  | { readonly on: 'call' | 'probe'; readonly request: AgentRequest }
  | { readonly on: 'hook'; readonly hook: keyof Workspace; readonly idempotencyKey: string; readonly event?: RunEvent }
);

/** A call of an agent, in whichever process. */
export interface NotedCall {
  /** 1 for the first process. */
  readonly process: number;
  readonly on: 'call' | 'probe';
  readonly request: AgentRequest;
}

/** A call of the workspace, in whichever process. */
export interface NotedHook {
  readonly process: number;
  readonly hook: keyof Workspace;
  readonly idempotencyKey: string;
  readonly event?: RunEvent;
}

/** What agents of one process are made with. All of it stands still when the process is dead. */
export interface Life {
  readonly clock: Clock;
  sleep(delayMs: number): Promise<void>;
  /** Changes the world outside. */
  effect(key: string): void;
}

/** One process, simulated: an orchestrator whose ports can all be cut off. */
export interface Process {
  readonly orchestrator: Orchestrator;
  /** Everything it waits for never comes, and nothing it does reaches anyone any more. */
  kill(): void;
  readonly died: Promise<undefined>;
  /** Cuts it off from the store: calls hang until {@link heal}. Its agents, timers and hooks go on. */
  cut(): void;
  /** What it asked the store for meanwhile is done now. */
  heal(): void;
}

export interface ProcessOptions extends Partial<Omit<OrchestratorOptions, 'agents' | 'clock' | 'store'>> {
  /** Where it is killed. */
  readonly dieAt?: (moment: Moment) => boolean;
  /** What `worker` does here. Default: as in the world. */
  readonly script?: AgentScript;
  /** How long each call takes to come to the store, and its answer to come back, in milliseconds. Default: 0. */
  readonly storeMs?: number;
  /** Comes between the process and the store. */
  readonly wrapStore?: (inner: RunStore) => RunStore;
  /** Agents besides `worker`. Default: as in the world. */
  readonly agents?: (life: Life) => Agents;
}
type Agents = Readonly<Record<string, Agent | AgentFunction>>;

/** Processes on one store, in virtual time. */
export interface RestartWorld {
  readonly clock: VirtualClock;
  readonly store: RunStore;
  readonly calls: readonly NotedCall[];
  readonly hooks: readonly NotedHook[];
  /** Keys of the effects that agents had on the world, in order. */
  readonly effects: readonly string[];
  /** Starts a process. Under the name `app`, where it is given none: it takes the place of the one before. */
  boot(options?: ProcessOptions): Process;
  /** Proposes in this process. */
  propose(process: Process, input: unknown): Promise<Proposed>;
  /** Proposes and approves in this process, which may die of it: then there is no handle. */
  start(process: Process, input: unknown): Promise<{ readonly runId: string; readonly run: Run | undefined }>;
  /** Lets time go on until the process has died. */
  death(process: Process): Promise<void>;
  /** A new process takes up what there is. */
  recover(process: Process): Promise<Run>;
  /** Lets time go on until the run has ended. */
  end(run: Run | undefined): Promise<RunResult>;
  journal(runId: string): Promise<readonly JournalEntry[]>;
  /** Steps whose agent was called, in order: all, or those of one process. */
  called(process?: number): string[];
}

export interface RestartWorldOptions extends Omit<ProcessOptions, 'dieAt'> {
  readonly startAt?: number;
}

export function createRestartWorld({ startAt = 0, ...defaults }: RestartWorldOptions = {}): RestartWorld {
  const clock = createVirtualClock({ startAt });
  const store = createMemoryStore();
  const ids = createSequentialIds();
  const calls: NotedCall[] = [];
  const hooks: NotedHook[] = [];
  const effects: string[] = [];
  let booted = 0;

  const boot = (given: ProcessOptions = {}): Process => {
    booted += 1;
    const { dieAt, script = {}, agents, workspace, storeMs = 0, wrapStore, ...options } = { ...defaults, ...given };
    const process = booted;
    const mortal = createMortality(clock, dieAt);
    const cable = createCable();
    const life: Life = {
      clock: mortal.clock,
      sleep: (delayMs) => new Promise((resolve) => void mortal.clock.schedule(clock.now() + delayMs, resolve)),
      effect(key) {
        if (!mortal.isDead()) effects.push(key);
      },
    };
    const guarded = guardAgents({ worker: scriptedAgent(script, life), ...agents?.(life) }, { mortal, calls, process });
    const orchestrator = createOrchestrator({
      owner: 'app',
      ids,
      ...options,
      clock: mortal.clock,
      store: guardStore(wrapStore?.(store) ?? store, mortal, {
        cable,
        way: () => (storeMs > 0 ? life.sleep(storeMs) : undefined),
      }),
      agents: guarded,
      ...(workspace && { workspace: guardWorkspace(workspace, { mortal, hooks, calls, process }) }),
    });
    return { orchestrator, kill: mortal.die, died: mortal.died, cut: cable.cut, heal: cable.heal };
  };

  const world: RestartWorld = {
    clock,
    store,
    calls,
    hooks,
    effects,
    boot,
    propose: (process, input) => clock.runUntil(process.orchestrator.propose(input)),
    async start(process, input) {
      const proposed = await world.propose(process, input);
      const { runId, revision, digest } = proposed;
      const approved = process.orchestrator.approve(runId, { revision, digest, approvedBy: ada });
      return { runId, run: await clock.runUntil(Promise.race([approved, process.died])) };
    },
    death: (process) => clock.runUntil(process.died),
    async recover(process) {
      const [run] = await clock.runUntil(process.orchestrator.recover());
      if (!run) throw new Error('There was nothing to recover.');
      return run;
    },
    async end(run) {
      if (!run) throw new Error('There is no such run.');
      return clock.runUntil(run.result());
    },
    journal: (runId) => store.journal(runId, { limit: 1_000_000 }),
    called: (of) => calls.filter(({ process, on }) => on === 'call' && (of ?? process) === process).map(stepOfCall),
  };
  return world;
}

const stepOfCall = ({ request }: NotedCall): string =>
  request.kind === 'compensation' ? `undo ${request.stepId}` : request.stepId;

interface Mortality {
  readonly clock: Clock;
  readonly died: Promise<undefined>;
  isDead(): boolean;
  readonly die: () => void;
  /** Does work, told of before and after. Settles only while alive. */
  lived<T>(moment: MomentBody | undefined, work: () => Promise<T> | T): Promise<T>;
}
type MomentBody = Moment extends infer One ? (One extends Moment ? Omit<One, 'done'> : never) : never;

const never = <T>(): Promise<T> => new Promise<T>(() => undefined);

function createMortality(inner: Clock, dieAt: (moment: Moment) => boolean = () => false): Mortality {
  const timers = new Set<CancelTimer>();
  let isDead = false;
  let tell: (value: undefined) => void = () => undefined;
  const died = new Promise<undefined>((resolve) => (tell = resolve));
  const die = (): void => {
    isDead = true;
    for (const cancel of timers) cancel();
    tell(undefined);
  };
  const alive = (): Promise<void> | undefined => (isDead ? never() : undefined);
  const pass = (moment: MomentBody | undefined, done: boolean): void => {
    if (moment && !isDead && dieAt({ ...moment, done })) die();
  };
  return {
    died,
    die,
    isDead: () => isDead,
    clock: {
      now: () => inner.now(),
      schedule(dueAt, callback, options) {
        if (isDead) return () => undefined;
        const cancel = inner.schedule(dueAt, callback, options);
        timers.add(cancel);
        return cancel;
      },
    },
    async lived(moment, work) {
      pass(moment, false);
      await alive();
      try {
        const value = await work();
        pass(moment, true);
        return value;
      } finally {
        await alive();
      }
    },
  };
}

/** The connection to the store. */
function createCable() {
  let waiting: (() => void)[] | undefined;
  return {
    cut: () => void (waiting ??= []),
    heal() {
      for (const go of waiting?.splice(0) ?? []) go();
      waiting = undefined;
    },
    pass: (): Promise<void> | undefined => waiting && new Promise((resolve) => void waiting?.push(resolve)),
  };
}

interface Line {
  readonly cable: ReturnType<typeof createCable>;
  /** One way of a call. */
  way(): Promise<void> | undefined;
}

function guardStore(inner: RunStore, { lived }: Mortality, { cable, way }: Line): RunStore {
  const through = <T>(work: () => Promise<T>, moment?: MomentBody): Promise<T> =>
    lived(moment, async () => {
      await way();
      await cable.pass();
      try {
        return await work();
      } finally {
        await way();
      }
    });
  return {
    commit: (commit) => through(() => inner.commit(commit), { on: 'commit', entries: commit.entries }),
    load: (runId) => through(() => inner.load(runId)),
    journal: (runId, range) => through(() => inner.journal(runId, range)),
    list: (filter) => through(() => inner.list(filter)),
    claim: (request) => through(() => inner.claim(request)),
    renew: (lease) => through(() => inner.renew(lease)),
    release: (hold) => through(() => inner.release(hold)),
    close: () => inner.close(),
  };
}

interface Noting {
  readonly mortal: Mortality;
  readonly calls: NotedCall[];
  readonly process: number;
}

const guardAgents = (agents: Agents, noting: Noting): Agents =>
  Object.fromEntries(Object.entries(agents).map(([id, agent]) => [id, guardAgent(agent, noting)]));

function guardAgent(given: Agent | AgentFunction, { mortal, calls, process }: Noting): Agent {
  const agent: Agent = typeof given === 'function' ? { run: given } : given;
  const through = <T>(on: NotedCall['on'], request: AgentRequest, work: () => Promise<T>): Promise<T> =>
    mortal.lived({ on, request }, () => {
      calls.push({ process, on, request });
      return work();
    });
  return {
    run: (request, context) => through('call', request, () => agent.run(request, context)),
    ...(agent.probe && { probe: (request, context) => through('probe', request, () => agent.probe!(request, context)) }),
  };
}

interface HookRequest {
  readonly idempotencyKey: string;
  readonly event?: RunEvent;
}

function guardWorkspace(inner: Workspace, noting: Noting & { readonly hooks: NotedHook[] }): Workspace {
  const { mortal, hooks, process } = noting;
  const guarded = Object.entries(inner).map(([name, perform]: [string, unknown]) => {
    const hook = name as keyof Workspace;
    const through = ({ idempotencyKey, event, ...rest }: HookRequest): Promise<unknown> =>
      mortal.lived({ on: 'hook', hook, idempotencyKey, ...(event && { event }) }, async () => {
        hooks.push({ process, hook, idempotencyKey, ...(event && { event }) });
        const call = perform as (request: HookRequest) => Promise<unknown>;
        const answer = await call.call(inner, { idempotencyKey, ...(event && { event }), ...rest });
        return hook === 'hire' ? guardHire(answer, noting) : answer;
      });
    return [hook, through];
  });
  return Object.fromEntries(guarded) as Workspace;
}

/** An agent that comes with its hire lives no longer than any other. */
function guardHire(answer: unknown, noting: Noting): unknown {
  const { agentId, agent } = answer as { readonly agentId: string; readonly agent?: Agent | AgentFunction };
  return { agentId, ...(agent && { agent: guardAgent(agent, noting) }) };
}

/** The commit that holds an entry of this type, of this step where one is named: `true` once it is stored, before anyone knows. */
export const committed =
  (type: JournalEntry['type'], stepId?: string, done = true) =>
  (moment: Moment): boolean =>
    moment.on === 'commit' &&
    moment.done === done &&
    moment.entries.some(
      (entry) => entry.type === type && (stepId === undefined || ('stepId' in entry && entry.stepId === stepId)),
    );

/** The call of a step's agent: when it is made, or when it has answered and nobody has heard. */
export const calling =
  (stepId: string, { attempt = 1, done = false }: { readonly attempt?: number; readonly done?: boolean } = {}) =>
  (moment: Moment): boolean =>
    moment.on === 'call' && moment.done === done && moment.request.stepId === stepId && moment.request.attempt === attempt;

/** The call of a hook: when it is made, or when it has answered and nobody has heard. */
export const hooking =
  (hook: keyof Workspace, done: boolean) =>
  (moment: Moment): boolean =>
    moment.on === 'hook' && moment.hook === hook && moment.done === done;

/** The nth moment of a process, from 1, whichever it is. */
export function nthMoment(nth: number): (moment: Moment) => boolean {
  let seen = 0;
  return () => (seen += 1) === nth;
}

/** The events that a handle knows of now. */
export async function eventsNow(run: Run): Promise<RunEvent[]> {
  const { seq } = run.view();
  const events: RunEvent[] = [];
  if (seq === 0) return events;
  for await (const event of run.events()) {
    events.push(event);
    if (event.seq >= seq) break;
  }
  return events;
}

/** Whatever the handle of a process that is gone had shown, the new one shows: the same events under the same `seq`, the same view of them. */
export async function expectSameHistory(
  before: Run,
  after: Run,
  { plan }: Pick<Proposed, 'plan'>,
): Promise<{ readonly events: readonly RunEvent[]; readonly view: RunView }> {
  const [shown, events] = [await eventsNow(before), await eventsNow(after)];
  expect(events.slice(0, shown.length)).toEqual(shown);
  expect(projectRun(plan, shown)).toEqual(before.view());
  const view = after.view();
  expect(projectRun(plan, events)).toEqual(view);
  return { events, view };
}
