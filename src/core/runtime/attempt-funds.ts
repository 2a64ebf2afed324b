import type { Shortfall } from '../limits/funds.js';
import type { SharedHold } from '../limits/shared-hold.js';
import type { StartCommand } from './attempt-command.js';

/** The attempt may spend no more than budgets have for it that its run shares with others. */
export function withinHold(command: StartCommand, hold: SharedHold | undefined): StartCommand {
  if (!hold) return command;
  return { ...command, allowance: command.type === 'step.compensate' ? hold.beginAnyhow() : hold.begin() };
}

/** What was only estimated must not cost the work. */
export const mustPause = ({ onExceeded, isExact }: Shortfall): boolean => onExceeded === 'pause' || !isExact;
