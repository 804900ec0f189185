/** Where a server listens. */
export interface BindAddress {
  /** Undefined: on all interfaces, IPv6 and IPv4. */
  readonly host: string | undefined;
  /** 0: one that is free. */
  readonly port: number;
}

/**
 * Reads an address as the bind-address flags of controller-runtime have it: `:8080`, `127.0.0.1:8080`, `[::1]:8080`,
 * `localhost:8080`; `0` turns the server off.
 *
 * @returns undefined for what is no such address.
 */
export const parseBindAddress = (text: string): BindAddress | 'off' | undefined => {
  if (text === '0') return 'off';
  const parts = /^(?:\[([0-9a-fA-F:.]+(?:%\w+)?)\]|([A-Za-z0-9.-]*)):([0-9]{1,5})$/.exec(text);
  if (parts === null) return undefined;
  const [, ipv6, name, port] = parts;
  const host = ipv6 ?? name;
  if (Number(port) > 65_535) return undefined;
  return { host: host === '' ? undefined : host, port: Number(port) };
};
