import type { StoredError } from '../ports/run.js';
import type { Expand, Expansion, ExpansionEvent, ExpansionState, StepAddition } from '../ports/topology.js';
import { quote } from '../shared/issue.js';
import type { Json } from '../shared/json.js';
import { verificationTemplate, workTemplate } from '../shared/verification.js';

/** What is known of a step that is verified: how often it was done, the present time included, and which step has made what there is. */
interface Memo {
  readonly round: number;
  readonly work: string;
}

/** What a verifier says. */
interface Verdict {
  readonly verified: boolean;
  readonly reasons: readonly string[];
}

/**
 * A step that is verified: it is done, its output is checked, and it is done again with what was found wrong, as often as it may be. Only what
 * passes becomes its output.
 */
export const expandVerification: Expand = (state, event) => {
  switch (event.type) {
    case 'begun':
      return work(state, { round: 1 });
    case 'decided':
    case 'noticed':
      return {};
    case 'reported':
      return event.step.kind === 'verification' ? judge(state, event) : check(state, event);
  }
};

type Reported = Extract<ExpansionEvent, { readonly type: 'reported' }>;

interface Rework {
  readonly round: number;
  /** What was wrong the time before, and which step had made it. */
  readonly before?: { readonly reasons: readonly string[]; readonly work: string };
}

function work({ goal }: ExpansionState, { round, before }: Rework): Expansion {
  const { id, instructions, input, given, join } = goal;
  const step: StepAddition = {
    ...{ name: String(round), template: workTemplate(id), parent: id, instructions, input },
    title: round === 1 ? 'Work' : `Rework ${round - 1}`,
    given: { ...given, ...(before && { rework: { round: round - 1, reasons: before.reasons } }) },
    ...(before && { inputAs: { previous: before.work } }),
    ...(join === 'all-settled' && { seesGaps: true }),
  };
  return { memo: memoOf({ round, work: `${id}/${round}` }), add: [step] };
}

const memoOf = (memo: Memo): Json => ({ ...memo });
const remembered = ({ memo }: ExpansionState): Memo => memo as unknown as Memo;

/** What was made is checked; where nothing was made, there is nothing to check. */
function check({ goal, ...state }: ExpansionState, { step, outcome, error }: Reported): Expansion {
  if (outcome !== 'completed')
    return { end: { failed: error ?? { code: 'NO_OUTPUT', message: `${quote(step.id)} is ${outcome}.` } } };
  const { round } = remembered({ goal, ...state });
  const { id, input, verify } = goal;
  return {
    add: [
      {
        ...{ name: `${round}.check`, template: verificationTemplate(id), parent: step.id, title: `Verification ${round}` },
        ...{ instructions: verify?.instructions ?? '', input, inputAs: { result: step.id } },
      },
    ],
  };
}

function judge(state: ExpansionState, { step, outcome, output, error }: Reported): Expansion {
  const { round, work: made } = remembered(state);
  const { maxReworks = 0 } = state.goal.verify ?? {};
  const fail = (failed: StoredError): Expansion => ({ end: { failed } });
  if (outcome !== 'completed') {
    const cause = error ?? { code: 'NO_OUTPUT', message: `it is ${outcome}` };
    const message = `What ${quote(state.goal.id)} made could not be verified, so it is not released: ${cause.message}`;
    return fail({ code: 'VERIFIER_FAILED', message, stepId: step.id, cause });
  }
  const { verified, reasons } = verdictOf(output ?? null);
  if (verified) return { end: { succeeded: made, isVerified: true } };
  if (round <= maxReworks) return work(state, { round: round + 1, before: { reasons, work: made } });
  const times =
    maxReworks === 0
      ? 'and was not to be done again'
      : `after it was done again ${maxReworks} ${maxReworks === 1 ? 'time' : 'times'}`;
  const message = `What ${quote(state.goal.id)} made did not pass its verification ${times} (maxReworks). ${quote(step.id)} found: ${reasons.join('; ') || 'no reason given'}.`;
  return fail({ code: 'VERIFICATION_FAILED', message, bound: 'maxReworks', limit: maxReworks, decision: step.id, reasons });
}

/** The verifier's output fits the schema of verdicts, unless somebody decided that it did. */
function verdictOf(output: Json): Verdict {
  const { verified, reasons } = (typeof output === 'object' && output !== null ? output : {}) as Partial<
    Record<keyof Verdict, Json>
  >;
  return { verified: verified === true, reasons: Array.isArray(reasons) ? reasons.map(String) : [] };
}
