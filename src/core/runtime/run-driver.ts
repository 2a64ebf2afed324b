import { setImmediate } from 'node:timers';

import type { Kernel } from '../kernel/create-kernel.js';
import { IllegalInputError } from '../kernel/illegal-input-error.js';
import type { CancelTimer, Clock } from '../ports/clock.js';
import type { Command, RunEvent, RunFact } from '../ports/run-output.js';
import type { RunInput, RunRecordInput, TerminalRunStatus } from '../ports/run.js';
import type { EventLog } from './event-log.js';
import { RunHaltedError } from './errors.js';
import type { RunJournal } from './run-journal.js';

/** An input before the driver stamps the time on it. */
export type InputBody = RunInput extends infer One ? (One extends { readonly at: number } ? Omit<One, 'at'> : never) : never;

/** Runs a kernel: takes inputs, makes them durable, and only then lets their commands and events out. */
export interface RunDriver {
  readonly kernel: Kernel;
  /**
   * Applies an input at once and resolves when it is durable and its commands are on their way.
   *
   * @throws IllegalInputError, synchronously, when the run does not allow it; nothing has changed then.
   */
  submit(input: InputBody): Promise<void>;
  /**
   * {@link submit} for what is not worth a commit of its own: it is written with the next one, and in any case once this turn of the event
   * loop is over. Gives whether it was taken.
   */
  note(input: InputBody): boolean;
  /** {@link submit} for inputs that may come too late; gives whether it was taken. Failures of the store halt the run. */
  offer(input: InputBody): boolean;
  /** Makes an entry durable that is not for the kernel, in its place among the inputs, and tells what became true by it. */
  record(entry: RunRecordInput, fact: RunFact | undefined): Promise<void>;
  /** Stops here without touching the run: no more commands, all timers gone. */
  halt(cause: unknown): void;
  readonly halted: RunHaltedError | undefined;
  /** Events that will be told once what they follow from is durable. */
  untold(): readonly RunEvent[];
  /** Resolves when all that was taken so far is durable and let out, or cannot be. */
  idle(): Promise<void>;
}

export interface RunDriverOptions {
  readonly runId: string;
  readonly kernel: Kernel;
  readonly journal: RunJournal;
  readonly log: EventLog;
  /** Has the kernel take an input, and keeps what else it brings. */
  readonly apply: (input: RunInput & { readonly seq: number }) => readonly Command[];
  /** Called when an input and what follows from it are on their way to the store. */
  readonly afterInput: () => void;
  readonly clock: Clock;
  readonly handlers: CommandHandlers;
  /** Whether the deliverable goes anywhere outside of the run. */
  readonly deliversOutside: boolean;
}

/** What carries out the commands that need more than a timer or the log. None of them may throw. */
export interface CommandHandlers {
  start(command: Extract<Command, { readonly type: 'step.start' }>): void;
  abort(command: Extract<Command, { readonly type: 'step.abort' }>): void;
  compensate(command: Extract<Command, { readonly type: 'step.compensate' }>): void;
  probe(command: Extract<Command, { readonly type: 'step.probe' }>): void;
  deliver(command: Extract<Command, { readonly type: 'run.deliver' }>): void;
  ended(status: TerminalRunStatus): void;
  /** Nothing is left to do for a run that is over. */
  settled(): void;
  resumed(): void;
  halted(error: RunHaltedError): void;
}

/** Commands carried out in one go before other work of the process gets a turn: some milliseconds, with agents that answer at once. */
const burst = 200;

