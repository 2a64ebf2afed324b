import type { AddedFacts } from '../materializer/definition.js';
import type { ExpansionCounts } from '../ports/topology.js';
import type { Json, JsonObject } from '../shared/json.js';

/** A step that steps are added for while it runs, from its start on. */
export interface Goal {
  /** Its row in the step table. */
  readonly index: number;
  /** What the topology has left for its next expansion. */
  memo: Json;
  /** Rows of the steps that were added, in their order. */
  readonly added: number[];
  /** Those of them that have ended, in the order in which they have. */
  readonly ended: number[];
  /** Those that have not. */
  readonly open: Set<number>;
  readonly counts: { -readonly [Key in keyof ExpansionCounts]: number };
  /** Those that somebody was given to do, in all, and those of them that have ended. */
  readonly tasks: { tasks: number; done: number };
  /** Nothing is added any more. */
  isOver: boolean;
}

/** A goal as it is stored. What was added follows from the steps themselves. */
export type StoredGoal = readonly [index: number, memo: Json, ended: readonly number[], isOver: boolean];

/** A step that was added, as it is stored: what it was added as is in the definition. */
export interface StoredStep {
  readonly id: string;
  readonly instructions: string;
  readonly dependsOn: readonly string[];
  readonly input: readonly string[];
  readonly given?: JsonObject;
  readonly added: AddedFacts;
}

/** What an agent has answered, until the goal of its step has heard of it. */
export interface Answer {
  readonly output: Json;
  readonly route: Json;
}
