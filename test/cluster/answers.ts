import { request as httpRequest } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** One request on a connection of its own; undefined where no server answers. */
export const ask = (url: string, options: RequestOptions = {}, body?: Buffer): Promise<Answer | undefined> =>
  new Promise((resolve) => {
    const request = url.startsWith('https:') ? httpsRequest : httpRequest;
    const sent = request(url, { ...options, agent: false, timeout: 5000 }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('error', () => {
        resolve(undefined);
      });
      response.once('end', () => {
        const { statusCode = 0, headers } = response;
        resolve({ status: statusCode, headers, body: Buffer.concat(chunks).toString() });
      });
    });
    sent.once('timeout', () => sent.destroy());
    sent.once('error', () => {
      resolve(undefined);
    });
    sent.end(body);
  });

/** Whether a GET is answered with 200 now; a server that is not there, or not yet well, is no error. */
export const answers = async (url: string, options: RequestOptions = {}): Promise<boolean> =>
  (await ask(url, options))?.status === 200;
