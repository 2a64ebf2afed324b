import type { PoolConfig } from 'pg';

/** Where a process keeps its runs. */
export type StorePlace =
  | { readonly kind: 'sqlite'; readonly path: string }
  | { readonly kind: 'file'; readonly directory: string }
  | { readonly kind: 'postgres'; readonly connection: PoolConfig; readonly schema: string };

/** What a process that drives runs is told at its start. */
export interface ChildTask {
  readonly store: StorePlace;
  /** Socket of the world outside. */
  readonly world: string;
  /** The file that it tells of what it does. */
  readonly witness: string;
  /** `live`: sees to it that there is a run of every story, and that all of them end. `serve`: does as it is told. */
  readonly kind: 'live' | 'serve';
  /** Stories by name. Default: all of them. */
  readonly stories?: readonly string[];
  /** Whether approvals are repeated before the runs are taken up, or after. Default: after. */
  readonly approvesFirst?: boolean;
  /** Default: 30,000. */
  readonly leaseMs?: number;
  /** Default: so many that nothing is taken for a step that ends its process. */
  readonly maxLostStarts?: number;
  /** Factor of every delay. Default: 0.1. */
  readonly pace?: number;
  /** A step that takes its process down whenever it starts, and its story. */
  readonly poison?: { readonly story: string; readonly stepId: string };
  /** Journals are compacted as early as can be, and runs are given no memory to speak of. */
  readonly tight?: boolean;
  /** Every effect honours its key: none is done blindly. */
  readonly careful?: boolean;
}

/** What a `serve` process can be asked for: the id of a run that is proposed, or what came of a verb. */
export type ChildVerb = 'propose' | 'approve' | 'recover' | 'result' | 'decide' | 'view' | 'close';

/** An answer on its standard output. */
export type ChildAnswer = readonly [id: number, value: unknown, error?: ChildFault];
export interface ChildFault {
  readonly code: string;
  readonly cause: string;
  readonly message: string;
}
