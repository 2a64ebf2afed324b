import type { Json, JsonObject, JsonSchema } from '../shared/json.js';
import type { PlanPolicy } from './policy.js';
import type { CircuitBreakerSpec, Effect, GateSpec, HireSpec, Priority, ResourceLimit, ShedPolicy } from './proposal.js';
import type { Autonomy, StepKind } from './step-traits.js';

export type { StepKind } from './step-traits.js';
export type Phase = 'research' | 'discussion' | 'work' | 'synthesis';

/** Ceilings on spend, money in whole micro-dollars (1 USD = 1,000,000). */
export interface SpendCeiling {
  readonly maxCostMicroUsd?: number;
  readonly maxTokens?: number;
  /** Attempts that may begin, those to undo something included. */
  readonly maxAttempts?: number;
}

/** {@link SpendCeiling} and the other hard ceilings of a run. */
export interface PlanBudget extends SpendCeiling {
  readonly maxSteps?: number;
  readonly maxAgents?: number;
  readonly maxDelegationDepth?: number;
  readonly maxConcurrency?: number;
  readonly maxDurationMs?: number;
  readonly onExceeded: 'fail' | 'pause';
  /** Share of a ceiling from which on there is a warning. Absent for 0.8. */
  readonly warnAt?: number;
  readonly shed?: ShedPolicy;
}

/** Retry with every default filled in; durations in milliseconds. */
export interface RetryPolicy {
  readonly attempts: number;
  readonly backoffMs: number;
  readonly factor: number;
  readonly maxBackoffMs: number;
  readonly jitter: number;
  /** How often in a row a provider may ask for a pause; absent for 20. */
  readonly maxThrottled?: number;
}

export interface PlanEstimate {
  readonly costMicroUsd?: number;
  readonly tokens?: number;
  readonly durationMs?: number;
}

interface PlanRoleBase {
  readonly key: string;
  readonly description?: string;
  readonly promptTemplate?: string;
  readonly clear: boolean;
  readonly tools: readonly string[];
  readonly budget?: SpendCeiling;
  readonly concurrency?: number;
  /** For steps of the role that name none themselves. */
  readonly timeoutMs?: number;
  /** For whoever fills the role; absent for none. */
  readonly breaker?: CircuitBreakerSpec;
  /** Agents that take over, in this order; absent for none. */
  readonly fallbacks?: readonly string[];
  /** For steps of the role that name none themselves. */
  readonly heartbeatTimeoutMs?: number;
  /** Absent for `act-freely`. */
  readonly autonomy?: Autonomy;
  /** What it must be given with a task that another role hands to it. */
  readonly inputSchema?: JsonSchema;
}
export type PlanRole = PlanRoleBase &
  ({ readonly kind: 'existing'; readonly agentId: string } | { readonly kind: 'hire'; readonly hire: HireSpec });

/**
 * One thing the machine executes. `dependsOn` and `join` say when it may start: `all-succeeded` waits for every dependency to
 * succeed and is skipped when one does not; `all-settled` waits until each has ended in any way.
 */
export interface PlanStep {
  readonly id: string;
  readonly kind: StepKind;
  readonly phase: Phase;
  /** A label; not part of the digest. */
  readonly title: string;
  /** Key of the role that carries it out; absent for a step that calls no agent, but has a reducer or rules. */
  readonly role?: string;
  readonly instructions: string;
  readonly dependsOn: readonly string[];
  readonly join: 'all-succeeded' | 'all-settled';
  /** Steps whose outputs it is given. Each lies upstream. */
  readonly input: readonly string[];
  /** Fixed values among its inputs, by name. */
  readonly given?: JsonObject;
  readonly outputSchema?: JsonSchema;
  /** Its output stays in the journal, however big: `expand` of its topology looks at it, and is given nothing but what the journal holds. */
  readonly inline?: true;
  readonly effect: Effect;
  readonly retry: RetryPolicy;
  readonly timeoutMs?: number;
  /** For all attempts and what lies between them, from the first start; absent for no limit. */
  readonly totalTimeoutMs?: number;
  /** How long an attempt may give no sign of life; absent for no limit. */
  readonly heartbeatTimeoutMs?: number;
  readonly resources: readonly { readonly name: string; readonly amount: number }[];
  readonly onFailure: 'continue' | 'fail-run';
  readonly gate?: GateSpec;
  readonly priority: Priority;
  readonly estimate?: PlanEstimate;
  readonly budget?: SpendCeiling;
  readonly compensation?: { readonly role: string; readonly instructions: string };
  /** How its inputs are joined: present on a `reduce` step, and on a ticket or synthesis that calls no agent. */
  readonly reducer?: string;
  /** Name of a shared value that its output is for. */
  readonly writes?: string;
  /** Where a `route` step leads: the first rule that holds. With a role, its agent is asked only where none does. */
  readonly routes?: readonly RouteRule[];
  /** What the agent of a `route` step can choose from. Default: every dependent. */
  readonly choices?: readonly RouteChoice[];
  /**
   * Present on a step that no agent carries out itself: steps are added for it while it runs, and it ends as they bring it to an end. Says who
   * adds them: the topology of the plan, or the loop of work and checks of what is verified.
   */
  readonly expands?: 'topology' | 'verification';
  /** How what it makes is verified. */
  readonly verify?: Verification;
  /** Whether its agent answers with a route: what is to be done next, and by whom. */
  readonly decides?: true;
}

