import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import type { StepKind } from '../../../src/core/ports/plan.js';
import type { StepStatus } from '../../../src/core/ports/run.js';
import { hostileKeys } from '../../../src/core/testing/key-arbitrary.js';
import { mermaidText } from '../../../src/core/views/mermaid-text.js';
import { toMermaid } from '../../../src/core/views/mermaid.js';
import { decider, delegate, finish, recorder, supervised, wait } from '../../running/support/team.js';
import { createWorld } from '../../running/support/world.js';
import { allPhases, anyProposal, planOf, proposal, ticket } from '../plan/support.js';

// The lines that a drawing of a plan may consist of. A label holds no character that could end it, or that means something in it.
const text = String.raw`(?:[^"#;&<>[\]{}|\\%:\u0060\n]|#\d+;)*`;
const label = `"${text}(?:<br/>${text})?"`;
const box = (open: string, close: string) => String.raw`n\d+${open}${label}${close}`;
const boxes = [
  box(String.raw`\[`, String.raw`\]`),
  box(String.raw`\(\[`, String.raw`\]\)`),
  box(String.raw`\(`, String.raw`\)`),
  box(String.raw`\{\{`, String.raw`\}\}`),
  box(String.raw`\[\[`, String.raw`\]\]`),
];
const line = new RegExp(
  String.raw`^(?:flowchart TD|  subgraph phase_\w+\["\w+"\]|    (?:${boxes.join('|')})|  end|  n\d+ (?:-->|-\.->) n\d+|  classDef [\w-]+ [\w:#,]+|  class [\w,]+ [\w-]+)$`,
  'u',
);
const linesOf = (drawing: string) => drawing.trimEnd().split('\n');

/** What Mermaid shows for a text: entity codes put back. */
const shown = (text: string) => text.replace(/#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)));

describe('labels', () => {
  it('hold no character that Mermaid takes for syntax, and show the text they were made from', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom(...hostileKeys)), (text) => {
        const escaped = mermaidText(text);
        expect(escaped.replace(/#\d+;/g, '')).not.toMatch(/["#&<>`\\{}[\]|;:%*_~$@^\n\r]/u);
        const line = text
          .toWellFormed()
          .replace(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, ' ')
          .trim();
        if (Array.from(line).length <= 100) expect(shown(escaped).trim()).toBe(line);
        expect(Array.from(shown(escaped)).length).toBeLessThanOrEqual(100);
      }),
    );
  });

  it.each([
    ['1. First', '1#46; First'],
    ['- item', '#45; item'],
    ['2) Second', '2#41; Second'],
    ['1.5 apples', '1.5 apples'],
    ['say "hi" #1', 'say #34;hi#34; #35;1'],
    ['%%{init: {}}%%', '#37;#37;#123;init#58; #123;#125;#125;#37;#37;'],
    ['a\n  b', 'a b'],
    ['', ' '],
  ])('writes %j as %j', (text, expected) => {
    expect(mermaidText(text)).toBe(expected);
  });
});

