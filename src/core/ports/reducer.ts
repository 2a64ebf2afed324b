import type { Json } from '../shared/json.js';

/** One input of a step that has a reducer: where it came from, and what it is. */
export interface Contribution {
  readonly stepId: string;
  /** Role of the step that it came from; empty for a step that calls no agent. */
  readonly role: string;
  /** Whole, as the step gave it, and frozen. */
  readonly output: Json;
}

/** What one writer gave for a place where others gave something else. */
export interface ConflictValue {
  /** Id of the step. */
  readonly from: string;
  /** Its role; empty for a step that calls no agent. */
  readonly role: string;
  /** Whole. */
  readonly value: Json;
}

/** A place of a joined value for which its writers did not agree. */
export interface Conflict {
  /** RFC 6901 JSON Pointer into the outputs; `''` for the whole of them. */
  readonly pointer: string;
  /** What each writer gave for it, in plan order, the agreeing ones included. */
  readonly values: readonly ConflictValue[];
  /** The step whose value stands. Absent where it is nobody's alone. */
  readonly chosen?: string;
}

/** A joined value with a record of what its writers did not agree on. Made by `withConflicts`. */
export interface Reduced {
  readonly output: Json;
  readonly conflicts: readonly Conflict[];
}

/**
 * Joins outputs into one. Gets those that there are in plan order, whatever the order in which they came; those of steps that failed are left
 * out. Must be pure: no clock, no chance, no I/O, and nothing of what it is given may be changed. What it throws fails the step.
 */
export type Reducer = (contributions: readonly Contribution[]) => Json | Reduced;
