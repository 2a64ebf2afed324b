import type { StepStatus } from '../ports/run.js';
import type { StepView } from './step-view.js';

/**
 * What a role is doing: `thinking` where it decides what is to be done next, `working` at anything else, `waiting` for a turn, a pause to end, or a
 * person; `error` where the last that it did failed, else `idle`.
 */
export type RoleStatus = 'thinking' | 'working' | 'waiting' | 'idle' | 'error';

/** A role as it stands. */
export interface RoleView {
  readonly role: string;
  readonly status: RoleStatus;
  /** Since when, in milliseconds since the epoch; 0 before anything has happened to it. */
  readonly since: number;
}

type WatchedStep = Pick<StepView, 'role' | 'kind' | 'status' | 'isGoal'>;

/** Follows what roles are doing, from one event to the next. */
export interface RoleWatch {
  /** A step of a role is in another status than before. */
  move(step: WatchedStep, change: { readonly from: StepStatus; readonly at: number }): void;
  /** A step of a role has come about. */
  add(step: WatchedStep): void;
  /** Other steps have taken the place of those before. */
  reset(steps: Iterable<WatchedStep>, at: number): void;
  views(): RoleView[];
}

interface Figures {
  thinking: number;
  working: number;
  waiting: number;
  hasFailed: boolean;
  status: RoleStatus;
  since: number;
}

/** `known`: how roles stood where a fold goes on that was begun before. */
export function createRoleWatch(roles: readonly string[], known: readonly RoleView[] = []): RoleWatch {
  const fresh = (): Figures => ({ thinking: 0, working: 0, waiting: 0, hasFailed: false, status: 'idle', since: 0 });
  const figures = new Map(roles.map((role) => [role, fresh()]));
  for (const { role, status, since } of known) figures.set(role, { ...fresh(), status, since, hasFailed: status === 'error' });
  const count = (role: string, kind: StepView['kind'], status: StepStatus, change: 1 | -1): void => {
    const of = figures.get(role) ?? fresh();
    figures.set(role, of);
    if (status === 'running' || status === 'compensating') of[kind === 'route' ? 'thinking' : 'working'] += change;
    else if (status === 'ready' || status === 'gated' || status === 'backing-off' || status === 'in-doubt') of.waiting += change;
  };
  const add = ({ role, kind, status, isGoal }: WatchedStep): void => {
    if (role !== undefined && !isGoal) count(role, kind, status, 1);
  };
  const update = (of: Figures, at: number): void => {
    const now = statusOf(of);
    if (now !== of.status) Object.assign(of, { status: now, since: at });
  };
  return {
    add,
    reset(steps, at) {
      for (const of of figures.values()) Object.assign(of, { thinking: 0, working: 0, waiting: 0 });
      for (const step of steps) add(step);
      for (const of of figures.values()) update(of, at);
    },
    move({ role, kind, status, isGoal }, { from, at }) {
      // A goal is at work only in the steps that were added for it.
      if (role === undefined || isGoal || status === from) return;
      count(role, kind, from, -1);
      count(role, kind, status, 1);
      const of = figures.get(role)!;
      if (status === 'failed') of.hasFailed = true;
      else if (status === 'running' || status === 'succeeded') of.hasFailed = false;
      update(of, at);
    },
    views: () => Array.from(figures, ([role, { status, since }]) => ({ role, status, since })),
  };
}

function statusOf({ thinking, working, waiting, hasFailed }: Figures): RoleStatus {
  if (thinking > 0) return 'thinking';
  if (working > 0) return 'working';
  if (waiting > 0) return 'waiting';
  return hasFailed ? 'error' : 'idle';
}