describe('toMermaid of a plan', () => {
  it('consists of lines that Mermaid reads, whatever the keys and titles are', () => {
    fc.assert(
      fc.property(anyProposal, fc.array(fc.string({ unit: 'grapheme' }), { minLength: 12, maxLength: 12 }), (sound, titles) => {
        const tickets = sound.tickets.map((one, index) => ({
          ...one,
          title: titles[index]!,
          gate: { kind: 'before', prompt: '?' } as const,
        }));
        for (const one of linesOf(toMermaid(planOf({ ...sound, tickets })))) expect(one).toMatch(line);
      }),
    );
  });

  it('has a box for every step and an arrow for every dependency', () => {
    fc.assert(
      fc.property(anyProposal, (sound) => {
        const plan = planOf(sound);
        const lines = linesOf(toMermaid(plan));
        expect(lines.filter((one) => /^ {4}n\d+/.test(one))).toHaveLength(plan.steps.length);
        const names = new Map(plan.steps.map(({ id }, index) => [id, `n${index}`]));
        const arrows = plan.steps.flatMap(({ id, dependsOn }) => dependsOn.map((one) => `${names.get(one)} ${names.get(id)}`));
        expect(lines.filter((one) => / -(-|\.-)> /.test(one)).map((one) => one.trim().replace(/ -(-|\.-)> /, ' '))).toEqual(
          arrows,
        );
      }),
    );
  });

  it('draws phases, kinds and gates', () => {
    const tickets = [
      ticket('a', { title: 'Study' }),
      ticket('b', { title: 'Write', dependsOn: ['a'], gate: { kind: 'before', prompt: 'Go?' } }),
    ];
    const plan = planOf(proposal(tickets, { research: allPhases.research, discussion: { instructions: 'Discuss.' } }));
    expect(toMermaid(plan, { statuses: { research: 'succeeded', a: 'running', b: 'gated', nobody: 'failed' } })).toBe(
      [
        'flowchart TD',
        '  subgraph phase_research["Research"]',
        '    n0(["Research<br/>worker"])',
        '  end',
        '  subgraph phase_discussion["Discussion"]',
        '    n1("Position of worker<br/>worker")',
        '    n2("Position of writer<br/>writer")',
        '    n3{{"Discussion"}}',
        '  end',
        '  subgraph phase_work["Work"]',
        '    n4["Study<br/>worker"]',
        '    n5["✋ Write<br/>worker"]',
        '  end',
        '  subgraph phase_synthesis["Synthesis"]',
        '    n6[["Synthesis<br/>writer"]]',
        '  end',
        '  n0 --> n1',
        '  n0 --> n2',
        '  n1 -.-> n3',
        '  n2 -.-> n3',
        '  n3 --> n4',
        '  n4 --> n5',
        '  n4 -.-> n6',
        '  n5 -.-> n6',
        '  classDef succeeded fill:#c8e6c9,stroke:#388e3c,color:#1b5e20',
        '  class n0 succeeded',
        '  classDef running fill:#bbdefb,stroke:#1976d2,color:#0d47a1',
        '  class n4 running',
        '  classDef gated fill:#fff8e1,stroke:#ffb300,color:#6d4c00',
        '  class n5 gated',
        '',
      ].join('\n'),
    );
  });

  it('takes statuses as a map too, so that any id can be coloured', () => {
    const plan = planOf(proposal([ticket('constructor'), ticket('b')]));
    const statuses = new Map<string, StepStatus>([['constructor', 'failed']]);
    expect(toMermaid(plan, { statuses })).toContain('  class n0 failed');
    expect(toMermaid(plan, { statuses: {} })).not.toContain('class');
  });

  it('draws what may be added while it runs with its bounds, and what was added to a run', async () => {
    const lead = decider(delegate(['coder'], ['tester']), wait, finish());
    const world = createWorld({
      agents: { lead: lead.agent, coder: recorder().agent, tester: recorder().agent, clerk: recorder().agent },
    });
    const { plan, ...proposed } = await world.propose(
      supervised(['coder', 'tester'], { topology: { maxRounds: 3, maxParallel: 2 } }),
    );
    const planned = toMermaid(plan);
    expect(planned).toContain('["Added while it runs<br/>each goal at most ');
    expect(planned).toContain(' delegations, 2 at once, 1 deep"]');
    for (const box of ['t0{"decision<br/>lead"}', 't1["delegation<br/>coder"]', 't2["delegation<br/>tester"]', 'n0 -.-> growth'])
      expect(planned).toContain(box);

    const run = await world.approve({ plan, ...proposed });
    await world.end(run);
    const drawn = linesOf(toMermaid(plan, { run: run.view() }));
    expect(drawn.filter((one) => /^ {4}n\d+/.test(one))).toHaveLength(run.view().steps.length);
    expect(drawn).toContain('  subgraph added_0["Added to goal"]');
    expect(drawn.filter((one) => / --> n\d+$/.test(one))).toHaveLength(run.view().steps.length - plan.steps.length);
    expect(drawn.filter((one) => one.startsWith('  class '))).toHaveLength(1);
  });

  it('draws every kind of step in a shape of its own', () => {
    const plan = planOf(proposal([ticket('a')]));
    const drawn = (kind: StepKind) => linesOf(toMermaid({ ...plan, steps: [{ ...plan.steps[0]!, kind, title: 'x' }] }))[2];
    const kinds: StepKind[] = ['ticket', 'research', 'position', 'route', 'reduce', 'gate', 'synthesis', 'compensation'];
    expect(new Set(kinds.map(drawn)).size).toBe(kinds.length);
  });
});

