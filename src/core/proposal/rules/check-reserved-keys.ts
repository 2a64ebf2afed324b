import type { ProposalSketch } from '../sketch.js';
import { asObject } from '../loose.js';
import { named } from '../words.js';
import type { Rule } from './rule.js';

/** What agents find in their input beside outputs, and the phase that always is. */
const alwaysReserved = new Map([
  ['synthesis', 'the synthesis step'],
  ['gaps', 'the gaps that a synthesis is given'],
  ['reports', 'the reports that a supervisor is given'],
  ['board', 'the board that a supervisor is given'],
]);

/** What is reserved where something is verified. */
const reservedByVerification = new Map([
  ['result', 'what a verifier is given'],
  ['previous', 'what a rework is given'],
  ['rework', 'what a rework is told'],
]);

/** A ticket's key is also the id of its step, so it must not be that of a phase of this proposal: `reserved-key`. */
export const checkReservedKeys: Rule = ({ sketch, issues }) => {
  const names = isVerified(sketch) ? new Map([...alwaysReserved, ...reservedByVerification]) : alwaysReserved;
  for (const { key, index } of sketch.tickets) {
    const owner = key === undefined ? undefined : (ownerInPhases(key, sketch) ?? names.get(key));
    if (key === undefined || owner === undefined) continue;
    issues.add('reserved-key', ['tickets', index, 'key'], `ticket ${named(key)} has the id of ${owner}; choose another key`);
  }
};

function ownerInPhases(key: string, sketch: ProposalSketch): string | undefined {
  if (key === 'research' && sketch.hasResearch) return 'the research step';
  return sketch.hasDiscussion ? ownerInDiscussion(key, sketch) : undefined;
}

const isVerified = ({ fields, tickets }: ProposalSketch): boolean =>
  asObject(fields['synthesis'])['verify'] !== undefined || tickets.some((ticket) => ticket.fields['verify'] !== undefined);

function ownerInDiscussion(key: string, { fields, roleKeys }: ProposalSketch): string | undefined {
  if (key === 'discussion') return 'the outcome of the discussion';
  const given = asObject(fields['discussion'])['rounds'];
  const rounds = typeof given === 'number' ? given : 1;
  const round = /^discussion:([1-9]\d*)$/.exec(key)?.[1];
  if (round !== undefined) return Number(round) < rounds ? `the outcome of discussion round ${round}` : undefined;
  const [, ofRound, role] = /^discuss:([1-9]\d*):(.*)$/su.exec(key) ?? [];
  if (ofRound === undefined || role === undefined || Number(ofRound) > rounds || !roleKeys.has(role)) return undefined;
  return `the position of role ${named(role)} in discussion round ${ofRound}`;
}
