import { spawn } from 'node:child_process';

export interface CommandOptions {
  readonly cwd?: string;
  /** The command is killed after this long. Default: 2 minutes. */
  readonly timeoutMs?: number;
  /** `capture` gives what it printed; `show` lets it print here, and gives nothing. Default: `capture`. */
  readonly output?: 'capture' | 'show';
}

/** How a command ended. `status` is null where it was killed or could not be started. */
export interface CommandResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command without a shell and never throws: a command that cannot start has status null and says why in `stderr`. */
export function runCommand(command: readonly [string, ...string[]], options: CommandOptions = {}): Promise<CommandResult> {
  const { cwd, timeoutMs = 120_000, output = 'capture' } = options;
  const [file, ...args] = command;
  return new Promise((resolve) => {
    const child = spawn(file, args, {
      ...(cwd !== undefined && { cwd }),
      timeout: timeoutMs,
      stdio: ['ignore', ...(output === 'show' ? (['inherit', 'inherit'] as const) : (['pipe', 'pipe'] as const))],
    });
    let stdout = '';
    let stderr = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.on('error', (error) => resolve({ status: null, stdout, stderr: stderr + error.message }));
    // What the command itself started may outlive it and hold its output open.
    child.on('exit', () => {
      setTimeout(() => {
        child.stdout?.destroy();
        child.stderr?.destroy();
      }, 1_000).unref();
    });
    child.on('close', (status) => resolve({ status, stdout, stderr }));
  });
}

/** What a command printed. @throws Error with all that it said when it does not end with 0. */
export async function outputOf(command: readonly [string, ...string[]], options?: CommandOptions): Promise<string> {
  const { status, stdout, stderr } = await runCommand(command, options);
  if (status === 0) return stdout;
  throw new Error(`"${command.join(' ')}" ended with ${status ?? 'a time-out or no start'}.\n${stdout}${stderr}`);
}
