import { analyzePlan, materialize, parseProposal, planProposal } from 'planwright';
import { layeredProposal } from 'planwright/testing';

import { approved, roles, valueOf } from './support/plans.js';
import { collectGarbage, growth, median, timed } from './support/statistics.js';
import { printTable, type Row } from './support/table.js';

const stages = ['parseProposal', 'planProposal', 'analyzePlan', 'approvePlan', 'materialize'] as const;
type Stage = (typeof stages)[number];
type Times = Readonly<Record<Stage, number>>;

/** Every stage from JSON text to machines, on layered plans of 1,000 and 10,000 tickets with three dependencies each. */
export function benchPipeline({ rounds }: { readonly rounds: number }): void {
  const sizes = [1_000, 10_000] as const;
  const texts = sizes.map((tickets) => JSON.stringify(layeredProposal({ tickets })));
  // The compiler needs to have seen the code as often for the small plan as for the large one.
  for (let round = 0; round < Math.min(10, rounds); round += 1) runStages(texts[0]!);
  const runs = texts.map((text) => Array.from({ length: rounds }, () => runStages(text)));
  const costs = (at: number, stage: Stage): number => median(runs[at]!.map((times) => times[stage]));
  const sums = runs.map((all) => median(all.map((times) => stages.reduce((sum, stage) => sum + times[stage], 0))));
  const row = (name: string, small: number, large: number): Row => [
    name,
    small,
    large,
    growth({ size: sizes[0], cost: small }, { size: sizes[1], cost: large }).toFixed(2),
  ];
  printTable(`The pure pipeline, median of ${rounds} (target: sum under 1,500 ms at 10,000; n·log n is a growth of 1.12)`, [
    ['stage', '1,000 tickets, ms', '10,000 tickets, ms', 'growth exponent'],
    ...stages.map((stage) => row(stage, costs(0, stage), costs(1, stage))),
    row('sum', sums[0]!, sums[1]!),
  ]);
}

function runStages(text: string): Times {
  collectGarbage();
  const parsed = timed(() => valueOf(parseProposal(text)));
  const planned = timed(() => valueOf(planProposal(parsed.value)));
  const analyzed = timed(() => analyzePlan(planned.value));
  const approval = timed(() => approved(planned.value));
  const machines = timed(() => materialize(approval.value, roles));
  return {
    parseProposal: parsed.ms,
    planProposal: planned.ms,
    analyzePlan: analyzed.ms,
    approvePlan: approval.ms,
    materialize: machines.ms,
  };
}
