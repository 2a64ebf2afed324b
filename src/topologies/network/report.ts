import type { ExpansionState, ReportReference } from '../../core/ports/topology.js';
import { withLine, withoutLines, type Memo } from './memo.js';
import { goOn, type Course } from './turns.js';

interface Reporting {
  readonly memo: Memo;
  /** Of the line that has ended. */
  readonly name: string;
  readonly report: ReportReference;
}

/** A line that was asked for has ended. The one that asked for it goes on, once there is nothing more to wait for. */
export function reportTo(state: ExpansionState, { memo, name, report }: Reporting): Course {
  const asking = memo.lines[name]?.askedBy ?? '';
  const rest = withoutLines(memo, [name]);
  const before = rest.lines[asking];
  if (!before) return { memo: rest, add: [] };
  const line = { ...before, awaits: before.awaits.filter((other) => other !== name), pending: [...before.pending, report] };
  const told = withLine(rest, asking, line);
  if (line.isAsked || line.awaits.length > 0) return { memo: told, add: [] };
  return goOn(state, { memo: told, add: [] }, { name: asking, line });
}
