import { readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** Who drives runs, as other processes see it. */
export interface ProcessOwner {
  /** Differs from that of every other orchestrator, also of one of the same name. */
  readonly id: string;
  /** Whether the owner of this id is surely no longer at work. */
  isGone(id: string): boolean;
  /** This one is no longer at work. */
  leave(): void;
}

/** Owners at work in this process. */
const present = new Set<string>();
let created = 0;

/**
 * An owner's id: `name@machine/pid/nth`. On one machine a process that has ended is known by its pid. A process that starts under the name
 * of another takes that one's place; names are therefore given to one process at a time.
 */
export function createProcessOwner(name = ''): ProcessOwner {
  created += 1;
  const id = `${encodeURIComponent(name)}@${machine()}/${process.pid}/${created}.${Math.round(performance.timeOrigin)}`;
  present.add(id);
  return {
    id,
    isGone(other) {
      if (other === id) return false;
      const [theirs, ours] = [partsOf(other), partsOf(id)];
      if (!theirs || !ours) return false;
      if (name !== '' && theirs.name === ours.name) return true;
      if (theirs.machine !== ours.machine) return false;
      return theirs.pid === process.pid ? !present.has(other) : !isRunning(theirs.pid);
    },
    leave: () => void present.delete(id),
  };
}

function partsOf(id: string): { readonly name: string; readonly machine: string; readonly pid: number } | undefined {
  const [, name, where, pid] = /^([^@]*)@([^/]*)\/(\d+)\//.exec(id) ?? [];
  return name === undefined || where === undefined ? undefined : { name, machine: where, pid: Number(pid) };
}

/** The host, and where it tells, the room in which its process ids count: containers may share a host's name, but not that. */
function machine(): string {
  let room = '';
  try {
    room = readlinkSync('/proc/self/ns/pid').replaceAll(/\D/g, '');
  } catch {
    // Not a system that has such rooms.
  }
  return encodeURIComponent(`${hostname()}:${room}`);
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Anything but "no such process" means that there is one, which is not ours to signal.
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
