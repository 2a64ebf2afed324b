import type { RunInput } from '../ports/run.js';
import { quote } from '../shared/issue.js';

/**
 * What is wrong with an input by itself. Inputs come from journals and over wires as well as from typed code, and a spend that is no
 * amount would mint budget, or make every ceiling void.
 */
export function inputFault(input: unknown): string | undefined {
  const given = membersOf(input);
  const { type, at, seq } = given;
  if (typeof type !== 'string' || !Object.hasOwn(members, type)) return 'there is no such input';
  if (!isFigure(at)) return `its time (at) is ${quote(at)} instead of milliseconds since the epoch`;
  if (seq !== undefined && !Number.isSafeInteger(seq)) return `its seq is ${quote(seq)} instead of an integer`;
  if (!type.startsWith('run.') && !isText(given['stepId']))
    return `its stepId is ${quote(given['stepId'])} instead of the id of a step`;
  const optional = optionalMembers.filter((member) => given[member] !== undefined);
  const faulty = [...members[type as RunInput['type']], ...optional].find((member) => !checks[member](given[member], type));
  return faulty && `its ${faulty} ${wanted[faulty]}`;
}

/** The `type` of an input that may be anything, as it should stand in an error. */
export function inputType(input: unknown): string {
  const { type } = membersOf(input);
  return typeof type === 'string' ? type : quote(input);
}

/** Checked wherever they stand. */
const optionalMembers = [
  ...(['attempt', 'steps', 'done', 'branch', 'route', 'conflicts', 'compensate'] as const),
  ...(['inDoubt', 'retryAt', 'details', 'agentId', 'notBefore', 'reason', 'error'] as const),
] as const;

type Members = Readonly<Record<string, unknown>>;
type Member = keyof typeof checks;

const members: Readonly<Record<RunInput['type'], readonly Member[]>> = {
  'run.start': ['graceMs'],
  'run.widen': ['steps', 'approvedBy'],
  'run.continue': [],
  'run.pause': [],
  'run.resume': [],
  'run.cancel': ['reason'],
  'run.deadline': [],
  'run.time-used': [],
  'run.budget-raised': ['owner', 'ceilings', 'by'],
  'run.grace-over': [],
  'run.delivered': [],
  'run.delivery-failed': ['error'],
  'run.replanned': ['revision', 'from', 'digest', 'plan', 'roles', 'running', 'approvedBy'],
  'step.started': ['attempt'],
  'step.succeeded': ['attempt', 'output', 'spend'],
  'step.failed': ['attempt', 'error', 'retryable', 'spend'],
  'step.throttled': ['attempt', 'error', 'spend'],
  'step.timed-out': ['attempt'],
  'step.heartbeat-missed': ['attempt', 'lastBeatAt'],
  'step.time-over': [],
  'step.retry-due': ['attempt'],
  'step.spent': ['attempt', 'spend'],
  'step.given-up': ['attempt'],
  'step.progress': ['attempt', 'message'],
  'step.late': ['attempt', 'output'],
  'step.tool-ruled': ['attempt', 'policy', 'verdict', 'reason', 'tool'],
  'step.interrupted': ['attempt', 'policy', 'reason', 'tool', 'call', 'spend'],
  'step.overdue': [],
  'step.decided': ['decision'],
  'run.recovered': ['lost', 'maxLostStarts', 'shiftMs'],
  'step.gate-expired': [],
  'step.probed': ['attempt', 'finding'],
  'effect.recorded': [],
};

/** Ceilings that can be raised while a run is under way. */
const raisable: ReadonlySet<string> = new Set(['maxCostMicroUsd', 'maxTokens', 'maxAttempts', 'maxSteps', 'maxDurationMs']);

const isFigure = (value: unknown): boolean => typeof value === 'number' && value >= 0 && value < Infinity;
const isText = (value: unknown): boolean => typeof value === 'string';
const areTexts = (value: unknown): boolean => Array.isArray(value) && value.every(isText);
const isFlag = (value: unknown): boolean => typeof value === 'boolean';
const membersOf = (value: unknown): Members => (typeof value === 'object' && value !== null ? (value as Members) : {});

function isActor(value: unknown): boolean {
  const { kind, id } = membersOf(value);
  return isText(kind) && isText(id);
}

