import type { Provenance, Spend, Usage } from '../ports/usage.js';
import { toMicroUsd } from '../shared/money.js';

const noUsage: Spend = { inputTokens: 0, outputTokens: 0, costMicroUsd: 0, provenance: 'unknown' };
const provenances: readonly unknown[] = ['measured', 'provider-reported', 'estimated'];

/**
 * What an attempt is charged, from whatever its agent reported. A figure that is no amount (negative, NaN, a text) counts as 0 and
 * makes the provenance `unknown`: a report must never mint budget, and a mistake in it must not cost the work.
 */
export function spendOf(usage: unknown): Spend {
  const report = reportOf(usage);
  if (!report) return noUsage;
  const figures = [report.inputTokens, report.outputTokens, report.costUsd];
  const given = figures.filter((figure) => figure !== undefined);
  const [inputTokens = 0, outputTokens = 0, costUsd = 0] = figures.map((figure) => (isAmount(figure) ? figure : 0));
  const said = provenances.includes(report.provenance) ? (report.provenance as Provenance) : 'provider-reported';
  return {
    inputTokens: Math.ceil(inputTokens),
    outputTokens: Math.ceil(outputTokens),
    costMicroUsd: toMicroUsd(costUsd),
    provenance: given.length > 0 && given.every(isAmount) ? said : 'unknown',
  };
}

/** The members of a report. One that cannot be read says nothing. */
function reportOf(usage: unknown): Partial<Record<keyof Usage, unknown>> | undefined {
  if (typeof usage !== 'object' || usage === null) return undefined;
  try {
    const { inputTokens, outputTokens, costUsd, provenance } = usage as Partial<Record<keyof Usage, unknown>>;
    return { inputTokens, outputTokens, costUsd, provenance };
  } catch {
    return undefined;
  }
}

/** Below what integers can hold exactly, in micro-dollars. */
const most = Number.MAX_SAFE_INTEGER / 1_000_000;
const isAmount = (figure: unknown): figure is number => typeof figure === 'number' && figure >= 0 && figure <= most;
