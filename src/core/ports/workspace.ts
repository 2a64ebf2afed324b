import type { Json } from '../shared/json.js';
import type { Agent, AgentFunction } from './agent.js';
import type { HireSpec } from './proposal.js';
import type { RunEvent } from './run-output.js';

/** Handed to every call: `idempotencyKey` is equal for a call that is made again after a crash. */
export interface WorkspaceCall {
  readonly runId: string;
  readonly idempotencyKey: string;
}

/**
 * The house around a run: where hires are made, where the work items live. Every method is optional; what is missing is left
 * out. Calls may be repeated after a crash, with the same idempotency key.
 */
export interface Workspace {
  /** Creates the agent of a `hire` role. Called after approval, never before; once per role. */
  hire?(request: WorkspaceCall & { readonly role: string; readonly hire: HireSpec }): Promise<{
    readonly agentId: string;
    /** The agent itself, where it is not among the orchestrator's `agents`. */
    readonly agent?: Agent | AgentFunction;
  }>;
  /** Lets a hire go when the run has ended. */
  release?(request: WorkspaceCall & { readonly role: string; readonly agentId: string }): Promise<void>;
  createTeam?(
    request: WorkspaceCall & {
      readonly name: string;
      /** Agent of the synthesis role. */
      readonly leader: string;
      readonly members: readonly { readonly role: string; readonly agentId: string }[];
    },
  ): Promise<{ readonly teamId: string }>;
  createProject?(
    request: WorkspaceCall & {
      readonly name: string;
      readonly parentTicket: string | null;
      readonly teamId: string | null;
      readonly tickets: readonly { readonly key: string; readonly title: string }[];
    },
  ): Promise<{ readonly projectId: string }>;
  /** Puts the deliverable on the parent ticket. Done before the run counts as completed. */
  deliver?(request: WorkspaceCall & { readonly parentTicket: string | null; readonly deliverable: Json }): Promise<void>;
  /**
   * Every event of the run, for the parent ticket. A fault here never touches the run. Only the event that ends the run is waited for: it is
   * told up to three times, and again after a crash, always under the same idempotency key.
   */
  updateTicket?(request: WorkspaceCall & { readonly parentTicket: string; readonly event: RunEvent }): Promise<void> | void;
  /** Every event of the run, for the shared channel. Not waited for; a fault here never touches the run. */
  postToChannel?(request: WorkspaceCall & { readonly channel: string; readonly event: RunEvent }): void;
}
