import type { Phase, Plan, PlanStep, StepKind } from '../ports/plan.js';
import type { StepStatus } from '../ports/run.js';
import { addedLines, templateLines } from './growth-mermaid.js';
import { mermaidText } from './mermaid-text.js';
import type { RunView } from './run-view.js';

/** Options of a drawing. */
export interface MermaidOptions {
  /** Colours the steps of a plan by how far they are, by step id. */
  readonly statuses?: ReadonlyMap<string, StepStatus> | Readonly<Record<string, StepStatus>>;
  /** A run of the plan, instead: the steps that were added to it are drawn too, and all are coloured. */
  readonly run?: Pick<RunView, 'steps'>;
}

const shapes: Readonly<Record<StepKind, readonly [string, string]>> = {
  ticket: ['[', ']'],
  research: ['([', '])'],
  position: ['(', ')'],
  reduce: ['{{', '}}'],
  route: ['{', '}'],
  gate: ['[/', '/]'],
  synthesis: ['[[', ']]'],
  compensation: ['>', ']'],
  delegation: ['[', ']'],
  handoff: ['[', ']'],
  verification: ['{', '}'],
};

const phases: readonly (readonly [Phase, string])[] = [
  ['research', 'Research'],
  ['discussion', 'Discussion'],
  ['work', 'Work'],
  ['synthesis', 'Synthesis'],
];

const colours: Readonly<Record<StepStatus, string>> = {
  blocked: 'fill:#eeeeee,stroke:#bbbbbb,color:#555555',
  ready: 'fill:#e3f2fd,stroke:#64b5f6,color:#0d47a1',
  gated: 'fill:#fff8e1,stroke:#ffb300,color:#6d4c00',
  running: 'fill:#bbdefb,stroke:#1976d2,color:#0d47a1',
  'backing-off': 'fill:#ffe0b2,stroke:#f57c00,color:#6d3300',
  succeeded: 'fill:#c8e6c9,stroke:#388e3c,color:#1b5e20',
  failed: 'fill:#ffcdd2,stroke:#d32f2f,color:#7f0000',
  skipped: 'fill:#f5f5f5,stroke:#9e9e9e,color:#616161',
  cancelled: 'fill:#e0e0e0,stroke:#757575,color:#424242',
  'in-doubt': 'fill:#f3e5f5,stroke:#8e24aa,color:#4a148c',
  compensating: 'fill:#fff3e0,stroke:#fb8c00,color:#6d3300',
  compensated: 'fill:#efebe9,stroke:#8d6e63,color:#3e2723',
};

/**
 * A plan as a Mermaid flowchart: a box per step, grouped by phase; a dotted arrow where any end of a step will do, and to what may be added
 * while it runs.
 */
export function planMermaid(plan: Plan, { run, statuses = statusesOf(run) }: MermaidOptions): string {
  const { steps } = plan;
  const planned = new Set(steps.map(({ id }) => id));
  const added = run?.steps.filter(({ id, goal }) => goal !== undefined && !planned.has(id)) ?? [];
  const names = new Map([...steps, ...added].map(({ id }, index) => [id, `n${index}`]));
  const nameOf = (id: string): string => names.get(id) ?? '';
  const groups = phases.flatMap(([phase, title]) => {
    const members = steps.filter((step) => step.phase === phase);
    const lines = members.map((step) => `    ${nameOf(step.id)}${box(step)}`);
    return members.length === 0 ? [] : [`  subgraph phase_${phase}["${title}"]`, ...lines, '  end'];
  });
  const edges = steps.flatMap(({ id, dependsOn, join }) => {
    const arrow = join === 'all-settled' ? '-.->' : '-->';
    return dependsOn.map((dependency) => `  ${nameOf(dependency)} ${arrow} ${nameOf(id)}`);
  });
  const growth = run ? addedLines(added, { nameOf, draw: box }) : templateLines(plan, { nameOf, draw: box });
  return ['flowchart TD', ...groups, ...edges, ...growth, ...highlights(statuses, names), ''].join('\n');
}

const statusesOf = (run: MermaidOptions['run']): ReadonlyMap<string, StepStatus> =>
  new Map(run?.steps.map(({ id, status }) => [id, status]));

function box({
  id,
  kind,
  title,
  role,
  reducer,
  gate,
}: Pick<PlanStep, 'id' | 'kind' | 'title' | 'role' | 'reducer' | 'gate'>): string {
  const [open, close] = shapes[reducer === undefined ? kind : 'reduce'];
  const mark = gate === undefined ? '' : '✋ ';
  const line = mermaidText(title.trim() === '' ? id : title);
  return `${open}"${mark}${line}${role === undefined ? '' : `<br/>${mermaidText(role)}`}"${close}`;
}

const isMap = (statuses: NonNullable<MermaidOptions['statuses']>): statuses is ReadonlyMap<string, StepStatus> =>
  statuses instanceof Map;

function highlights(statuses: NonNullable<MermaidOptions['statuses']>, names: ReadonlyMap<string, string>): string[] {
  const byStatus = new Map<StepStatus, string[]>();
  const given: Iterable<readonly [string, StepStatus]> = isMap(statuses) ? statuses : Object.entries(statuses);
  for (const [id, status] of given) {
    const name = names.get(id);
    if (name === undefined || !Object.hasOwn(colours, status)) continue;
    const members = byStatus.get(status);
    if (members === undefined) byStatus.set(status, [name]);
    else members.push(name);
  }
  return [...byStatus].flatMap(([status, members]) => [
    `  classDef ${status} ${colours[status]}`,
    `  class ${members.join(',')} ${status}`,
  ]);
}
