import type { Issue } from '../shared/issue.js';
import type { Json, JsonObject, JsonSchema } from '../shared/json.js';
import type { Result } from '../shared/result.js';
import type { ExpansionBounds, PlanStep, StepKind, StepTemplate, TeamMember } from './plan.js';
import type { OrchestrationProposal } from './proposal.js';
import type { StepStatus, StoredError } from './run.js';
import type { Autonomy } from './step-traits.js';

/** The part of a schema library's schema that planwright calls. A zod object fits as it is. */
export interface OptionsSchema<Options> {
  safeParse(
    input: unknown,
  ):
    | { readonly success: true; readonly data: Options }
    | { readonly success: false; readonly error: { readonly issues: readonly OptionsFault[] } };
}
export interface OptionsFault {
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly code?: string | undefined;
}

/**
 * A step as a topology gives it: the id, and what differs from the defaults. A `ticket` step takes what it does not name
 * from the ticket whose key is its id; `dependsOn` left out takes the ticket's.
 */
export type StepDraft = Pick<PlanStep, 'id' | 'kind'> & Partial<Omit<PlanStep, 'id' | 'kind' | 'phase'>>;

/** A {@link StepTemplate} as a topology gives it: what it does not name is taken from a ticket, or is a default. */
export type TemplateDraft = Pick<PlanStep, 'kind' | 'role'> &
  Partial<Omit<StepTemplate, 'kind' | 'role' | 'phase'>> & {
    /** Key of the ticket whose effect, retry, timeout, resources and priority it takes. */
    readonly ticket?: string;
  };

/** What a topology makes of a proposal, where steps are added while the run is under way. */
export interface Arrangement {
  /** Those with `expands: 'topology'` are the goals that steps are added for. */
  readonly steps: readonly StepDraft[];
  /** What may be added, by name. */
  readonly templates: Readonly<Record<string, TemplateDraft>>;
  /** What `expand` goes by. Every default must be filled in: it is approved, and `expand` is given nothing else. */
  readonly settings: JsonObject;
  /** Keys of the roles that a step which decides can turn to. */
  readonly team: readonly string[];
  /** For each goal. */
  readonly bounds: ExpansionBounds;
}

/** A step that was added, as far as a topology may see it. */
export interface AddedStep {
  readonly id: string;
  readonly kind: StepKind;
  readonly role: string;
  readonly template: string;
  /** Id of the step that decided on it, or of the goal. */
  readonly parent: string;
  /** Delegations that it lies in, its own included. */
  readonly depth: number;
  readonly decides: boolean;
  readonly session: string | undefined;
  readonly instructions: string;
  readonly isVerbatim: boolean;
  readonly given: JsonObject | undefined;
  readonly input: readonly string[];
  readonly inputAs: Readonly<Record<string, string>> | undefined;
  readonly status: StepStatus;
}

/** How a step that was added has ended. */
export type ReportOutcome =
  | 'completed'
  | 'needs-context'
  | 'rejected'
  | 'failed'
  | 'timed-out'
  | 'skipped'
  | 'cancelled'
  /** It was replaced by another delegation before it had ended. */
  | 'superseded';

/** What may be said of a step without its having ended, or after. */
export type ReportNotice =
  /** It has not reported in its time. It is under way still. */
  | 'overdue'
  /** It may have happened, and nobody knows. */
  | 'in-doubt'
  /** It came when nobody waited for it any more. */
  | 'late';

/** What a deciding step is told of a delegation. */
export interface Report {
  readonly delegationId: string;
  readonly role: string;
  /** `refused`: it was not begun, and `output` says why. */
  readonly outcome: ReportOutcome | ReportNotice | 'refused';
  /** What it made; where it made nothing, an error with `code` and `message`. */
  readonly output: Json;
}

/**
 * A report, or where it is to be found: the id of a step whose end is reported, or that of a step which has made what is reported for
 * another.
 */
export type ReportReference = string | Report | (Omit<Report, 'output'> & { readonly outputFrom: string });

/** What has happened to a goal. */
export type ExpansionEvent =
  /** Its turn has come: nothing was added yet. */
  | { readonly type: 'begun' }
  /** A step that decides has answered. `route` is whatever its agent gave, `null` for nothing: it is not checked. */
  | { readonly type: 'decided'; readonly step: AddedStep; readonly route: Json; readonly output: Json }
  /** Any other step has ended, or one that decides has ended without an answer. */
  | {
      readonly type: 'reported';
      readonly step: AddedStep;
      readonly outcome: ReportOutcome;
      /** Where it completed. A reference where it was put away: give the template `inline: true` to see the value whatever its size. */
      readonly output?: Json;
      /** Where it did not. */
      readonly error?: StoredError;
    }
  | { readonly type: 'noticed'; readonly step: AddedStep; readonly notice: ReportNotice; readonly output?: Json };

/** How many steps were added to a goal so far. `parallel`: delegations that have not ended. */
export type ExpansionCounts = Readonly<Record<Exclude<keyof ExpansionBounds, 'depth'>, number>>;

