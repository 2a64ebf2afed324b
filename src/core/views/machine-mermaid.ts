import { mermaidText } from './mermaid-text.js';

/**
 * What a drawing reads of a state node's configuration. XState's own fits, and so does a chart that is plain JSON; anything else in it is
 * passed over.
 */
export interface DrawableState {
  readonly type?: string | undefined;
  readonly initial?: unknown;
  readonly entry?: unknown;
  readonly exit?: unknown;
  readonly on?: unknown;
  readonly always?: unknown;
  readonly after?: unknown;
  readonly onDone?: unknown;
  readonly states?: unknown;
  readonly id?: string | undefined;
}

/** An XState machine, as far as it is drawn. */
export interface DrawableMachine {
  readonly config: DrawableState;
}

interface StateNode {
  readonly name: string;
  readonly key: string;
  readonly config: DrawableState;
  readonly parent: StateNode | undefined;
  readonly children: readonly StateNode[];
}

/**
 * A machine as a Mermaid state diagram: every state, its entry and exit commands, and every transition labelled
 * `EVENT [guard] / commands`. States within states and parallel regions are drawn as such.
 */
export function machineMermaid(root: DrawableState): string {
  const all: StateNode[] = [];
  const top = collect({ key: root.id ?? 'machine', config: root, parent: undefined }, all);
  const transitions = all.flatMap((state) => transitionsOf(state, all));
  // Regions need a state around them; so do transitions that every state inside has.
  const isDrawn = top.config.type === 'parallel' || transitions.some(({ from, to }) => from === top || to === top);
  const states = isDrawn ? [`  [*] --> ${top.name}`, ...declare(top, '  ')] : body(top, '  ');
  const arrows = transitions.map(({ from, to, label }) => `  ${from.name} --> ${to.name}${label === '' ? '' : ` : ${label}`}`);
  return ['stateDiagram-v2', ...states, ...arrows, ''].join('\n');
}

function collect(state: Pick<StateNode, 'key' | 'config' | 'parent'>, all: StateNode[]): StateNode {
  const children: StateNode[] = [];
  const node: StateNode = { ...state, name: `s${all.length}`, children };
  all.push(node);
  for (const [key, config] of entriesOf(state.config.states)) {
    if (isObject(config)) children.push(collect({ key, config, parent: node }, all));
  }
  return node;
}

/** A state with what is inside it. */
function declare(state: StateNode, indent: string): string[] {
  const title = `${indent}state "${mermaidText(state.key)}" as ${state.name}`;
  if (state.children.length > 0) return [`${title} {`, ...body(state, `${indent}  `), `${indent}}`];
  const { entry, exit, type } = state.config;
  const commands = [
    ['entry', namesOf(entry)],
    ['exit', namesOf(exit)],
  ] as const;
  return [
    title,
    ...commands.flatMap(([moment, names]) => (names === '' ? [] : [`${indent}${state.name} : ${moment} / ${names}`])),
    ...(type === 'final' ? [`${indent}${state.name} --> [*]`] : []),
  ];
}

/** The states inside a state; the regions of a parallel one are set off by `--`. */
function body({ config, children }: StateNode, indent: string): string[] {
  if (config.type === 'parallel') {
    return children.flatMap((region, index) => [...(index > 0 ? [`${indent}--`] : []), ...declare(region, indent)]);
  }
  const first = children.find(({ key }) => key === config.initial);
  return [
    ...(first === undefined ? [] : [`${indent}[*] --> ${first.name}`]),
    ...children.flatMap((child) => declare(child, indent)),
  ];
}

interface Arrow {
  readonly from: StateNode;
  readonly to: StateNode;
  readonly label: string;
}

function transitionsOf(state: StateNode, all: readonly StateNode[]): Arrow[] {
  const { on, always, after, onDone } = state.config;
  const events: readonly (readonly [string, unknown])[] = [
    ...entriesOf(on),
    ['', always],
    ...entriesOf(after).map(([delay, transition]) => [`after ${delay}`, transition] as const),
    ['done', onDone],
  ];
  return events.flatMap(([event, given]) =>
    listOf(given).map((transition) => {
      const { target, guard, actions } = isObject(transition) ? (transition as Record<string, unknown>) : { target: transition };
      return { from: state, to: targetOf(state, { target, all }), label: labelOf(event, { guard, actions }) };
    }),
  );
}

/** `EVENT [guard] / commands`, as far as there is any of them. */
function labelOf(event: string, { guard, actions }: { readonly guard: unknown; readonly actions: unknown }): string {
  const commands = namesOf(actions);
  const parts = [mermaidText(event), guard === undefined ? '' : `[${nameOf(guard)}]`, commands === '' ? '' : `/ ${commands}`];
  return parts
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .join(' ');
}

/** The state that a target names: a sibling, a child (`.key`), an id (`#id`), or, for none, the state itself. */
function targetOf(from: StateNode, { target, all }: { readonly target: unknown; readonly all: readonly StateNode[] }): StateNode {
  const [only] = listOf(target);
  if (typeof only !== 'string') return from;
  if (only.startsWith('.')) return descend(from, only.slice(1)) ?? from;
  if (!only.startsWith('#')) return descend(from.parent ?? from, only) ?? from;
  const named = all.find(({ config }) => config.id !== undefined && `${only}.`.startsWith(`#${config.id}.`));
  const rest = named === undefined ? '' : only.slice((named.config.id?.length ?? 0) + 2);
  return (named && (rest === '' ? named : descend(named, rest))) ?? from;
}

/** A key may hold dots itself, so the longest key that fits the beginning of the path is taken. */
function descend(from: StateNode, path: string): StateNode | undefined {
  const whole = from.children.find(({ key }) => key === path);
  if (whole !== undefined) return whole;
  const next = from.children.find(({ key }) => path.startsWith(`${key}.`));
  return next && descend(next, path.slice(next.key.length + 1));
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null && !Array.isArray(value);
const entriesOf = (value: unknown): [string, unknown][] => (isObject(value) ? Object.entries(value) : []);
const listOf = (value: unknown): readonly unknown[] =>
  value === undefined ? [] : Array.isArray(value) ? (value as unknown[]) : [value];

const namesOf = (actions: unknown): string => listOf(actions).map(nameOf).join(', ');

/** The name of an action or guard: given as text, as `{ type }`, or as a function. */
function nameOf(given: unknown): string {
  if (typeof given === 'string') return mermaidText(given);
  if (typeof given === 'function') return mermaidText(given.name || 'function');
  const type = isObject(given) ? (given as { readonly type?: unknown }).type : undefined;
  return typeof type === 'string' ? mermaidText(type) : 'function';
}
