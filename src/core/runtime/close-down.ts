import { OrchestratorClosedError } from './errors.js';
import { isTerminal } from './is-terminal.js';
import type { Recovery } from './recover-runs.js';
import type { RunRegistry } from './run-registry.js';
import type { RunSurroundings } from './run-surroundings.js';
import { withinLimit } from './within-limit.js';

interface Closing {
  readonly runs: RunRegistry;
  readonly recovery: Recovery;
  readonly surroundings: RunSurroundings;
}

/** Lets what is under way end within the grace time, and leaves the rest to whoever takes it up next. */
export async function closeDown({
  runs,
  recovery,
  surroundings: { clock, queue, graceMs, hold, breakers, gate },
}: Closing): Promise<void> {
  recovery.stop();
  gate.close();
  // Once `closing` is set, what is queued ends without starting; only attempts under way are waited for, and what follows from them.
  const drained = queue.idle().then(() => Promise.all(Array.from(runs.all.values(), (run) => run.settled())));
  await withinLimit(clock, graceMs, drained);
  const cause = new OrchestratorClosedError();
  const left = [...runs.all.values()].filter((run) => run.isOpen || !isTerminal(run.status));
  await withinLimit(clock, graceMs, Promise.all(left.map((run) => run.leave(cause))));
  const begun = left.filter((run) => run.isDriven && !isTerminal(run.status));
  await Promise.all(begun.flatMap((run) => run.engine?.attempts.endSessions('closed') ?? []));
  await withinLimit(clock, graceMs, Promise.all([hold.releaseAll(), breakers.idle()]));
}
