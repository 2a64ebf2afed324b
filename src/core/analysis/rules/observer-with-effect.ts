import type { PlanStep } from '../../ports/plan.js';
import { quote } from '../../shared/issue.js';
import type { Rule } from '../rule.js';

/** Steps that have an effect, or undo one, carried out by a role that may only observe. */
export const observerWithEffect: Rule = {
  code: 'observer-with-effect',
  severity: 'error',
  check({ plan }) {
    const observers = new Set(plan.roles.flatMap(({ key, autonomy }) => (autonomy === 'observe-only' ? [key] : [])));
    if (observers.size === 0) return [];
    // Research, positions and the synthesis only make an output.
    const acts = ({ role, effect, phase }: Pick<PlanStep, 'role' | 'effect' | 'phase'>): boolean =>
      phase === 'work' && effect !== 'none' && role !== undefined && observers.has(role);
    const steps = plan.steps.flatMap((step) => {
      const undoing = step.compensation?.role ?? '';
      if (acts(step))
        return [{ message: messageOf(`Step ${quote(step.id)} has the effect "${step.effect}"`, step.role), stepIds: [step.id] }];
      return observers.has(undoing)
        ? [{ message: messageOf(`The compensation of ${quote(step.id)} has an effect`, undoing), stepIds: [step.id] }]
        : [];
    });
    const added = Object.entries(plan.templates ?? {})
      .filter(([, template]) => acts(template))
      .map(([name, { role, effect }]) => ({
        message: messageOf(`Steps that are added as ${quote(name)} have the effect "${effect}"`, role),
      }));
    return [...steps, ...added];
  },
};

const messageOf = (what: string, role: string | undefined): string =>
  `${what}, and its role ${quote(role)} may only observe (autonomy "observe-only"). Set the effect to "none", or let another role do it.`;
