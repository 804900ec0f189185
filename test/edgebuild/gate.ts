/** A step of a Dockerfile that lasts until a test lets it end: a build that is under way for as long as that is needed. */
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { eventually } from './whole-site.ts';

export interface Gate {
  /** The step. It ends well when `name` is opened; at once, if it is open by then. */
  readonly step: (name: string) => string;
  /** Waits until somebody stands before it. */
  readonly reached: (name: string) => Promise<void>;
  readonly open: (name: string) => void;
  readonly close: () => void;
}

/** Builds of the box have its network. */
export const openGate = async (): Promise<Gate> => {
  const waiting = new Map<string, ServerResponse[]>();
  const opened = new Set<string>();
  const server = createServer(({ url = '' }, response) => {
    const name = url.slice(1);
    if (opened.has(name)) response.end();
    else waiting.set(name, [...(waiting.get(name) ?? []), response]);
    response.once('close', () => {
      waiting.set(name, waiting.get(name)?.filter((one) => one !== response) ?? []);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    step: (name) => `RUN wget -q -O /dev/null http://127.0.0.1:${port}/${name}\n`,
    reached: async (name) => {
      const count = () => waiting.get(name)?.length ?? 0;
      if ((await eventually(count, (seen) => seen > 0)) === 0)
        throw new Error(`no build has come to ${name}`);
    },
    open: (name) => {
      opened.add(name);
      for (const response of waiting.get(name) ?? []) response.end();
    },
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
};