/** All that `expand` may see. */
export interface ExpansionState {
  readonly goal: Pick<PlanStep, 'id' | 'role' | 'instructions' | 'input' | 'given' | 'join' | 'outputSchema' | 'verify'>;
  /** The ticket that it is, or is a part of. */
  readonly ticket: string;
  readonly team: readonly TeamMember[];
  readonly settings: JsonObject;
  readonly bounds: ExpansionBounds;
  readonly counts: ExpansionCounts;
  /** What the last expansion of the goal has left; `null` at first. */
  readonly memo: Json;
  /** When it happened, in milliseconds since the epoch. */
  readonly at: number;
  hasTemplate(name: string): boolean;
  /** A step that was added to the goal. */
  stepOf(id: string): AddedStep | undefined;
  /** Steps of the goal that have not ended, in the order in which they were added. */
  open(): readonly AddedStep[];
  /** What is wrong with a value by a JSON Schema (draft 2020-12), a sentence for each fault; empty for nothing. */
  faultsOf(schema: JsonSchema, value: Json): readonly string[];
  /** How far a role may go by itself. */
  autonomyOf(role: string): Autonomy;
  /** Whether the agent of a role takes part already, or may, once those of the roles do that are added with it: `budget.maxAgents`. */
  admits(role: string, beside?: Iterable<string>): boolean;
}

/** A step to add. */
export interface StepAddition {
  /** Its id is that of the goal, a slash, and this. Must be new to the goal. */
  readonly name: string;
  readonly template: string;
  /** Id of the step that decided on it, or of the goal. */
  readonly parent: string;
  /** A label. */
  readonly title: string;
  readonly instructions: string;
  /** The instructions are an agent's, not the plan's: what looks like a placeholder in them is none. */
  readonly isVerbatim?: true;
  /** Steps of the same goal that must have ended, in any way, before it starts. */
  readonly dependsOn?: readonly string[];
  /** Steps whose outputs it is given by their ids: inputs of the goal, and steps of the goal that have ended. */
  readonly input?: readonly string[];
  /** Outputs of such steps that it is given by other names. */
  readonly inputAs?: Readonly<Record<string, string>>;
  /** Fixed values among its inputs, by name. */
  readonly given?: JsonObject;
  /** Whether it is told which tickets among its inputs have no output, and why, as a synthesis is. */
  readonly seesGaps?: true;
  /** What a step that decides is told. */
  readonly reports?: readonly ReportReference[];
  /** It may finish the goal: its agent is told the schema that the goal's output must satisfy. */
  readonly mayFinish?: true;
  /** What the board of a step that decides shows besides. */
  readonly board?: JsonObject;
  /** Name of a conversation of its role in this run that it goes on with. Default: the role's one, or for `clear: true` a new one. */
  readonly session?: string;
  /** Time after its start, in milliseconds, when it is `overdue`. Left out: never. */
  readonly overdueAfterMs?: number;
}

/** What follows from an event. */
export interface Expansion {
  /** What the next expansion of the goal is to know. Left out, it stays as it was. Keep it small: it is stored with every snapshot. */
  readonly memo?: Json;
  readonly add?: readonly StepAddition[];
  /** Steps that are no longer wanted: those under way are aborted. `outcome` is what their reports will say. */
  readonly cancel?: readonly {
    readonly id: string;
    readonly outcome: 'cancelled' | 'superseded';
    readonly reason: string;
  }[];
  /** What of a decision was not followed, and why. For the record. */
  readonly refused?: readonly StoredError[];
  /** Why it goes this way. For the record. */
  readonly reason?: string;
  /** The goal is over: its output is that of a step, or it has failed. What is under way still is cancelled. */
  readonly end?: { readonly succeeded: string; readonly isVerified?: true } | { readonly failed: StoredError };
}

/** {@link Topology.expand} */
export type Expand = (state: ExpansionState, event: ExpansionEvent) => Expansion;

/**
 * How the work of a proposal is arranged. A topology is a pure plug-in: it gives the work steps; research, discussion and
 * synthesis are put around them by `planProposal`, which also checks ids, roles, dependencies and cycles.
 *
 * Rules (checked by `topologyConformance`): equal input gives equal output; input is not changed; every ticket is the id of
 * exactly one `ticket` step, unless `arrange` refuses the proposal with an issue.
 */
export interface Topology<Options = unknown> {
  /** The name that a proposal's `topology.kind` uses. */
  readonly kind: string;
  /**
   * Changes whenever `arrange` gives other steps for the same proposal, or `expand` answers otherwise. A run that was planned under another
   * version is not taken up after a restart. Left out: the plan is made again on each restart, and compared.
   */
  readonly version?: string;
  /** One sentence for planners and for docs: when to use it. */
  readonly description: string;
  /** Checks the options that stand beside `kind` in the proposal. Should refuse unknown ones. */
  readonly options: OptionsSchema<Options>;
  arrange(proposal: OrchestrationProposal, options: Options): Result<readonly StepDraft[] | Arrangement, Issue[]>;
  /**
   * What follows for a goal from what has just happened: new steps, or its end. Pure: it is called again when a run is replayed, and must then
   * answer the same. Required where `arrange` gives steps that are expanded.
   */
  readonly expand?: Expand;
}
