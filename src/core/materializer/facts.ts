import type { StepFact } from './step-chart.js';

const facts: readonly StepFact[] = ['last', 'unmet', 'retry', 'exhausted', 'compensable'];

/** The guards of every chart: each is true when the event carries the fact of its name. */
export const factGuards: Readonly<Record<StepFact, (args: { readonly event: object }) => boolean>> = Object.fromEntries(
  facts.map((fact) => [fact, ({ event }: { readonly event: object }) => (event as Record<string, unknown>)[fact] === true]),
) as Record<StepFact, (args: { readonly event: object }) => boolean>;
