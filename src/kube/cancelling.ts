import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { type ClientHttp2Stream, constants } from 'node:http2';

const created = 'http2.client.stream.created';

/**
 * Until the function that it returns is called, each HTTP/2 stream that this process begins ends with RST_STREAM
 * (CANCEL) at once when it is given up.
 *
 * undici 8.13 gives a request up with `stream.close()` and `stream.destroy()`. Without a code Node sends RST_STREAM
 * only after the body, and a destroyed stream has none to send: nghttp2 then asks it for DATA without end, in C++, at
 * 150 to 300 MiB of empty frames a second, and the process never comes back (seen with Node 24.21; test/faults/http2).
 * Node has this channel since 24.2: an older one is as it was.
 */
export const keepCancelling = (): (() => void) => {
  // Its own for each caller: to unsubscribe takes away one that is equal.
  const listener = (message: unknown): void => {
    cancelWhenClosed((message as { readonly stream: ClientHttp2Stream }).stream);
  };
  subscribe(created, listener);
  return () => unsubscribe(created, listener);
};

const cancelWhenClosed = (stream: ClientHttp2Stream): void => {
  const close = stream.close.bind(stream);
  stream.close = (code = constants.NGHTTP2_CANCEL, callback) => {
    close(code, callback);
  };
};
