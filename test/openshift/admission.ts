/**
 * An admission webhook before the stand-in's storage: what OpenShift's own storage strategies do to each object. So it
 * happens in the write itself, after a server-side apply was merged, and nobody ever sees an object without it.
 */
import { createServer, type Server } from 'node:https';
import { gatewayGroup, statusGroup } from './api.ts';
import { prepareBuildConfig } from './build-config.ts';
import { prepareBuild } from './build.ts';
import { Refusal } from './errors.ts';
import { groups } from './groups.ts';
import { prepareImageStream, type StreamWrite } from './image-stream.ts';
import { readBody } from './requests.ts';
import type { Build, BuildConfig, ImageStream } from './shapes.ts';
import type { KubeObject } from '../../src/kube/objects.ts';

export interface AdmissionSettings {
  readonly registry: string;
  readonly find: StreamWrite['find'];
}

interface Review {
  readonly uid: string;
  readonly resource: { readonly resource: string };
  readonly object: KubeObject | null;
  readonly oldObject: KubeObject | null;
  readonly userInfo: { readonly groups?: readonly string[] };
}

const admissionName = 'admission.standin.edgebuild.test';

/** https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/ */
export const webhookConfiguration = (url: string, caBundle: string): object => ({
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'MutatingWebhookConfiguration',
  metadata: { name: admissionName },
  webhooks: [
    {
      name: admissionName,
      clientConfig: { url, caBundle },
      ...{ admissionReviewVersions: ['v1'], sideEffects: 'None', failurePolicy: 'Fail', timeoutSeconds: 30 },
      rules: [
        {
          apiGroups: [groups.build.shadow, groups.image.shadow],
          ...{ apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'] },
          resources: ['buildconfigs', 'builds', 'imagestreams'],
        },
      ],
    },
  ],
});

/** It does not listen yet. */
export const admissionServer = (
  tls: { readonly cert: Buffer; readonly key: Buffer },
  settings: AdmissionSettings,
): Server =>
  createServer(tls, (request, response) => {
    const answer = async (): Promise<string> => {
      const { request: review } = JSON.parse((await readBody(request)).toString()) as {
        readonly request: Review;
      };
      return JSON.stringify({
        ...{ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview' },
        response: { uid: review.uid, ...(await judge(review, settings)) },
      });
    };
    void answer().then(
      (text) => response.setHeader('content-type', 'application/json').end(text),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });

const judge = async (review: Review, settings: AdmissionSettings): Promise<object> => {
  try {
    const prepared = await prepare(review, settings);
    const patch = ['spec', 'status', 'standin']
      .filter((field) => field in prepared)
      .map((field) => ({ op: 'add', path: `/${field}`, value: prepared[field as keyof typeof prepared] }));
    const encoded = Buffer.from(JSON.stringify(patch)).toString('base64');
    return { allowed: true, patchType: 'JSONPatch', patch: encoded };
  } catch (error) {
    if (error instanceof Refusal) return { allowed: false, status: error.status };
    throw error;
  }
};

const prepare = async (
  { resource: { resource }, object, oldObject, userInfo: { groups: callers = [] } }: Review,
  { registry, find }: AdmissionSettings,
): Promise<KubeObject> => {
  const isOwn = !callers.includes(gatewayGroup);
  switch (resource) {
    case 'buildconfigs':
      return prepareBuildConfig(object as BuildConfig, oldObject ?? undefined);
    case 'builds':
      return prepareBuild(object as Build, oldObject ?? undefined, isOwn);
    default: {
      const old = (oldObject ?? undefined) as ImageStream | undefined;
      const isStatus = callers.includes(statusGroup);
      const submitted = object as ImageStream;
      const write = { registry, find, old, now: now(), mayChangeStatus: isOwn || isStatus };
      const spec = isStatus ? old?.spec : submitted.spec;
      return prepareImageStream({ ...submitted, ...(spec === undefined ? {} : { spec }) }, write);
    }
  }
};

/** As Kubernetes writes times: whole seconds. */
export const now = (): string => new Date().toISOString().replace(/\.\d+Z$/, 'Z');
