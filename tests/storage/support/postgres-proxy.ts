import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

import { onTestFinished } from 'vitest';

/**
 * What becomes of a COMMIT on its way: `lose the answer` cuts the connection when the server has answered, `lose both` without
 * waiting for that, `lose the request` before the server gets it. `hold back` cuts the client off and keeps it for `letGo()`.
 */
export type CommitFate = 'pass' | 'lose the answer' | 'lose both' | 'lose the request' | 'hold back';

/** Stands between a pool and its server. */
export interface PostgresProxy {
  readonly port: number;
  /** Asked for each COMMIT. */
  fateOf: () => CommitFate;
  /** Whether connections are refused that are made now. */
  isDown: boolean;
  /** Whether nothing is passed on any more, either way. Nobody is told. */
  isSilent: boolean;
  /** How many more connections are lost in the very moment in which they are ready: the server says both at once. */
  losses: number;
  /** COMMITs that were not simply passed on. */
  readonly troubled: number;
  /** Sends what was held back to the server. */
  letGo(): void;
  /** Ends all connections. */
  cut(): void;
}

const commitMessage = Buffer.from('COMMIT\0');
/** ReadyForQuery, outside of a transaction. */
const ready = Buffer.from('Z\0\0\0\x05I');
const why = 'SFATAL\0VFATAL\0C57P01\0Mterminating connection\0\0';
/** ErrorResponse. */
const lost = Buffer.from(`E\0\0\0${String.fromCharCode(why.length + 4)}${why}`);

/** Starts a proxy before this port. It stops when the test is over. */
export async function startProxy(port: number): Promise<PostgresProxy> {
  const sockets = new Set<Socket>();
  const held: (() => void)[] = [];
  const listener = createServer((client) => {
    if (state.isDown) {
      client.destroy();
      return;
    }
    const upstream = connect(port, '127.0.0.1');
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    }
    upstream.on('data', (chunk) => {
      if (state.isSilent) return;
      if (state.losses > 0 && chunk.subarray(-ready.length).equals(ready)) {
        state.losses -= 1;
        client.end(Buffer.concat([chunk, lost]));
      } else client.write(chunk);
    });
    upstream.on('close', () => client.destroy());
    let isCut = false;
    client.on('close', () => {
      if (!isCut) upstream.destroy();
    });
    client.on('data', (chunk) => {
      if (state.isSilent) return;
      const fate = chunk.includes(commitMessage) ? state.fateOf() : 'pass';
      if (fate === 'pass') {
        upstream.write(chunk);
        return;
      }
      state.troubled += 1;
      isCut = true;
      if (fate === 'lose the request') upstream.destroy();
      else if (fate === 'lose both') upstream.end(chunk);
      else if (fate === 'hold back') held.push(() => upstream.end(chunk));
      else upstream.once('data', () => upstream.destroy()).write(chunk);
      client.destroy();
    });
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  onTestFinished(async () => {
    state.cut();
    listener.close();
    await once(listener, 'close');
  });
  const state = {
    port: (listener.address() as AddressInfo).port,
    fateOf: (): CommitFate => 'pass',
    isDown: false,
    isSilent: false,
    losses: 0,
    troubled: 0,
    letGo() {
      for (const send of held.splice(0)) send();
    },
    cut() {
      for (const socket of sockets) socket.destroy();
    },
  };
  return state;
}
