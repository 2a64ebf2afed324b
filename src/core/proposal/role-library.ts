import { deepFreeze } from '../shared/freeze.js';

/** A role without anybody to fill it: `{ key, ...roleLibrary.coder, kind: 'existing', agentId }` is a role of a proposal. */
export interface LibraryRole {
  readonly description: string;
  readonly promptTemplate: string;
  /** Whether each step gets a fresh session. */
  readonly clear: boolean;
}

/** Roles that teams which write software mostly have, to begin with. No name is special: any other does as well. */
export const roleLibrary = deepFreeze({
  coder: {
    description: 'Writes and changes code until it does what was asked.',
    promptTemplate: 'You write code. Do what the task asks and nothing else, and say what you changed.',
    clear: true,
  },
  reviewer: {
    description: 'Reads a change and says what is wrong with it. Changes nothing.',
    promptTemplate: 'You review a change that somebody else made. Say what must be mended and why, or that nothing must.',
    clear: true,
  },
  auditor: {
    description: 'Looks for faults of security and licence in a change. Changes nothing.',
    promptTemplate: 'You audit a change for security. Name each risk, how bad it is, and what would remove it.',
    clear: true,
  },
  tester: {
    description: 'Writes and runs tests, and says what fails.',
    promptTemplate: 'You write and run tests. Report what passed, what failed, and with what message.',
    clear: true,
  },
  documenter: {
    description: 'Writes what users of a change need to know.',
    promptTemplate: 'You write documentation. Say only what was seen to work.',
    clear: true,
  },
  release: {
    description: 'Brings a finished change to its users: branch, pull request, release. Remembers where it is.',
    promptTemplate: 'You release a change. Do one step at a time, and go on from where you left off.',
    clear: false,
  },
  researcher: {
    description: 'Finds out what others need to know before they begin.',
    promptTemplate: 'You research a question. Give what you found, and where it is from.',
    clear: true,
  },
}) satisfies Readonly<Record<string, LibraryRole>>;
