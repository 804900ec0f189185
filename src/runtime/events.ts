import { randomBytes } from 'node:crypto';
import type { Client } from '../kube/client.ts';
import type { Kind, KubeObject } from '../kube/objects.ts';
import type { Logger } from '../ops/log.ts';

/** https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/ */
const events: Kind = {
  group: 'events.k8s.io',
  version: 'v1',
  kind: 'Event',
  plural: 'events',
  namespaced: true,
};

/** What has happened, for people: on change only, never on what stays as it was. */
export interface Happening {
  readonly type: 'Normal' | 'Warning';
  /** PascalCase, at most 128 characters. */
  readonly reason: string;
  /** What was done, PascalCase. */
  readonly action: string;
  readonly note: string;
}

/** Writes an Event. That it cannot be written is logged, and is nobody's failure. */
export type RecordEvent = (
  client: Client,
  regarding: KubeObject | undefined,
  happening: Happening,
) => Promise<void>;

/** The API server's limit of `note`, in bytes. */
const maxNote = 1024;

/**
 * @param instance which process, such as the name of its pod.
 */
export const createRecordEvent =
  ({ instance, log }: { readonly instance: string; readonly log: Logger }): RecordEvent =>
  async (client, regarding, { type, reason, action, note }) => {
    if (regarding === undefined) return;
    const { apiVersion, kind } = regarding;
    const { name, namespace, uid, resourceVersion } = regarding.metadata;
    // Events of objects that lie in no namespace lie here.
    const where = namespace ?? 'default';
    const event = {
      ...{ apiVersion: 'events.k8s.io/v1', kind: 'Event' },
      metadata: { name: `${name.slice(0, 200)}.${randomBytes(8).toString('hex')}`, namespace: where },
      // Microseconds: the type takes nothing else.
      eventTime: new Date().toISOString().replace('Z', '000Z'),
      ...{ type, reason, action, note: cut(note) },
      ...{ reportingController: 'edgebuild.io/operator', reportingInstance: instance.slice(0, 128) },
      regarding: {
        ...{ apiVersion, kind, name },
        ...(namespace && { namespace }),
        ...(uid && { uid }),
        ...(resourceVersion && { resourceVersion }),
      },
    };
    try {
      await client.create(events, event);
    } catch (error) {
      log.warn('an Event could not be written', { error, reason, object: name });
    }
  };

const cut = (text: string): string =>
  Buffer.byteLength(text) <= maxNote
    ? text
    : `${Buffer.from(text)
        .subarray(0, maxNote - 4)
        .toString()}…`;
