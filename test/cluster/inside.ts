/**
 * The first program inside of a box: brings a whole cluster up, runs the command, and ends with its status. Started by
 * enter.ts: `inside.ts net|no-net COMMAND ARGUMENTS…`.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { startContainerRuntime } from './container-runtime.ts';
import { startControlPlane, type ControlPlane } from './control-plane.ts';
import { busyboxImage, pushImages } from './images.ts';
import { setUpNetwork } from './network.ts';
import { boxState, nodeName, startDns, startKubelet, startServiceProxy } from './node.ts';
import { registryHost, startRegistry } from './registry.ts';

const state = boxState;

/** The usual ports: the box's network is its own. */
const ports = {
  ...{ etcd: 2379, etcdPeer: 2380, apiServer: 6443 },
  ...{ controllerManager: 10257, scheduler: 10259 },
};

const tell = (line: string): void => {
  process.stderr.write(`${(performance.now() / 1000).toFixed(1).padStart(6)} s  ${line}\n`);
};

const timed = async (name: string, started: Promise<void>): Promise<void> => {
  await started;
  tell(name);
};

const bringUp = async (toOutside: boolean, logs: string): Promise<ControlPlane> => {
  mkdirSync(state);
  const network = await setUpNetwork(toOutside, state);
  tell(`network of the node ${network.address}`);
  const [controlPlane] = await Promise.all([
    startControlPlane({
      ...{ controllers: true, address: '0.0.0.0', ports, state: join(state, 'control-plane'), logs, tell },
      // What would remove the taint that it gives each new node is absent (control-plane-flags.ts).
      apiServerFlags: ['--disable-admission-plugins=TaintNodesByCondition'],
    }),
    timed(`registry ${registryHost} with images`, startRegistry(state, logs).then(pushImages)),
    timed('containerd', startContainerRuntime(state, logs)),
  ]);
  const site = { state, network, controlPlane };
  await Promise.all([
    timed(`kubelet: node ${nodeName} is Ready`, startKubelet(site)),
    timed('kube-proxy', startServiceProxy(site)),
    timed('CoreDNS', startDns(site)),
  ]);
  return controlPlane;
};

const environmentFor = ({ programs, kubeconfig, logs }: ControlPlane): NodeJS.ProcessEnv => {
  const temporary = join(state, 'tmp');
  mkdirSync(temporary, { mode: 0o1777 });
  return {
    ...process.env,
    ...{ PATH: `${programs}:${process.env['PATH'] ?? ''}`, KUBECONFIG: kubeconfig, EDGEBUILD_BOX: '1' },
    ...{ EDGEBUILD_CLUSTER_LOGS: logs, TMPDIR: temporary, KUBECACHEDIR: join(state, 'kubectl') },
  };
};

const greeting = `
A Kubernetes of your own, until this shell ends. Nothing of it stays.

  kubectl get nodes             one node, ${nodeName}; you are cluster-admin
  ${busyboxImage}
                                an image for pods; push others to ${registryHost}
  $EDGEBUILD_CLUSTER_LOGS       logs of its parts: they stay

`;

/** A shell of the user's own, that shows where it is. */
const shell = (): string[] => {
  process.stderr.write(greeting);
  const file = join(state, 'bashrc');
  writeFileSync(file, '[ ! -r ~/.bashrc ] || . ~/.bashrc\nPATH=$EDGEBUILD_BOX_PATH\nPS1="(box) $PS1"\n');
  return ['bash', '--rcfile', file];
};

const run = async (given: readonly string[], environment: NodeJS.ProcessEnv): Promise<number> => {
  const [command = 'bash', ...args] = given.length > 0 ? given : shell();
  // The terminal sends Ctrl-C to the command as well.
  process.on('SIGINT', () => undefined);
  const env = { ...environment, EDGEBUILD_BOX_PATH: environment['PATH'] };
  const child = spawn(command, args, { stdio: 'inherit', env });
  const [status, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  return status ?? 128 + (signal === null ? 0 : constants.signals[signal]);
};

const [network, ...command] = process.argv.slice(2);
try {
  const controlPlane = await bringUp(network === 'net', process.env['EDGEBUILD_CLUSTER_LOGS'] ?? state);
  process.exit(await run(command, environmentFor(controlPlane)));
} catch (error) {
  process.stderr.write(`box: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
