import type { EdgeBuildSpec } from '../../../api/edgebuild.ts';
import type { PlatformName } from '../../../api/platforms.ts';
import { dnsLabel, labelKeys, labelsOf, nameWith } from '../names.ts';
import type { OpenShiftObject } from '../types.ts';
import { nodeSelectorOf } from '../where.ts';

export interface Running {
  readonly name: string;
  readonly spec: EdgeBuildSpec;
  readonly deploy: NonNullable<EdgeBuildSpec['deploy']>;
  /** By digest, of one platform: an index would be resolved to the node's own architecture. */
  readonly image: string;
  readonly platform: PlatformName;
  readonly execution: 'Native' | 'Emulated';
  /** What it is built upon, if that is known. */
  readonly base: string | undefined;
  /** `stream:tag` if that means this very image; OpenShift's console draws a line to it. */
  readonly imageStreamTag: string | undefined;
}

const selectorOf = (name: string): Readonly<Record<string, string>> => ({
  [labelKeys.edgeBuild]: nameWith(name, ''),
  'app.kubernetes.io/component': 'deploy',
});

const triggers = 'image.openshift.io/triggers';

/** OpenShift's console draws the icon of a known runtime: `httpd` of `registry.example/ubi9/httpd:2`. */
const runtimeOf = (base: string | undefined): Readonly<Record<string, string>> => {
  const [name = ''] = base?.split('/').at(-1)?.split(/[:@]/) ?? [];
  return /^[a-z0-9]([-_.a-z0-9]{0,61}[a-z0-9])?$/.test(name) ? { 'app.openshift.io/runtime': name } : {};
};

/** The console leads from the running image to its source. */
const sourceOf = ({ source: { git } }: EdgeBuildSpec): Readonly<Record<string, string>> => ({
  ...(git && /^https?:/.test(git.uri) ? { 'app.openshift.io/vcs-uri': git.uri } : {}),
  ...(git?.ref === undefined ? {} : { 'app.openshift.io/vcs-ref': git.ref }),
});

const triggerOf = (imageStreamTag: string): string =>
  JSON.stringify([
    {
      from: { kind: 'ImageStreamTag', name: imageStreamTag },
      fieldPath: 'spec.template.spec.containers[?(@.name=="main")].image',
    },
  ]);

/** Runs the published image, on nodes where its platform's programs run. */
export const deployment = (running: Running): OpenShiftObject & { readonly spec: object } => {
  const { name, spec, deploy, image, platform, execution, base, imageStreamTag } = running;
  const annotations = {
    ...sourceOf(spec),
    ...(imageStreamTag === undefined ? {} : { [triggers]: triggerOf(imageStreamTag) }),
  };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      name: nameWith(name, ''),
      labels: {
        ...labelsOf(name),
        ...selectorOf(name),
        'app.kubernetes.io/name': nameWith(name, ''),
        ...runtimeOf(base),
      },
      ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
    },
    spec: {
      replicas: deploy.replicas,
      selector: { matchLabels: selectorOf(name) },
      template: {
        metadata: { labels: { ...labelsOf(name), ...selectorOf(name) } },
        spec: {
          nodeSelector: nodeSelectorOf(platform, execution),
          containers: [
            {
              name: 'main',
              image,
              ...(deploy.port === undefined
                ? {}
                : { ports: [{ containerPort: deploy.port, protocol: 'TCP' }] }),
            },
          ],
        },
      },
    },
  };
};

/** Named as `oc new-app` names the port. */
export const service = (name: string, port: number): OpenShiftObject & { readonly spec: object } => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: dnsLabel(name), labels: labelsOf(name) },
  spec: {
    selector: selectorOf(name),
    ports: [{ name: `${port}-tcp`, port, targetPort: port, protocol: 'TCP' }],
  },
});

export const route = (name: string, port: number): OpenShiftObject & { readonly spec: object } => ({
  apiVersion: 'route.openshift.io/v1',
  kind: 'Route',
  metadata: { name: dnsLabel(name), labels: labelsOf(name) },
  spec: {
    to: { kind: 'Service', name: dnsLabel(name) },
    port: { targetPort: `${port}-tcp` },
  },
});
