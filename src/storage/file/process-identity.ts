import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** A process, told apart from every other as far as its system can tell. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly host: string;
  /** Which start of the system; only Linux says. */
  readonly boot?: string;
  /** Within what its `pid` counts: containers have numbers of their own. Only Linux says. */
  readonly namespace?: string;
  /** When the process began, in ticks of the system, because a `pid` is used again. Only Linux says. */
  readonly startedAt?: string;
}

export type Liveness = 'alive' | 'gone' | 'unknown';

/** The process that asks. */
export function ownIdentity(): ProcessIdentity {
  const boot = attempt(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim());
  const namespace = attempt(() => readlinkSync('/proc/self/ns/pid'));
  const startedAt = processState(process.pid)?.startedAt;
  return {
    pid: process.pid,
    host: hostname(),
    ...(boot !== undefined && { boot }),
    ...(namespace !== undefined && { namespace }),
    ...(startedAt !== undefined && { startedAt }),
  };
}

/** Whether a process still runs. `unknown` where another system, or another container, would have to be asked. */
export function livenessOf(other: ProcessIdentity, self: ProcessIdentity = ownIdentity()): Liveness {
  if (other.host !== self.host) return 'unknown';
  if (other.boot !== self.boot) return 'gone';
  if (other.namespace !== self.namespace) return 'unknown';
  if (!isRunning(other.pid)) return 'gone';
  const state = processState(other.pid);
  if (state === undefined || other.startedAt === undefined) return 'unknown';
  // A process that was killed and not yet collected by its parent still has its number.
  return state.startedAt === other.startedAt && !state.hasEnded ? 'alive' : 'gone';
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

function processState(pid: number): { readonly startedAt: string; readonly hasEnded: boolean } | undefined {
  const text = attempt(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  // The name of the program, in parentheses, may hold anything.
  const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state, startedAt] = [fields?.[0], fields?.[19]];
  return state !== undefined && startedAt !== undefined ? { startedAt, hasEnded: 'ZX'.includes(state) } : undefined;
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