export function createRunDriver({
  runId,
  kernel,
  journal,
  log,
  clock,
  apply,
  afterInput,
  handlers,
  deliversOutside,
}: RunDriverOptions): RunDriver {
  const timers = new Map<string, CancelTimer>();
  /** Facts that are told once they are durable. */
  const untold: { readonly fact: RunFact; readonly at: number }[] = [];
  const due: { readonly command: Command; readonly at: number }[] = [];
  let releasing: Promise<void> | undefined;
  /** Commands carried out since other work had a turn. Over all releases, because agents that answer at once leave no gap between them. */
  let carried = 0;
  let halted: RunHaltedError | undefined;
  /** Something was taken that no release is on its way for. */
  let noted = false;

  const halt = (cause: unknown): void => {
    if (halted) return;
    halted = new RunHaltedError(runId, { cause });
    clearTimers();
    handlers.halted(halted);
  };

  const clearTimers = (): void => {
    for (const cancel of timers.values()) cancel();
    timers.clear();
  };

  const setTimer = (timer: string, dueAt: number, input: RunInput): void => {
    timers.get(timer)?.();
    timers.set(
      timer,
      clock.schedule(dueAt, () => {
        timers.delete(timer);
        driver.offer(input);
      }),
    );
  };

  const carryOut = (command: Command, at: number): void => {
    switch (command.type) {
      case 'publish':
        untold.shift();
        log.append(command.event, at);
        return command.event.type === 'run.resumed' ? handlers.resumed() : undefined;
      case 'timer.set':
        return setTimer(command.timer, command.dueAt, command.input);
      case 'timer.clear':
        timers.get(command.timer)?.();
        return void timers.delete(command.timer);
      case 'continue':
        return setTimer('run:continue', clock.now(), { type: 'run.continue', at });
      case 'step.start':
        return handlers.start(command);
      case 'step.compensate':
        return handlers.compensate(command);
      case 'step.probe':
        return handlers.probe(command);
      case 'step.abort':
        return handlers.abort(command);
      case 'run.deliver':
        return handlers.deliver(command);
      case 'run.ended':
        // What was only waited for in case the run goes on must not keep the process.
        if (!kernel.hasWorkLeft) clearTimers();
        return handlers.ended(command.status);
      case 'run.settled':
        clearTimers();
        return handlers.settled();
    }
  };

  const flush = async (): Promise<void> => {
    try {
      await journal.flush();
    } catch (error) {
      halt(error);
    }
    if (halted) throw halted;
  };

  /** Lets out what is durable, a burst at a time. What comes meanwhile has a release of its own: nobody waits for that of others. */
  const release = async (): Promise<void> => {
    const ready = due.splice(0);
    // Also when nothing is to be let out: an input without commands is not taken before it is durable.
    await flush();
    for (const { command, at } of ready) {
      if (carried === burst) {
        carried = 0;
        await new Promise<void>((resolve) => void clock.schedule(clock.now(), resolve));
      }
      carried += 1;
      if (!halted) carryOut(command, at);
    }
  };

  /** Where nobody takes the deliverable, it is delivered as soon as it is there, in the same commit. */
  const isDelivery = ({ type }: Command): boolean => type === 'run.deliver' && !deliversOutside;

  /** Applies an input and puts it where the next commit finds it. */
  const take = (body: InputBody): void => {
    const at = clock.now();
    // A member of its own comes first: V8 gives what is spread and then added to a hidden class of its own, at ten times the cost.
    const input = { seq: journal.seq + 1, ...body, at } as RunInput & { readonly seq: number };
    const commands = apply(input);
    journal.add(input);
    for (const command of commands) {
      if (command.type === 'publish') untold.push({ fact: command.event, at });
      if (!isDelivery(command)) due.push({ command, at });
    }
    afterInput();
    if (commands.some(isDelivery)) take({ type: 'run.delivered' });
  };

  const releaseNext = (): Promise<void> => {
    noted = false;
    releasing = (releasing ?? Promise.resolve()).then(release);
    return releasing;
  };

  /** Releases what was only noted, unless a commit has taken it along by then. */
  const releaseNoted = (): void => {
    if (noted && !halted) releaseNext().catch(halt);
  };

  const driver: RunDriver = {
    kernel,
    get halted() {
      return halted;
    },
    submit(body) {
      if (halted) return Promise.reject(halted);
      take(body);
      return releaseNext();
    },
    note(body) {
      if (halted) return false;
      try {
        take(body);
      } catch (error) {
        if (!(error instanceof IllegalInputError)) halt(error);
        return false;
      }
      // Not by the run's clock: a virtual one may stand still.
      if (!noted) setImmediate(releaseNoted);
      noted = true;
      return true;
    },
    offer(input) {
      try {
        // A rejection is the store's; `halt` tells everyone who waits for the run.
        driver.submit(input).catch(halt);
        return true;
      } catch (error) {
        if (error instanceof IllegalInputError) return false;
        halt(error);
        return false;
      }
    },
    record(entry, fact) {
      if (halted) return Promise.reject(halted);
      journal.add(entry);
      if (fact) {
        untold.push({ fact, at: entry.at });
        due.push({ command: { id: '', type: 'publish', event: fact }, at: entry.at });
      }
      return releaseNext();
    },
    halt,
    untold: () => untold.map(({ fact, at }, index) => ({ seq: log.seq + 1 + index, at, runId, ...fact })),
    async idle() {
      for (let seen: Promise<void> | undefined; seen !== releasing;) {
        seen = releasing;
        await seen?.catch(() => undefined);
      }
    },
  };
  return driver;
}
