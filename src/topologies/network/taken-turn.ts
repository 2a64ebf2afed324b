import type { AddedStep } from '../../core/ports/topology.js';
import type { Line, Memo } from './memo.js';

/** A turn that has been taken, and the line that it belongs to. */
export interface TakenTurn {
  readonly step: AddedStep;
  readonly memo: Memo;
  readonly name: string;
  readonly line: Line;
}
