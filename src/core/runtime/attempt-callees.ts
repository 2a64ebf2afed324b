import type { Kernel } from '../kernel/create-kernel.js';
import type { BreakerKey } from '../ports/breaker.js';
import type { CancelTimer } from '../ports/clock.js';
import type { CircuitBreakerSpec } from '../ports/proposal.js';
import type { StartCommand } from './attempt-command.js';
import type { AttemptEnd } from './attempt-input.js';
import type { BreakerPass, Breakers } from './breakers.js';
import type { BreakerSpecs } from './breaker-specs.js';
import { CircuitOpenError } from './circuit-open-error.js';

/** Whom an attempt calls, or why nobody. */
export interface Callee {
  /** Absent for a step without an agent. */
  readonly agentId: string | undefined;
  /** Everyone who may be called is left alone just now. */
  readonly refusal: CircuitOpenError | undefined;
  /** Says how the attempt has ended. */
  leave(end: AttemptEnd | undefined): void;
}

/** Chooses whom the attempts of one run call: the agent of the role, or who takes over, as breakers allow it. */
export interface AttemptCallees {
  /**
   * Whether an attempt has to be put off, because everyone who may be called is left alone and it is to wait for that, or because it is not known yet;
   * `again` is called when it is time to look again. It holds nothing meanwhile.
   */
  putOff(command: StartCommand, again: () => void): boolean;
  /** Chooses, for an attempt that begins. */
  choose(command: StartCommand): Callee;
  /** How an attempt has ended, with the time before which another is of no use, where everyone who would be called then is left alone. */
  conclude(command: StartCommand, ended: { readonly callee: Callee; readonly end: AttemptEnd }): AttemptEnd;
  /** The attempt is aborted, or what was put off is not wanted any more. */
  abort(stepId: string, { isOutOfTime }: { readonly isOutOfTime: boolean }): void;
  /** Forgets what was put off. */
  forget(): void;
  /** Steps that were put off because these breakers are open, and those of which that is not known yet, with none. */
  readonly putOffs: ReadonlyMap<string, { readonly keys: readonly BreakerKey[] }>;
}

export interface AttemptCalleesOptions {
  readonly kernel: () => Kernel;
  readonly breakers: Breakers;
  readonly specs: BreakerSpecs;
  /** The run has to do with a breaker, which may have changed. */
  readonly tell: (key: BreakerKey) => void;
}

/** An agent that may be called, and its breaker, where it has one. */
interface Candidate {
  readonly agentId: string;
  readonly key: BreakerKey;
  readonly spec: CircuitBreakerSpec | undefined;
}

