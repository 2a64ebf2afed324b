import type { AgentContext, AgentRequest } from '../ports/agent.js';
import { ArtifactNotFoundError } from '../runtime/artifact-errors.js';
import { isArtifactRef } from '../shared/artifact-ref.js';
import { canonicalJson } from '../shared/canonical-json.js';
import { sha256Hex } from '../shared/digest.js';
import type { Json } from '../shared/json.js';

/** The run that samples are of. */
const sampleRun = 'run-0001';

/** A request as an agent gets it, for tests of agents: first attempt at a ticket, nothing in its input, no limits. */
export const sampleRequest = (overrides: Partial<AgentRequest> = {}): AgentRequest => ({
  runId: 'run-0001',
  stepId: 'ticket',
  kind: 'ticket',
  role: 'worker',
  attempt: 1,
  idempotencyKey: `${overrides.runId ?? 'run-0001'}/${overrides.stepId ?? 'ticket'}/${overrides.attempt ?? 1}`,
  instructions: 'Answer with one short sentence that says that you are ready.',
  input: {},
  gaps: [],
  session: `${overrides.runId ?? 'run-0001'}/${overrides.stepId ?? 'ticket'}`,
  allowance: {},
  tools: [],
  context: { parentTicket: null, channel: null, repositories: [], scope: {}, teamId: null, projectId: null },
  ...overrides,
});

/** An {@link AgentContext} outside any run, which keeps what the agent told it. */
export interface RecordedContext extends AgentContext {
  readonly messages: readonly string[];
  readonly heartbeats: readonly (Json | undefined)[];
}

/** Creates a {@link RecordedContext}: `once` keeps results by name, `call` has no limits, `tool` lets every tool through, artifacts are kept in memory. */
export function createRecordedContext({
  signal = new AbortController().signal,
}: { readonly signal?: AbortSignal } = {}): RecordedContext {
  const results = new Map<string, Promise<unknown>>();
  const artifacts = new Map<string, string>();
  const messages: string[] = [];
  const heartbeats: (Json | undefined)[] = [];
  return {
    signal,
    messages,
    heartbeats,
    once<T>(name: string, fn: () => Promise<T> | T): Promise<T> {
      const result = (results.get(name) as Promise<T> | undefined) ?? Promise.resolve().then(fn);
      results.set(name, result);
      return result;
    },
    async artifact(ref) {
      const content = isArtifactRef(ref) ? artifacts.get(ref.$artifact) : undefined;
      if (content === undefined) throw new ArtifactNotFoundError(sampleRun, ref, 'only what this context was given is there.');
      return JSON.parse(content) as Json;
    },
    async putArtifact(name, content) {
      const text = canonicalJson(content);
      const $artifact = `sha256:${sha256Hex(text)}`;
      artifacts.set($artifact, text);
      return { $artifact, runId: sampleRun, stepId: 'ticket', name, bytes: Buffer.byteLength(text), preview: text.slice(0, 200) };
    },
    call: async (_resource, fn) => fn(signal),
    tool: async (_name, fn) => fn(signal),
    heartbeat: (details) => heartbeats.push(details),
    progress: (message) => messages.push(message),
  };
}
