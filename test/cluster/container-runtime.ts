/** containerd with Debian's network plugins, inside of a box. */
import { execa } from 'execa';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pauseImage } from './images.ts';
import { startPart } from './part.ts';

/** Of pods. */
export const podRange = '10.88.0.0/16';

export const runtimeSocket = (state: string): string => join(state, 'containerd.sock');

/** A directory for each registry that is not as others are: HOST:PORT/hosts.toml. Looked at with every pull. */
const registrySettings = (state: string): string => join(state, 'registries');

/** From now on the node pulls from `registry`, host:port, by plain HTTP. */
export const allowPlainHttp = (state: string, registry: string): void => {
  const directory = join(registrySettings(state), registry);
  mkdirSync(directory, { recursive: true });
  // containerd 1.6 takes no file without a table of hosts.
  const text = `server = "http://${registry}"\n[host."http://${registry}"]\n  capabilities = ["pull", "resolve"]\n`;
  writeFileSync(join(directory, 'hosts.toml'), text);
};

export const startContainerRuntime = async (state: string, logs: string): Promise<void> => {
  const path = (name: string): string => join(state, name);
  mkdirSync(path('cni'));
  writeFileSync(path('cni/10-box.conflist'), JSON.stringify(podNetwork, null, 2));
  writeFileSync(path('containerd.toml'), settings(state));
  const part = startPart({
    ...{ name: 'containerd', logs },
    command: ['containerd', '--config', path('containerd.toml')],
  });
  const ask = ['--address', runtimeSocket(state), 'version'];
  await part.ready(
    async () => existsSync(runtimeSocket(state)) && !(await execa('ctr', ask, { reject: false })).failed,
  );
};

const podNetwork = {
  ...{ cniVersion: '0.4.0', name: 'box' },
  plugins: [
    {
      ...{ type: 'bridge', bridge: 'cni0', isGateway: true, ipMasq: true, hairpinMode: true },
      ipam: {
        ...{ type: 'host-local', ranges: [[{ subnet: podRange }]], routes: [{ dst: '0.0.0.0/0' }] },
        dataDir: '/run/cni',
      },
    },
    { type: 'portmap', capabilities: { portMappings: true } },
  ],
};

/**
 * In a user namespace nobody may lower an OOM score, AppArmor's profiles are the machine's, and so are the control
 * groups (namespaces.ts).
 */
const settings = (state: string): string => `version = 2
root = "${state}/containerd"
state = "${state}/containerd-run"
[grpc]
  address = "${runtimeSocket(state)}"
[plugins."io.containerd.internal.v1.opt"]
  path = "${state}/containerd-opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${pauseImage}"
  restrict_oom_score_adj = true
  disable_apparmor = true
  disable_cgroup = true
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "${registrySettings(state)}"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "${state}/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
`;