export function createAttemptCallees({ kernel, breakers, specs, tell }: AttemptCalleesOptions): AttemptCallees {
  const waiting = new Map<string, { readonly cancel: CancelTimer; readonly keys: readonly BreakerKey[] }>();
  const active = new Map<string, Callee>();

  const candidatesOf = ({ stepId }: StartCommand): readonly Candidate[] => {
    const { role } = kernel().step(stepId);
    return kernel()
      .callees(stepId)
      .agents.map((agentId) => ({
        agentId,
        key: { kind: 'agent', name: agentId },
        spec: specs.ofAgent(agentId, role, kernel()),
      }));
  };
  const stopWaiting = (stepId: string): void => {
    waiting.get(stepId)?.cancel();
    waiting.delete(stepId);
  };
  const isFree = ({ key, spec }: Candidate): boolean => spec === undefined || breakers.isPassable(key);

  /** Who is asked next: the first of them again, or those behind it. */
  const nextOf = (command: StartCommand): readonly Candidate[] => {
    const candidates = candidatesOf(command);
    return kernel().callees(command.stepId).mayRepeat || candidates.length === 1 ? candidates : candidates.slice(1);
  };
  const refusalOf = (next: readonly Candidate[]): CircuitOpenError => {
    const [first] = next.map(({ key }) => breakers.view(key)).sort((a, b) => (a.until ?? 0) - (b.until ?? 0));
    const { key, until = 0, failures } = first!;
    return new CircuitOpenError({ key, openUntil: until, failures });
  };
  const keep = (stepId: string, key: BreakerKey, { agentId, pass }: { agentId: string; pass: BreakerPass }): Callee => {
    const callee: Callee = {
      agentId,
      refusal: undefined,
      leave(end) {
        if (active.get(stepId) === callee) active.delete(stepId);
        pass.leave(end === undefined ? 'neither' : verdictOf(end));
        tell(key);
      },
    };
    active.set(stepId, callee);
    tell(key);
    return callee;
  };

  return {
    putOff(command, again) {
      const { stepId } = command;
      // What was done is undone, whatever else has failed.
      if (command.type === 'step.compensate') return false;
      const candidates = candidatesOf(command).filter(({ spec }) => spec !== undefined);
      if (candidates.length === 0) return false;
      const reading = candidates.flatMap(({ key }) => breakers.known(key) ?? []);
      const wait = (arm: (go: () => void) => CancelTimer, keys: readonly BreakerKey[] = []): true => {
        stopWaiting(stepId);
        const cancel = arm(() => {
          if (waiting.get(stepId)?.cancel !== cancel) return;
          waiting.delete(stepId);
          again();
        });
        waiting.set(stepId, { cancel, keys });
        return true;
      };
      if (reading.length > 0) {
        return wait((go) => {
          void Promise.all(reading).then(go);
          return () => undefined;
        });
      }
      const all = candidatesOf(command);
      if (all[0]?.spec?.whenOpen !== 'wait' || all.some(isFree)) return false;
      const keys = all.map(({ key }) => key);
      keys.forEach(tell);
      return wait((go) => breakers.whenPassable(keys, go), keys);
    },
    choose(command) {
      const { stepId } = command;
      if (command.type === 'step.compensate') return { ...free, agentId: kernel().step(stepId).compensationAgentId };
      const candidates = candidatesOf(command);
      for (const { agentId, key, spec } of candidates) {
        if (spec === undefined) return { ...free, agentId };
        const pass = breakers.enter(key, spec);
        if (pass) return keep(stepId, key, { agentId, pass });
        tell(key);
      }
      const agentId = candidates[0]?.agentId;
      return { ...free, agentId, refusal: refusalOf(candidates) };
    },
    conclude(command, { callee, end }) {
      callee.leave(end);
      const isOpen = end.kind === 'failed' && end.retryable && end.notBefore === undefined;
      const next = isOpen && command.type !== 'step.compensate' ? nextOf(command) : [];
      return next.length === 0 || next.some(isFree) ? end : { ...end, notBefore: refusalOf(next).openUntil };
    },
    abort(stepId, { isOutOfTime }) {
      stopWaiting(stepId);
      active.get(stepId)?.leave(isOutOfTime ? outOfTime : undefined);
    },
    forget() {
      for (const stepId of [...waiting.keys()]) stopWaiting(stepId);
    },
    putOffs: waiting,
  };
}

const free = { refusal: undefined, leave: () => undefined } as const;

const noSpend = { inputTokens: 0, outputTokens: 0, costMicroUsd: 0, provenance: 'measured' } as const;
/** Stands for the end of an attempt that was cut off because it took too long. */
const outOfTime: AttemptEnd = { kind: 'failed', error: { code: 'TIMED_OUT', message: '' }, retryable: true, spend: noSpend };

/** Faults that lie elsewhere: the agent could not do its part, or was not asked at all. */
const elsewhere: ReadonlySet<string> = new Set([
  'ATTEMPT_ABORTED',
  'CIRCUIT_OPEN',
  'RESOURCE_DEADLOCK',
  'RESOURCE_REFUSED',
  'RUN_HALTED',
  'THROTTLED',
  'UNKNOWN_RESOURCE',
]);
const elsewhereToo = /^(ARTIFACT|STORE|TOOL)_/;
/** It has answered, if not as one would like. */
const answered: ReadonlySet<string> = new Set(['REJECTED', 'NEEDS_CONTEXT']);

/** What the end of an attempt says of the agent that was called. */
function verdictOf(end: AttemptEnd): 'success' | 'failure' | 'neither' {
  if (end.kind === 'interrupted' || end.kind === 'throttled') return 'neither';
  // Where a rule of the plan has decided, nobody was asked.
  if (end.kind === 'succeeded') return end.branch?.by === 'rule' ? 'neither' : 'success';
  const { code } = end.error;
  if (answered.has(code)) return 'success';
  return elsewhere.has(code) || elsewhereToo.test(code) ? 'neither' : 'failure';
}
