import { createServer, type Server } from 'node:net';

/**
 * Below those of net.ipv4.ip_local_port_range, by default from 32768 on, of which one is given to whoever asks for any:
 * what is free here still is so seconds later. A box's own ports and those of NodePorts lie outside, too.
 */
const [lowest, highest] = [12_000, 30_000];

/** None is given twice: what nobody listens on stays so. */
const given = new Set<number>();

const listens = (server: Server, port: number): Promise<boolean> =>
  new Promise((resolve) => {
    server.once('error', () => {
      resolve(false);
    });
    server.listen(port, '127.0.0.1', () => {
      resolve(true);
    });
  });

/** Ports of loopback that nobody listens on. Another program that is told its port may still take one. */
export const freePorts = async (count: number): Promise<readonly number[]> => {
  const held = new Map<number, Server>();
  while (held.size < count) {
    const port = lowest + Math.floor(Math.random() * (highest - lowest));
    const server = createServer();
    if (given.has(port) || !(await listens(server, port))) continue;
    given.add(port);
    held.set(port, server);
  }
  await Promise.all([...held.values()].map((server) => new Promise((resolve) => server.close(resolve))));
  return [...held.keys()];
};
