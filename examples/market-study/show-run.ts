import type { Run, RunView, StepView } from 'planwright';

import { bold, duration, green, heading, red, table, usd, yellow } from './text.js';

const width = 40;

/** How far a run had come whose process was lost. */
export function showInterrupted({ runId, goal, steps }: RunView): string {
  const done = steps.filter(({ status }) => status === 'succeeded').length;
  return `${yellow(`Run ${runId} was interrupted: ${done} of ${steps.length} steps were done. Going on.`)}\n${bold('Goal')}  ${goal}`;
}

/** How a finished run went: every step on one time line, who spent what, and what it took this process to keep it. */
export function showRun(view: RunView, kept: ReturnType<Run['durability']>): string {
  const from = view.startedAt ?? 0;
  const spanMs = Math.max(1, (view.endedAt ?? from) - from);
  const rows = view.steps.map((step) => [
    step.id,
    step.status,
    attemptsOf(step),
    timesOf(step, from),
    ganttOf(step, { from, spanMs }),
  ]);
  const usage = Object.entries(view.usageByRole).map(([role, { tokens, costUsd }]) => [role, String(tokens), usd(costUsd)]);
  return [
    heading('Timeline'),
    indent(table([['step', 'status', 'tries', 'start +time', `0 to ${duration(spanMs)}`], ...rows])),
    heading('Usage'),
    indent(
      table([
        ['role', 'tokens', 'cost'],
        ...usage,
        ['run', String(view.usage.tokens), `${usd(view.usage.costUsd)} (${view.usage.provenance})`],
      ]),
    ),
    heading('Kept'),
    `  ${kept.entries} entries in ${kept.commits} commits, ${(kept.bytes / 1_000).toFixed(1)} kB`,
    ...(kept.recoveries > 0
      ? [
          `  taken up ${kept.recoveries === 1 ? 'once' : `${kept.recoveries} times`}; ${kept.stepsKept} steps did not have to run again`,
        ]
      : []),
    ...view.gaps.map(({ key, status, reason }) => yellow(`  gap: ${key} is ${status}: ${reason.message}`)),
    `\n${verdict(view)}`,
  ].join('\n');
}

const indent = (text: string): string => text.replaceAll(/^/gm, '  ');
const attemptsOf = ({ attempts }: StepView): string => (attempts === 0 ? '' : String(attempts));

const timesOf = ({ startedAt, endedAt }: StepView, from: number): string =>
  startedAt === undefined ? '' : `${duration(startedAt - from)} +${duration((endedAt ?? startedAt) - startedAt)}`;

function ganttOf({ startedAt, endedAt }: StepView, { from, spanMs }: { readonly from: number; readonly spanMs: number }): string {
  if (startedAt === undefined) return '';
  const at = (time: number): number => Math.round(((time - from) / spanMs) * width);
  const start = Math.min(width - 1, at(startedAt));
  return ' '.repeat(start) + '█'.repeat(Math.max(1, at(endedAt ?? startedAt) - start));
}

function verdict({ status, reason, error }: RunView): string {
  if (status === 'completed') return green(bold('completed'));
  return red(`${bold(status)}${reason === undefined ? '' : ` (${reason})`}${error ? `: ${error.message}` : ''}`);
}
