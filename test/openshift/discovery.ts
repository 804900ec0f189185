/** The documents of each group that are about the API itself. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Api } from './api.ts';
import { allGroups, type Group, groups } from './groups.ts';
import { shownText } from './translation.ts';

const recorded = (name: string): unknown =>
  JSON.parse(readFileSync(join(import.meta.dirname, 'recordings', name), 'utf8')) as unknown;

/** As a real OpenShift lists its resources. */
const resources = (group: Group): unknown =>
  recorded(group === groups.build ? 'discovery-build.json' : 'discovery-image.json');

const groupDocument = ({ name }: Group): object => {
  const version = { groupVersion: `${name}/v1`, version: 'v1' };
  return { kind: 'APIGroup', apiVersion: 'v1', name, versions: [version], preferredVersion: version };
};

/** The document at this path; undefined where there is none. */
export const documentAt = async (api: Api, url: string): Promise<unknown> => {
  const { pathname } = new URL(url, 'https://gateway');
  for (const group of allGroups) {
    if (pathname === `/apis/${group.name}`) return groupDocument(group);
    if (pathname === `/apis/${group.name}/v1`) return resources(group);
    if (pathname === `/openapi/v3/apis/${group.name}/v1`) return openApi(api, group);
  }
  switch (pathname) {
    case '/apis':
      return { kind: 'APIGroupList', apiVersion: 'v1', groups: allGroups.map(groupDocument) };
    case '/openapi/v2':
      return { swagger: '2.0', info: { title: 'OpenShift', version: 'v1' }, paths: {} };
    case '/openapi/v3':
      return {
        paths: Object.fromEntries(
          allGroups.map(({ name }) => [
            `apis/${name}/v1`,
            { serverRelativeURL: `/openapi/v3/apis/${name}/v1` },
          ]),
        ),
      };
    default:
      return undefined;
  }
};

/** The API server's own of the CRDs. */
const openApi = async (api: Api, { shadow }: Group): Promise<unknown> => {
  const answer = await api.send({ method: 'GET', path: `/openapi/v3/apis/${shadow}/v1` });
  const text = await answer.body.text();
  return answer.statusCode === 200 ? (JSON.parse(shownText(text, undefined)) as unknown) : undefined;
};
