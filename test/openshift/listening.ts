/** A server that goes away and comes back on the same port, as one does that is restarted. */
import type { Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

export interface Listening {
  /** The same for as long as it lives. */
  readonly port: number;
  /**
   * Nobody is answered any more: connections are refused, and those that there are cut off, except from `spared` ports
   * of clients, until it listens again.
   */
  readonly stop: (spared?: ReadonlySet<number>) => void;
  readonly start: () => Promise<void>;
}

export const listen = async (server: Server, address: string, wanted = 0): Promise<Listening> => {
  // Clients that send to a connection just when it is closed for idleness see a reset; Go's servers let it stand, too.
  server.keepAliveTimeout = 0;
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  let port = wanted;
  const start = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, address, () => {
        server.off('error', reject);
        resolve();
      });
    });
    ({ port } = server.address() as AddressInfo);
  };
  await start();
  return {
    port,
    start,
    stop: (spared = new Set()) => {
      server.close();
      for (const socket of sockets) if (!spared.has(socket.remotePort ?? 0)) socket.destroy();
    },
  };
};
