import { err, ok, type Issue, type OrchestrationProposal, type StepDraft, type Topology } from 'planwright';
import { z } from 'zod';

const optionsSchema = z.strictObject({
  judge: z.string().describe('Role of the matches: tickets that compare two others. All other tickets are entries.'),
});
type Options = z.output<typeof optionsSchema>;

/** Entries try the same thing. Matches pick the better of two, and winners meet again, until one is left. */
export const tournament: Topology<Options> = {
  kind: 'tournament',
  description: 'Several tickets try the same thing; tickets of the judge compare two at a time until one is left.',
  options: optionsSchema,
  arrange(proposal, { judge }) {
    const issues = faultsOf(proposal, judge);
    if (issues.length > 0) return err(issues);
    const keysOf = (isMatch: boolean) =>
      proposal.tickets.filter(({ role }) => (role === judge) === isMatch).map(({ key }) => key);
    const standing = keysOf(false);
    const steps: StepDraft[] = standing.map((key) => ({ id: key, kind: 'ticket' }));
    keysOf(true).forEach((key, nth) => {
      // A contestant that failed forfeits: the match goes on, and its judge finds the reason among the gaps.
      steps.push({ id: key, kind: 'ticket', dependsOn: standing.slice(2 * nth, 2 * nth + 2), join: 'all-settled' });
      standing.push(key);
    });
    return ok(steps);
  },
};

function faultsOf({ tickets }: OrchestrationProposal, judge: string): Issue[] {
  const issues: Issue[] = [];
  const matches = tickets.filter(({ role }) => role === judge).length;
  const entries = tickets.length - matches;
  if (matches === 0 || matches !== entries - 1) {
    const message = `${entries} entries take ${Math.max(1, entries - 1)} matches, but ${matches} tickets have the role "${judge}".`;
    issues.push({ code: 'match-count', pointer: '/tickets', message });
  }
  tickets.forEach(({ key, dependsOn = [] }, index) => {
    if (dependsOn.length === 0) return;
    const message = `Leave out dependsOn of "${key}": the tournament says who meets whom.`;
    issues.push({ code: 'fixed-order', pointer: `/tickets/${index}/dependsOn`, message });
  });
  return issues;
}
