import { readFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { ControlPlane } from '../cluster/control-plane.ts';
import { asFile } from './gadgets.ts';

/** What new connections meet: the server, a reset, or nobody who ever says a word. */
type Welcome = 'pass' | 'reset' | 'silence';

export interface Relay {
  /** Path of a cluster-admin's kubeconfig that leads here. */
  readonly kubeconfig: string;
  readonly port: number;
  welcome: Welcome;
  /** How many connections there have been. */
  readonly accepted: () => number;
  /** Of what is open now, not a byte passes any more, in the directions named; nobody hears of it. */
  readonly freeze: (...directions: readonly Direction[]) => void;
  /** Resets what is open now. */
  readonly reset: () => void;
  readonly close: () => Promise<void>;
}
export type Direction = 'toServer' | 'toClient';

interface Pair {
  readonly toServer: Socket;
  readonly toClient: Socket;
}

/** Between a client and a real API server: bytes, so that TLS and HTTP/2 are those two's own. */
export const startRelay = async (plane: ControlPlane): Promise<Relay> => {
  const { hostname, port: target } = new URL(plane.url);
  const pairs = new Set<Pair>();
  const waiting = new Set<Socket>();
  let accepted = 0;

  const server = createServer({ noDelay: true }, (client) => {
    accepted += 1;
    client.on('error', () => client.destroy());
    if (relay.welcome === 'reset') {
      client.resetAndDestroy();
      return;
    }
    if (relay.welcome === 'silence') {
      waiting.add(client);
      client.on('close', () => waiting.delete(client)).resume();
      return;
    }
    const pair: Pair = { toServer: connect({ host: hostname, port: Number(target) }), toClient: client };
    pairs.add(pair);
    pair.toServer.setNoDelay(true);
    pass(pair.toClient, pair.toServer);
    pass(pair.toServer, pair.toClient);
    const end = (): void => {
      pairs.delete(pair);
      pair.toServer.destroy();
      pair.toClient.destroy();
    };
    pair.toServer.on('error', end).on('close', end);
    pair.toClient.on('close', end);
  });

  const resetAll = (): void => {
    for (const pair of pairs) {
      pairs.delete(pair);
      pair.toServer.resetAndDestroy();
      pair.toClient.resetAndDestroy();
    }
    for (const client of waiting) client.resetAndDestroy();
  };

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const given = await readFile(plane.kubeconfig, 'utf8');
  const relay: Relay = {
    kubeconfig: await asFile(plane, given.replaceAll(plane.url, `https://127.0.0.1:${String(port)}`)),
    port,
    welcome: 'pass',
    accepted: () => accepted,
    freeze: (...directions) => {
      for (const { toServer, toClient } of pairs) {
        // What goes to the server is what is read from the client.
        if (directions.includes('toServer')) stopReading(toClient);
        if (directions.includes('toClient')) stopReading(toServer);
      }
    },
    reset: resetAll,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      resetAll();
      await closed;
    },
  };
  return relay;
};

const pass = (from: Socket, to: Socket): void => {
  from.pipe(to);
};

/** For good: without its pipe nothing sets it going again. */
const stopReading = (from: Socket): void => {
  from.unpipe();
  from.pause();
};
