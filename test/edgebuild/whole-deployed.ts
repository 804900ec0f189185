/** Names as long as they may be, twice the same; what runs of what was built; and what stays when all that is deleted. */
import { describe, expect, test } from '@jest/globals';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import * as kinds from '../../src/edgebuild/kinds.ts';
import { keyOf, type KubeObject } from '../../src/kube/objects.ts';
import { kubectl } from '../manifests/installation.ts';
import { all, subject, thought, versionsOf } from './subject.ts';
import { createProjects, eventually } from './whole-site.ts';

const name = `a${'-long.name'.repeat(20).slice(0, 198)}z`;
const [first, second] = [subject('first', name), subject('second', name)];
const specOf = (base: string) => ({
  source: {
    dockerfile: [
      ...[`FROM ${base}`, 'RUN mkdir /www && uname -m > /www/index.html', 'EXPOSE 8080'],
      // As the first process of a container it does not end by another.
      'STOPSIGNAL SIGKILL',
      'CMD ["/bin/busybox", "httpd", "-f", "-p", "8080", "-h", "/www"]\n',
    ].join('\n'),
  },
});

export const beginDeployed = async (base: string): Promise<void> => {
  await createProjects('first', 'second');
  await first.apply({ ...specOf(base), deploy: { port: 8080, expose: true } });
  await second.apply({ ...specOf(base), output: { deletionPolicy: 'Delete' } });
};

interface Deployment extends KubeObject {
  readonly spec: {
    readonly template: {
      readonly spec: {
        readonly nodeSelector: object;
        readonly containers: readonly { readonly image: string }[];
      };
    };
  };
}

interface Service extends KubeObject {
  readonly spec: { readonly clusterIP: string };
}

const everything = [
  ...[kinds.buildConfigs, kinds.builds, kinds.imageStreams, kinds.deployments, kinds.services, kinds.routes],
  kinds.pods,
];
/** "imagestreams/web": all that stays in a namespace. */
const namesIn = async (namespace: string): Promise<readonly string[]> => {
  const found = await Promise.all(
    everything.map(async (kind) =>
      (await all(kind, namespace))
        // What is on its way out may take its time.
        .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
        .map(({ metadata }) => `${kind.plural}/${metadata.name}`),
    ),
  );
  return found.flat();
};

const page = async (url: string): Promise<string> => {
  try {
    return await (await fetch(url, { signal: AbortSignal.timeout(10_000) })).text();
  } catch (error) {
    return String(error);
  }
};

/** What /proc says of the programs that the node runs with these arguments: the box sees all of them. */
const executablesOf = (words: string): readonly string[] =>
  readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid))
    .flatMap((pid) => {
      try {
        const line = readFileSync(join('/proc', pid, 'cmdline'), 'latin1').replaceAll('\0', ' ');
        return line.includes(words) ? [readlinkSync(join('/proc', pid, 'exe'))] : [];
      } catch {
        return [];
      }
    });

const agents = ['daemonset', 'edgebuild-agent', '-n', 'edgebuild-node', '-o', 'jsonpath={.metadata.uid}'];

export const longNames = (): void => {
  describe('two EdgeBuilds of one name of 200 characters, in two namespaces', () => {
    test('are both built', async () => {
      expect(name).toHaveLength(200);
      const [one, other] = await Promise.all([first.ready(), second.ready()]);
      const repositoryOf = ({ object }: typeof one) => object.status?.image?.reference.split('/').slice(1, 2);
      expect([repositoryOf(one), repositoryOf(other)]).toEqual([['first'], ['second']]);
      expect(await Promise.all([first.builds(), second.builds()])).toMatchObject([{ length: 1 }, { length: 1 }]);
    });

    test('have children with names that are labels, the same in both', async () => {
      const [ofFirst, ofSecond] = await Promise.all([namesIn('first'), namesIn('second')]);
      const own = ofFirst.filter((one) => !one.startsWith('pods/') && !one.startsWith('builds/'));
      expect(own.filter((one) => !/^[a-z]+\/[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$/.test(one))).toEqual([]);
      expect(own).toEqual(expect.arrayContaining(ofSecond.filter((one) => /^(buildconfigs|imagestreams)/.test(one))));
    });
  });
}; // prettier-ignore

export const deployed = (): void => {
  describe('what was built and is deployed', () => {
    test('answers by its Service, as a program of ARM64 that the emulator runs', async () => {
      const { conditions } = await first.ready();
      expect(conditions['Deployed']).toBe('True Deployed');
      const [service] = await all<Service>(kinds.services, 'first');
      const url = `http://${service?.spec.clusterIP ?? ''}:8080/`;
      expect(
        await eventually(
          () => page(url),
          (text) => text === 'aarch64\n',
        ),
      ).toBe('aarch64\n');
      expect(executablesOf('httpd -f -p 8080 -h /www')).toEqual([
        expect.stringMatching(/\/qemu-aarch64[^/]*$/),
      ]);
    });

    test('is that very image, where it can run', async () => {
      const [deployment] = await all<Deployment>(kinds.deployments, 'first');
      const { nodeSelector, containers } = deployment?.spec.template.spec ?? {};
      const image = (await first.ready()).object.status?.image;
      expect(containers).toMatchObject([{ image: image?.reference }]);
      expect(nodeSelector).toEqual({
        ...{ 'kubernetes.io/arch': 'amd64', 'emulation.edgebuild.io/arm64': 'ready' },
      });
      expect((await all(kinds.routes, 'first')).map(({ metadata }) => metadata.name)).toHaveLength(1);
    });

    test('is not written again when nothing of it has changed', async () => {
      const before = await versionsOf(first);
      await kubectl('-n', 'first', 'annotate', 'edgebuild', name, 'looked-at=again');
      await thought('first');
      const own = `edgebuilds/${name}`;
      expect({ ...(await versionsOf(first)), [own]: '' }).toEqual({ ...before, [own]: '' });
    });
  });
};

const outputOf = async (): Promise<string> => {
  const names = (await namesIn('first')).flatMap((one) => /^imagestreams\/(.*)$/.exec(one)?.[1] ?? []);
  return names.find((one) => !one.endsWith('-bases')) ?? '';
};

export const deleted = (): void => {
  describe('what is deleted', () => {
    test('takes everything of it along where that is asked, and leaves everything of others', async () => {
      const [agent, others] = [await kubectl('get', ...agents), await versionsOf(first)];
      await kubectl('-n', 'second', 'delete', 'edgebuild', name, '--timeout=180s');
      expect(await eventually(() => namesIn('second'), ({ length }) => length === 0)).toEqual([]);
      expect(await versionsOf(first)).toEqual(others);
      expect(await kubectl('get', ...agents)).toBe(agent);
    });

    test('leaves what users pull, and nothing else', async () => {
      const { object } = await first.ready();
      const output = await outputOf();
      await kubectl('-n', 'first', 'delete', 'edgebuild', name, '--timeout=180s');
      const left = [`imagestreams/${output}`];
      expect(await eventually(() => namesIn('first'), (names) => names.length <= left.length)).toEqual(left);
      const stream = await first.stream(output);
      const tag = stream?.status?.tags?.find((one) => one.tag === 'latest');
      expect(tag?.items?.at(0)?.image).toBe(object.status?.image?.digest);
      expect(keyOf(stream?.metadata ?? { name: '' })).toBe(`first/${output}`);
    });
  });
}; // prettier-ignore