/** How the output of a step is verified before it is released. */
export interface Verification {
  /** What the verifier is asked. */
  readonly instructions: string;
  /** How often what did not pass is done again. */
  readonly maxReworks: number;
}

/** What steps of one kind have in common that may be added while a run is under way. What is left out, each of them brings itself. */
export type StepTemplate = Omit<
  PlanStep,
  | 'id'
  | 'title'
  | 'instructions'
  | 'dependsOn'
  | 'join'
  | 'input'
  | 'given'
  | 'budget'
  | 'estimate'
  | 'compensation'
  | 'verify'
  | 'writes'
>;

/** The most that may be added for one step that {@link PlanStep.expands}. The kernel holds to it, whatever the topology does. */
export interface ExpansionBounds {
  /** Steps in all. */
  readonly steps: number;
  /** Steps that decide, which are asked what is to be done next. */
  readonly decisions: number;
  readonly delegations: number;
  readonly handoffs: number;
  /** Delegations that have not ended, at one time. */
  readonly parallel: number;
  /** How deep delegations may lie in one another; 1 where those to whom something is delegated delegate nothing. */
  readonly depth: number;
}

/** A role that something can be handed to. */
export interface TeamMember {
  readonly role: string;
  readonly description?: string;
  /** How far it may go by itself; absent for `act-freely`. */
  readonly autonomy?: Autonomy;
  /** What it must be given. */
  readonly inputSchema?: JsonSchema;
}

/** How steps are added to a plan whose topology does so while a run is under way. All of it is part of the digest. */
export interface PlanExpansion {
  /** Version of the topology that arranged the plan; `null` for one that has none. Another might add other steps. */
  readonly version: string | null;
  /** What the topology goes by, every default filled in. */
  readonly settings: JsonObject;
  /** Whom a step that decides can turn to; it is told. */
  readonly team: readonly TeamMember[];
  /** For each step that the topology expands. */
  readonly bounds: ExpansionBounds;
}

/** A dependent that the agent of a `route` step can choose. */
export interface RouteChoice {
  readonly to: string;
  /** When to choose it; the agent is told. */
  readonly description?: string;
}

/** One rule of a `route` step. Rules are tried in order; when none holds and there is no role to ask, the step fails. */
export interface RouteRule {
  /** Holds when the step's input, as it is given to the step, satisfies this schema. Left out, the rule always holds. */
  readonly when?: JsonSchema;
  /** The dependents of the route step that go on. Its other dependents are skipped. */
  readonly to: readonly string[];
  /** Why, for the record. */
  readonly reason: string;
}

/**
 * What is analysed, drawn, hashed, approved and stored: plain, frozen JSON. `digest` is SHA-256 over the canonical JSON of
 * everything but labels (`title`s), `metadata`, `revision` and the digest itself.
 */
export interface Plan {
  readonly schemaVersion: 1;
  readonly digest: string;
  readonly revision: number;
  readonly goal: string;
  readonly context: PlanContext;
  readonly topology: { readonly kind: string; readonly options: JsonObject };
  readonly roles: readonly PlanRole[];
  /** In an order in which every step stands after its dependencies. */
  readonly steps: readonly PlanStep[];
  /** What may be added while a run is under way, by name; absent where all steps are known. */
  readonly templates?: Readonly<Record<string, StepTemplate>>;
  /** Absent for a topology that adds nothing. */
  readonly expansion?: PlanExpansion;
  readonly budget: PlanBudget;
  readonly resources: Readonly<Record<string, ResourceLimit>>;
  /** What decides whether a step may start, be tried again, spend, or use a tool, in this order; absent for nothing. */
  readonly policies?: readonly PlanPolicy[];
  readonly metadata?: Json;
}

export interface PlanContext {
  /** `null`: none was given, and that is on record. */
  readonly parentTicket: string | null;
  readonly channel: string | null;
  readonly repositories: readonly string[];
  readonly scope: JsonObject;
}
