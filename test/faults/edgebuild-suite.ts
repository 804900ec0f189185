import { afterAll, afterEach, beforeAll, beforeEach } from '@jest/globals';
import { clusterPrograms } from '../cluster/programs.ts';
import { startRegistry } from '../support/registry.ts';
import {
  type EdgeBuildOperator,
  type EdgeBuildOperatorOptions,
  startEdgeBuilds,
} from './edgebuild-operator.ts';
import { type EdgeBuildSite, openEdgeBuildSite } from './edgebuild-site.ts';
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts';
import { asFile } from './gadgets.ts';

/** What the tests of one file share. What changes with each test is read when it is asked for. */
export interface EdgeBuildSuite {
  readonly site: EdgeBuildSite;
  /** Of this test alone. */
  readonly proxy: FaultProxy;
  /** Of this test alone, and watched by its operators alone. */
  readonly namespace: string;
  /** An operator behind the proxy; killed when the test is over. */
  readonly start: (options?: EdgeBuildOperatorOptions) => EdgeBuildOperator;
  readonly stop: (operator: EdgeBuildOperator) => Promise<void>;
}

/**
 * A control plane, a registry, the stand-in for OpenShift, and for each test a namespace and a proxy of its own. For the
 * top of a file of tests.
 */
export const edgeBuildSuite = async (): Promise<EdgeBuildSuite> => {
  const registry = await startRegistry({}, 'http');
  const operators: EdgeBuildOperator[] = [];
  const now: { site?: EdgeBuildSite; proxy?: FaultProxy; kubeconfig?: string; namespace?: string } = {};
  let tests = 0;

  beforeAll(async () => {
    await clusterPrograms();
    now.site = await openEdgeBuildSite(registry.host);
  }, 3_600_000);

  beforeEach(async () => {
    tests += 1;
    const { plane, namespace } = given(now.site);
    now.proxy = await startFaultProxy(plane);
    now.kubeconfig = await asFile(plane, now.proxy.kubeconfig);
    now.namespace = await namespace(`test-${String(tests)}`);
  }, 300_000);

  afterEach(async () => {
    await Promise.all(operators.splice(0).map((operator) => operator.kill()));
    await now.proxy?.close();
  }, 300_000);

  afterAll(async () => {
    await now.site?.close();
  }, 300_000);

  return {
    get site() {
      return given(now.site);
    },
    get proxy() {
      return given(now.proxy);
    },
    get namespace() {
      return given(now.namespace);
    },
    start: (options = {}) => {
      const operator = startEdgeBuilds(given(now.kubeconfig), {
        namespaces: [given(now.namespace)],
        ...options,
      });
      operators.push(operator);
      return operator;
    },
    stop: async (operator) => {
      operators.splice(operators.indexOf(operator), 1);
      await operator.kill();
    },
  };
};

const given = <T>(value: T | undefined): T => {
  if (value === undefined) throw new Error('this is there in tests alone');
  return value;
};
