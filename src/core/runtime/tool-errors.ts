import { PlanwrightError } from '../shared/error.js';

/** `context.tool` named a tool that is not among those of the role. It was not called, and the attempt is not worth another. */
export class ToolNotAllowedError extends PlanwrightError {
  readonly code = 'TOOL_NOT_ALLOWED';
  constructor(
    readonly role: string,
    readonly tool: string,
    readonly allowed: readonly string[],
  ) {
    const names = allowed.length === 0 ? 'none' : allowed.map((name) => `"${name}"`).join(', ');
    super(`The role "${role}" may not use the tool "${tool}". Its tools are: ${names}.`);
  }
}

/** A policy of the plan denies a tool. It was not called, and the attempt is not worth another. */
export class ToolDeniedError extends PlanwrightError {
  readonly code = 'TOOL_DENIED';
  constructor(
    readonly policy: string,
    readonly tool: string,
    readonly reason: string,
  ) {
    super(`The policy "${policy}" does not allow the tool "${tool}": ${reason}`);
  }
}

/**
 * A policy has a person decide on a tool. It was not called, and the attempt is over, whatever its agent does: it is begun once more when
 * the person has approved. An agent should let this pass.
 */
export class ToolApprovalNeededError extends PlanwrightError {
  readonly code = 'TOOL_APPROVAL_NEEDED';
  constructor(
    readonly policy: string,
    readonly tool: string,
    readonly reason: string,
  ) {
    super(
      `The policy "${policy}" has a person decide on the tool "${tool}": ${reason} The attempt ends here, and is begun once more then.`,
    );
  }
}
