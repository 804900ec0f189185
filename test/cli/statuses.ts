import type { StoredEdgeBuild } from '../../src/edgebuild/kinds.ts';
import type { Facts, PlatformFacts } from '../../src/edgebuild/facts.ts';
import { statusOf } from '../../src/edgebuild/status.ts';
import { factsOf } from '../edgebuild/facts.ts';

/** Seconds after a time that all here counts from. */
export const at = (seconds: number): string =>
  new Date(Date.UTC(2026, 0, 2, 3, 0, seconds)).toISOString().replace('.000Z', 'Z');

const digest = `sha256:${'ab'.repeat(32)}`;

/** A platform whose build went well. */
export const built: PlatformFacts = {
  ...{ platform: 'linux/arm64', execution: 'Emulated', state: 'Succeeded', reason: 'BuildComplete' },
  message: 'built in 2m42s under emulation on worker-1',
  ...{ build: 'web-arm64-3', attempt: 1, digest, architecture: 'arm64', verified: true },
  ...{ startTime: at(0), completionTime: at(162) },
};

export const failed: PlatformFacts = {
  ...{ platform: 'linux/s390x', execution: 'Emulated', state: 'Failed', reason: 'DockerfileStepFailed' },
  message: 'a step of the Dockerfile failed in build web-s390x-1',
  ...{ build: 'web-s390x-1', attempt: 3, startTime: at(0), completionTime: at(12) },
};

const { completionTime: _, ...begun } = built;
export const building: PlatformFacts = {
  ...begun,
  ...{ state: 'Building', reason: 'Building', message: 'building under emulation on worker-1' },
};

export const waiting: PlatformFacts = {
  ...{ platform: 'linux/arm64', execution: 'Emulated', state: 'Waiting', reason: 'EmulationUnavailable' },
  message: 'no node proves that it runs programs of arm64',
};

export const published = {
  reference: `image-registry.openshift-image-registry.svc:5000/shop/web@${digest}`,
  ...{ digest, publishedAt: at(200) },
};

interface More extends Partial<Facts> {
  readonly previous?: StoredEdgeBuild['status'];
  readonly name?: string;
}

/** An EdgeBuild as a cluster has it, its status as the operator writes it. */
export const storedWith = (
  platforms: readonly PlatformFacts[],
  { previous, name = 'web', ...facts }: More = {},
): StoredEdgeBuild => ({
  ...bare(name),
  status: statusOf(factsOf(platforms, facts), previous, at(0)),
});

/** No operator has looked at it. */
export const bare = (name = 'web'): StoredEdgeBuild => ({
  ...{ apiVersion: 'edgebuild.io/v1alpha1', kind: 'EdgeBuild', spec: {} },
  metadata: { name, namespace: 'shop', generation: 3, creationTimestamp: at(0) },
});
