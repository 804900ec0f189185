/** The node's own network, inside of a box. kube-apiserver does not start without a default route. */
import { execa } from 'execa';
import { existsSync, mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

export interface NodeNetwork {
  /** The node's address. */
  readonly address: string;
  /** A nameserver of the outside, if there is an outside. */
  readonly nameserver: string | undefined;
}

/** slirp4netns(1): the address that it gives, and its own DNS. */
const outside: NodeNetwork = { address: '10.0.2.100', nameserver: '10.0.2.3' };
/** From RFC 5737's addresses for documentation, which nobody has. */
const alone: NodeNetwork = { address: '192.0.2.10', nameserver: undefined };

export const setUpNetwork = async (toOutside: boolean, state: string): Promise<NodeNetwork> => {
  const network = toOutside ? outside : alone;
  writeFileSync('/proc/sys/net/ipv4/ip_forward', '1');
  await Promise.all([toOutside ? waitForRoute() : makeRoute(), hideResolvConf(network, state)]);
  return network;
};

/** slirp4netns works from outside. */
const waitForRoute = async (): Promise<void> => {
  for (const deadline = Date.now() + 30_000; ;) {
    const { stdout } = await execa('ip', ['route', 'show', 'default']);
    if (stdout !== '') return;
    if (Date.now() > deadline) throw new Error('slirp4netns gave this box no network within 30 s');
    await pause(20);
  }
};

/** A pair of interfaces with both ends here: a dummy device needs a module that not every kernel has. */
const makeRoute = async (): Promise<void> => {
  const commands = [
    'link add box0 type veth peer name box1',
    `address add ${alone.address}/24 dev box0`,
    'link set box0 up',
    'link set box1 up',
    'route add default via 192.0.2.1 dev box0',
  ];
  for (const command of commands) await execa('ip', command.split(' '));
};

/** The machine's nameservers are not reachable under their names from here. */
const hideResolvConf = async ({ nameserver }: NodeNetwork, state: string): Promise<void> => {
  const own = join(state, 'resolv.conf');
  writeFileSync(own, nameserver === undefined ? '# no network\n' : `nameserver ${nameserver}\n`);
  const machines = '/etc/resolv.conf';
  if (!existsSync(machines)) await restoreTarget(machines);
  if (existsSync(machines)) await execa('mount', ['--bind', own, realpathSync(machines)]);
};

/** With systemd-resolved it is a link into /run, which is empty in a box. */
const restoreTarget = async (link: string): Promise<void> => {
  const { stdout: target } = await execa('readlink', ['--canonicalize-missing', link]);
  if (!target.startsWith('/run/')) return;
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, '');
};