const checks = {
  attempt: (value: unknown) => Number.isSafeInteger(value),
  graceMs: isFigure,
  reason: isText,
  message: isText,
  policy: isText,
  tool: isText,
  call: isText,
  verdict: (value: unknown) => value === 'allow' || value === 'deny',
  retryable: isFlag,
  output: (value: unknown) => value !== undefined,
  route: (value: unknown) => value !== undefined,
  steps: areTexts,
  done: (value: unknown) =>
    Array.isArray(value) &&
    value.every((ticket) => isText(membersOf(ticket)['stepId']) && membersOf(ticket)['output'] !== undefined),
  branch(value: unknown) {
    const { to, reason, by = 'rule' } = membersOf(value);
    return areTexts(to) && isText(reason) && (by === 'rule' || by === 'model');
  },
  conflicts: (value: unknown) =>
    Array.isArray(value) &&
    value.every((conflict) => isText(membersOf(conflict)['pointer']) && Array.isArray(membersOf(conflict)['values'])),
  error(value: unknown) {
    const { code, message } = membersOf(value);
    return isText(code) && isText(message);
  },
  spend(value: unknown) {
    const { inputTokens, outputTokens, costMicroUsd } = membersOf(value);
    return isFigure(inputTokens) && isFigure(outputTokens) && isFigure(costMicroUsd);
  },
  decision(value: unknown) {
    const { approve, by } = membersOf(value);
    return isFlag(approve) && isActor(by);
  },
  approvedBy: isActor,
  by: isActor,
  owner(value: unknown) {
    const { kind, role, stepId } = membersOf(value);
    return kind === 'run' || (kind === 'role' && isText(role)) || (kind === 'step' && isText(stepId));
  },
  ceilings: (value: unknown) =>
    Object.entries(membersOf(value)).every(([name, ceiling]) => raisable.has(name) && isFigure(ceiling)),
  revision: (value: unknown) => Number.isSafeInteger(value) && (value as number) > 0,
  from: isText,
  digest: isText,
  plan: (value: unknown) => isText(membersOf(value)['digest']) && Array.isArray(membersOf(value)['steps']),
  roles: (value: unknown) => Object.values(membersOf(value)).every((filled) => isText(membersOf(filled)['agentId'])),
  running: (value: unknown) => value === 'finish' || value === 'cancel',
  compensate: (value: unknown, type: string) =>
    type === 'run.start' ? ['always', 'on-failure', 'on-cancel', 'never'].includes(value as string) : isFlag(value),
  lost: areTexts,
  maxLostStarts: (value: unknown) => Number.isSafeInteger(value) && (value as number) > 0,
  shiftMs: isFigure,
  agentId: isText,
  notBefore: isFigure,
  lastBeatAt: isFigure,
  retryAt: isFigure,
  inDoubt: (value: unknown) => value === true,
  details: (value: unknown) => value !== undefined,
  finding(value: unknown): boolean {
    const { kind, output, spend } = membersOf(value);
    return kind === 'happened' ? output !== undefined && checks.spend(spend) : kind === 'not-happened' || kind === 'unknown';
  },
};

const wanted: Readonly<Record<Member, string>> = {
  attempt: 'must be an integer, 1 for the first',
  graceMs: 'must be a duration of 0 or more milliseconds',
  reason: 'must be a text',
  message: 'must be a text',
  policy: 'must be the key of a policy',
  tool: 'must be the name of a tool',
  call: 'must be the digest of a call',
  verdict: 'must be allow or deny',
  retryable: 'must be true or false',
  output: 'is missing; an attempt without one has the output null',
  route: 'must be JSON',
  conflicts: 'must be a list of places, each with a pointer and the values that were given for it',
  steps: 'must be a list of step ids',
  done: 'must be a list of tickets, each with a stepId and an output',
  branch: 'must name the steps that it leads to, and a reason',
  error: 'must have a code and a message',
  spend: 'must have inputTokens, outputTokens and costMicroUsd, each 0 or more',
  approvedBy: 'must name a kind and an id',
  by: 'must name a kind and an id',
  owner: 'must be that of the run, of a role, or of a step',
  ceilings: 'must name ceilings, each with a figure of 0 or more',
  revision: 'must be an integer of 1 or more',
  from: 'must be the digest of the plan before',
  digest: 'must be the digest of the plan',
  plan: 'must be a plan',
  roles: 'must name an agentId for each role',
  running: 'must be finish or cancel',
  compensate: 'must be true or false, for the start of a run always, on-failure, on-cancel or never',
  lost: 'must be a list of step ids',
  maxLostStarts: 'must be an integer of 1 or more',
  shiftMs: 'must be a duration of 0 or more milliseconds',
  agentId: 'must be the id of an agent',
  notBefore: 'must be milliseconds since the epoch',
  lastBeatAt: 'must be milliseconds since the epoch',
  retryAt: 'must be milliseconds since the epoch',
  inDoubt: 'must be true, or left out',
  details: 'must be JSON',
  finding: 'must say whether it happened, did not, or is unknown; what happened has an output and a spend',
  decision: 'must say whether it approves, and by whom',
};
