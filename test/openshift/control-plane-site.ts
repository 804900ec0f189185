/** A control plane with the stand-in on it and a real registry, without a node: Builds stay New. */
import { expect } from '@jest/globals';
import { type ControlPlane, startControlPlane } from '../cluster/control-plane.ts';
import { until } from '../support/until.ts';
import { type Api, openApi } from './api.ts';
import { type OpenShift, startOpenShift } from './stand-in.ts';

export { imageOf } from './word-images.ts';

export interface HttpAnswer {
  readonly code: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  /** Undefined where the text is no JSON. */
  readonly body: Fields | undefined;
}

/** JSON that a test looks into. */
export interface Fields {
  readonly [field: string]: Fields;
}

export interface OpenShiftSite {
  readonly plane: ControlPlane;
  readonly openShift: OpenShift;
  /** host:port of a docker-registry: the outside. */
  readonly outside: string;
  readonly ask: (method: string, path: string, body?: object, contentType?: string) => Promise<HttpAnswer>;
  /** The same as another user. */
  readonly as: (kubeconfig: string) => Promise<OpenShiftSite['ask']>;
  /** Server-side apply of an object of these groups; it must be accepted. */
  readonly apply: (object: Applied, manager?: string) => Promise<Fields>;
  /** Until what is read satisfies; asserts that it does. */
  readonly eventually: (path: string, isSo: (seen: Fields) => boolean) => Promise<Fields>;
  /** Until a user may do what `kubectl auth can-i` is asked for: a binding counts a moment after it is there. */
  readonly untilAllowed: (user: string, ...question: readonly string[]) => Promise<void>;
  readonly close: () => Promise<void>;
}

interface Applied {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly [field: string]: unknown;
  };
  readonly [field: string]: unknown;
}

const patience = 180_000;

/** @param outside host:port of a docker-registry that speaks plain HTTP. */
export const openSite = async (outside: string): Promise<OpenShiftSite> => {
  const plane = await startControlPlane();
  try {
    const { kubeconfig, certificates } = plane;
    const openShift = await startOpenShift({ kubeconfig, certificates, registry: outside, buildsRun: false });
    await plane.startControllers();
    return await site(plane, openShift, outside);
  } catch (error) {
    await plane.stop();
    throw error;
  }
};

const site = async (plane: ControlPlane, openShift: OpenShift, outside: string): Promise<OpenShiftSite> => {
  const apis: Api[] = [];
  const as = async (kubeconfig: string): Promise<OpenShiftSite['ask']> => {
    const api = await openApi(kubeconfig);
    apis.push(api);
    return asker(api);
  };
  const ask = await as(plane.kubeconfig);
  return {
    ...{ plane, openShift, outside, ask, as },
    apply: async (object, manager = 'test') => {
      const { code, body, text } = await ask(
        'PATCH',
        `${pathOf(object)}?fieldManager=${manager}&force=true&fieldValidation=Strict`,
        object,
        'application/apply-patch+yaml',
      );
      if (body === undefined || code > 201) throw new Error(`${code} ${text}`);
      return body;
    },
    eventually: async (path, isSo) => {
      const look = async (): Promise<Fields> => (await ask('GET', path)).body ?? {};
      const seen = await until(look, (one) => holds(isSo, one), patience);
      expect({ seen, isSo: holds(isSo, seen) }).toEqual({ seen, isSo: true });
      return seen;
    },
    untilAllowed: async (user, ...question) => {
      const ask = () => plane.kubectl(['auth', 'can-i', ...question, `--as=${user}`]);
      expect(await until(ask, ({ exitCode }) => exitCode === 0, patience)).toMatchObject({ exitCode: 0 });
    },
    close: async () => {
      await Promise.all(apis.map((api) => api.close()));
      await openShift.close();
      await plane.stop();
    },
  };
};

/** What is not there yet does not satisfy. */
const holds = (isSo: (seen: Fields) => boolean, seen: Fields): boolean => {
  try {
    return isSo(seen);
  } catch {
    return false;
  }
};

const asker =
  (api: Api): OpenShiftSite['ask'] =>
  async (method, path, body, contentType = 'application/json') => {
    const answer = await api.send({
      ...{ method, path, headers: { 'content-type': contentType, 'user-agent': 'curl/8' } },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.body.text();
    return { code: answer.statusCode, headers: answer.headers, text, body: parsed(text) };
  };

const parsed = (text: string): Fields | undefined => {
  try {
    return JSON.parse(text) as Fields;
  } catch {
    return undefined;
  }
};

const pathOf = ({ apiVersion, kind, metadata: { namespace, name } }: Applied): string =>
  `/apis/${apiVersion}/namespaces/${namespace ?? ''}/${kind.toLowerCase()}s/${name}`;