describe('toMermaid of a machine', () => {
  const lifecycle = {
    id: 'run',
    initial: 'open',
    states: {
      open: {
        entry: [{ type: 'announce' }],
        on: {
          GO: { target: 'done', guard: { type: 'isReady' }, actions: [{ type: 'start' }, 'log'] },
          WAIT: {},
          STOP: [{ target: 'done', guard: 'late' }, 'open'],
        },
      },
      'done: "all"': {},
      done: { type: 'final' },
    },
  };

  it('draws every state and every transition as EVENT [guard] / commands', () => {
    expect(toMermaid({ config: lifecycle })).toBe(
      [
        'stateDiagram-v2',
        '  [*] --> s1',
        '  state "open" as s1',
        '  s1 : entry / announce',
        '  state "done#58; #34;all#34;" as s2',
        '  state "done" as s3',
        '  s3 --> [*]',
        '  s1 --> s3 : GO [isReady] / start, log',
        '  s1 --> s1 : WAIT',
        '  s1 --> s3 : STOP [late]',
        '  s1 --> s1 : STOP',
        '',
      ].join('\n'),
    );
  });

  it('draws states within states, regions, ids and transitions of the root', () => {
    const nested = {
      id: 'root',
      initial: 'active',
      on: { CANCEL: '.over' },
      states: {
        active: {
          type: 'parallel',
          states: {
            left: { initial: 'a.1', states: { 'a.1': { on: { NEXT: 'b' } }, b: { always: { target: '#root.over' } } } },
            right: { id: 'other', after: { 100: '#other' }, onDone: 'left' },
          },
        },
        over: { type: 'final' },
      },
    };
    expect(toMermaid({ config: nested })).toBe(
      [
        'stateDiagram-v2',
        '  [*] --> s0',
        '  state "root" as s0 {',
        '    [*] --> s1',
        '    state "active" as s1 {',
        '      state "left" as s2 {',
        '        [*] --> s3',
        '        state "a.1" as s3',
        '        state "b" as s4',
        '      }',
        '      --',
        '      state "right" as s5',
        '    }',
        '    state "over" as s6',
        '    s6 --> [*]',
        '  }',
        '  s0 --> s6 : CANCEL',
        '  s3 --> s4 : NEXT',
        '  s4 --> s6',
        '  s5 --> s5 : after 100',
        '  s5 --> s2 : done',
        '',
      ].join('\n'),
    );
  });

  it('keeps any name inside its label', () => {
    // What begins with a hash is no name to XState, but a reference.
    const label = fc.string({ unit: 'grapheme' }).filter((name) => !name.startsWith('#'));
    fc.assert(
      fc.property(fc.uniqueArray(label, { minLength: 2, maxLength: 5 }), (names) => {
        const states = Object.fromEntries(
          names.map((name) => [name, { on: { [names[0]!]: { target: names[1], guard: names[0], actions: names } } }]),
        );
        const lines = linesOf(toMermaid({ config: { id: names[0], initial: names[0], states } }));
        for (const one of lines.slice(1)) {
          expect(one).toMatch(/^ {2}(\[\*\] --> s\d+|state "[^"]*" as s\d+|s\d+ --> s\d+ : [^\n:;]*(#\d+;[^\n:;]*)*)$/u);
        }
      }),
    );
  });
});
