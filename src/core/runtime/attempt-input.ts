import type { Spend } from '../ports/usage.js';
import type { AttemptOutcome } from './attempt-outcome.js';
import type { InputBody } from './run-driver.js';
import type { Interruption } from './tool-gate.js';

/** How an attempt came to its end. `interrupted`: a tool that it wanted to call needs a person. */
export type AttemptEnd = AttemptOutcome | ({ readonly kind: 'interrupted'; readonly spend: Spend } & Interruption);

type EndInput = Extract<InputBody, { readonly type: 'step.succeeded' | 'step.failed' | 'step.throttled' | 'step.interrupted' }>;
type Told = EndInput extends infer One ? (One extends EndInput ? Omit<One, 'stepId' | 'attempt'> : never) : never;

/** How an attempt ended, as the kernel is told. */
export function inputOf(outcome: AttemptEnd): Told {
  switch (outcome.kind) {
    case 'succeeded': {
      const { output, spend, branch, route, conflicts } = outcome;
      return {
        ...{ type: 'step.succeeded', output, spend },
        ...(branch && { branch }),
        ...(route !== undefined && { route }),
        ...(conflicts && { conflicts }),
      };
    }
    case 'failed': {
      const { error, retryable, inDoubt, spend, notBefore } = outcome;
      const doubt = inDoubt ? { inDoubt } : {};
      return { type: 'step.failed', error, retryable, ...doubt, spend, ...(notBefore !== undefined && { notBefore }) };
    }
    case 'throttled': {
      const { error, retryAt, spend } = outcome;
      return { type: 'step.throttled', error, ...(retryAt !== undefined && { retryAt }), spend };
    }
    case 'interrupted': {
      const { policy, reason, tool, call, spend } = outcome;
      return { type: 'step.interrupted', policy, reason, tool, call, spend };
    }
  }
}
