import type { Plan } from '../ports/plan.js';
import { machineMermaid, type DrawableMachine } from './machine-mermaid.js';
import { planMermaid, type MermaidOptions } from './plan-mermaid.js';

/**
 * Draws a plan as a Mermaid flowchart, or an XState machine as a Mermaid state diagram. Names in the drawing are generated; whatever
 * people wrote stands in labels, with every character escaped that Mermaid could take for syntax.
 *
 * @example
 * toMermaid(plan, { statuses: { competitors: 'succeeded' } }); // flowchart TD …
 * toMermaid(plan, { run: run.view() }); // with the steps that were added to it
 * toMermaid(toStateMachine(materialized)); // stateDiagram-v2 …
 */
export const toMermaid = (drawn: Plan | DrawableMachine, options: MermaidOptions = {}): string =>
  'steps' in drawn ? planMermaid(drawn, options) : machineMermaid(drawn.config);
