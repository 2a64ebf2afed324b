import type { AgentContext } from '../ports/agent.js';
import { AgentError } from '../shared/agent-error.js';
import { copyJson } from '../shared/copy-json.js';
import type { ArtifactRef } from '../shared/artifact-ref.js';
import type { Json } from '../shared/json.js';
import { ArtifactStoreMissingError } from './artifact-errors.js';
import type { Artifacts } from './artifacts.js';
import { UnknownResourceError } from './errors.js';
import type { Pulse } from './pulse.js';
import { ownJson } from '../shared/own-json.js';

/** What an attempt's context reaches the run through. */
export interface ContextPorts {
  readonly signal: AbortSignal;
  readonly resources: ReadonlySet<string>;
  /** Calls a resource when its limits allow it. */
  enter<T>(resource: string, fn: (signal: AbortSignal) => Promise<T> | T): Promise<T>;
  /** Results of `once` by name, of this step. */
  readonly recorded: Map<string, Promise<Json>>;
  /** Put before each name, so that a step and what undoes it keep their results apart. */
  readonly scope: string;
  /** Journals the result of a `once`; resolves when it is durable. */
  record(name: string, value: Json): Promise<void>;
  progress(message: string): void;
  /** Whatever the attempt does through its context is a sign of life. */
  readonly pulse: Pulse;
  /** Resolves where a tool may be called. */
  admit(tool: string, input: unknown): Promise<void>;
  readonly artifacts: Artifacts | undefined;
  readonly runId: string;
  readonly stepId: string;
}

/** Progress lines that one attempt may put into the journal; what comes after is left out, so that a flood cannot fill the store. */
const mostProgress = 100;
/** Artifacts that one attempt may put aside, for the same reason. */
const mostArtifacts = 1_000;

export function createAgentContext(ports: ContextPorts): AgentContext {
  const { signal, resources, recorded, scope, record, progress, admit, enter, pulse } = ports;
  let lines = 0;
  return {
    signal,
    once<T extends Json>(name: string, fn: () => Promise<T> | T): Promise<T> {
      pulse.beat();
      const key = scope + name;
      let result = recorded.get(key);
      if (!result) {
        result = alive(pulse, run(key, fn, record));
        recorded.set(key, result);
        // What failed has not happened: a later attempt may try again.
        result.catch(() => recorded.delete(key));
      }
      // Each gets a copy: what one attempt does to it is not what happened.
      return result.then(copyJson) as Promise<T>;
    },
    ...artifactVerbs(ports),
    async call(resource, fn) {
      if (!resources.has(resource)) throw new UnknownResourceError(resource, [...resources]);
      return await alive(
        pulse,
        enterAwake(pulse, fn, (work) => enter(resource, work)),
      );
    },
    async tool(name, fn, input) {
      pulse.beat();
      await admit(name, input);
      pulse.beat();
      return await alive(pulse, fn(signal));
    },
    heartbeat: (details: unknown) => pulse.beat(details),
    progress(message: unknown) {
      pulse.beat();
      lines += 1;
      if (lines <= mostProgress && !signal.aborted) progress(String(message).slice(0, 1_000).toWellFormed());
    },
  };
}

/** Passes on what comes, which is a sign of life, whatever it is. */
async function alive<T>(pulse: Pulse, work: Promise<T> | T): Promise<T> {
  try {
    return await work;
  } finally {
    pulse.beat();
  }
}

/** Calls a resource. While a call waits for its turn, the attempt cannot be expected to say anything; once it is made, it can. */
async function enterAwake<T>(
  pulse: Pulse,
  fn: (signal: AbortSignal) => Promise<T> | T,
  enter: (work: (signal: AbortSignal) => Promise<T>) => Promise<T>,
): Promise<T> {
  let goOn = pulse.pause();
  try {
    return await enter(async (signal) => {
      goOn();
      try {
        return await fn(signal);
      } finally {
        // Its provider may have asked for a pause: then it waits again.
        goOn = pulse.pause();
      }
    });
  } finally {
    goOn();
  }
}

async function run(name: string, fn: () => Promise<Json> | Json, record: ContextPorts['record']): Promise<Json> {
  // A function that gives nothing back is one that was called for its effect.
  const given: unknown = await fn();
  const value = ownJson(given ?? null);
  if (!value.ok) throw new AgentError(`The result of once("${name}") is not JSON ${value.error}.`, { reason: 'result_not_json' });
  await record(name, value.value);
  return value.value;
}

function artifactVerbs({
  artifacts,
  signal,
  runId,
  stepId,
  pulse,
}: Pick<ContextPorts, 'artifacts' | 'signal' | 'runId' | 'stepId' | 'pulse'>): Pick<AgentContext, 'artifact' | 'putArtifact'> {
  let put = 0;
  return {
    async artifact(ref) {
      if (!artifacts) throw new ArtifactStoreMissingError();
      pulse.beat();
      return alive(pulse, unlessAborted(signal, artifacts.read(runId, ref)));
    },
    async putArtifact(name: unknown, content): Promise<ArtifactRef> {
      if (!artifacts) throw new ArtifactStoreMissingError();
      put += 1;
      const tooMany = `One attempt may put ${mostArtifacts} artifacts aside. Put what belongs together into one.`;
      if (put > mostArtifacts) throw new AgentError(tooMany, { reason: 'too_many_artifacts', retryable: false });
      const label = String(name).slice(0, 200).toWellFormed();
      pulse.beat();
      return alive(pulse, unlessAborted(signal, artifacts.put({ runId, stepId, name: label }, content)));
    },
  };
}

/** What work gives, or the reason of the signal once that fires. */
function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
