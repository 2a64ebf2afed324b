import type { BudgetOwner, RaisedCeilings } from '../ports/budget.js';
import { type Issue, pointerOf, quote } from '../shared/issue.js';
import { toMicroUsd } from '../shared/money.js';
import { err, ok, type Result } from '../shared/result.js';
import type { BudgetRaise } from './run-handle.js';

const wholes = ['maxTokens', 'maxAttempts', 'maxSteps', 'maxDurationMs'] as const;
const known: ReadonlySet<string> = new Set(['maxCostUsd', ...wholes]);

/** What a person wants raised, in the kernel's figures, or all that is wrong with it. */
export function raisedCeilings({ budget }: BudgetRaise): Result<RaisedCeilings, Issue[]> {
  const given: unknown = budget;
  if (typeof given !== 'object' || given === null)
    return err([
      {
        code: 'wrong-type',
        pointer: '/budget',
        message: `A budget is an object such as { maxCostUsd: 10 }; found ${quote(given)}.`,
      },
    ]);
  const figures = Object.entries(given as Readonly<Record<string, unknown>>).filter(([, figure]) => figure !== undefined);
  const issues = figures.flatMap(([name, figure]) => issueOf(name, figure));
  if (figures.length === 0) {
    const message = `Name at least one ceiling to raise: ${[...known].join(', ')}.`;
    issues.push({ code: 'missing-key', pointer: '/budget', message });
  }
  if (issues.length > 0) return err(issues);
  const { maxCostUsd, ...others } = Object.fromEntries(figures) as Readonly<Record<string, number>>;
  return ok({ ...(maxCostUsd !== undefined && { maxCostMicroUsd: toMicroUsd(maxCostUsd) }), ...others });
}

function issueOf(name: string, figure: unknown): Issue[] {
  const pointer = pointerOf(['budget', name]);
  if (!known.has(name)) {
    const message = `There is no ceiling ${quote(name)} that can be raised. There are ${[...known].join(', ')}.`;
    return [{ code: 'unknown-key', pointer, message }];
  }
  const isWhole = Number.isSafeInteger(figure);
  const isMoney = name === 'maxCostUsd' && typeof figure === 'number' && Number.isSafeInteger(toMicroUsd(figure));
  if ((isWhole || isMoney) && (figure as number) > 0) return [];
  const wanted = name === 'maxCostUsd' ? 'an amount of US dollars above 0' : 'a whole number above 0';
  return [{ code: 'wrong-type', pointer, message: `${name} must be ${wanted}; found ${quote(figure)}.` }];
}

/** Whose budget is meant: by default the run's. */
export function ownerOf({ role, stepId }: BudgetRaise): BudgetOwner {
  if (stepId !== undefined) return { kind: 'step', stepId };
  return role === undefined ? { kind: 'run' } : { kind: 'role', role };
}
