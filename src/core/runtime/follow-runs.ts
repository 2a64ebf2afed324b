import type { CancelTimer, Clock } from '../ports/clock.js';
import { isTerminal } from './is-terminal.js';
import type { ManagedRun } from './managed-run.js';

/** Keeps runs up to date that another process drives. */
export interface RunFollower {
  /** Until the run has ended or, where nobody waits for that, until it has not been looked at for some seconds. */
  follow(run: ManagedRun, options: { readonly isWaitedFor: boolean }): void;
}

export interface RunFollowerOptions {
  readonly clock: Clock;
  readonly isClosing: () => boolean;
  /** Brings a run to where it is stored; gives what shows it then. */
  readonly catchUp: (run: ManagedRun) => Promise<ManagedRun>;
}

/** How often a run is looked at, in milliseconds. */
const followMs = 500;
/** How long after somebody has asked for a view it is kept up to date for the next. */
const viewedMs = 10_000;

interface Following {
  isWaitedFor: boolean;
  viewedAt: number;
  /** Absent while it is being looked at. */
  cancel: CancelTimer | undefined;
}

export function createRunFollower({ clock, isClosing, catchUp }: RunFollowerOptions): RunFollower {
  const following = new Map<ManagedRun, Following>();
  const hasNews = (run: ManagedRun): boolean =>
    !run.isDriven && !run.halted && !isClosing() && (run.isOpen || run.status === 'proposed');
  const isWanted = ({ isWaitedFor, viewedAt }: Following): boolean => isWaitedFor || clock.now() - viewedAt <= viewedMs;

  const lookLater = (run: ManagedRun, how: Following): void => {
    // What nobody has approved may stay so for ever, and of what is over everything is known that matters.
    const background = !how.isWaitedFor || run.status === 'proposed' || isTerminal(run.status);
    how.cancel = clock.schedule(clock.now() + followMs, () => void look(run, how), { background });
  };

  const look = async (run: ManagedRun, how: Following): Promise<void> => {
    how.cancel = undefined;
    try {
      if (hasNews(run)) begin(await catchUp(run), how);
    } catch (error) {
      run.halt(error);
    }
    if (hasNews(run) && isWanted(how)) lookLater(run, how);
    else following.delete(run);
  };

  const begin = (run: ManagedRun, how: Following): void => {
    if (following.has(run) || !hasNews(run)) return;
    following.set(run, how);
    void look(run, how);
  };

  return {
    follow(run, { isWaitedFor }) {
      const how = following.get(run);
      if (!how) {
        begin(run, { isWaitedFor, viewedAt: clock.now(), cancel: undefined });
        return;
      }
      how.viewedAt = clock.now();
      if (!isWaitedFor || how.isWaitedFor) return;
      how.isWaitedFor = true;
      if (!how.cancel) return;
      // From now on the process stays for it.
      how.cancel();
      lookLater(run, how);
    },
  };
}
