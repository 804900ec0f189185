/** The documents of each group that are about the API itself. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { allGroups, type Group, groups } from './groups.ts';

const recorded = (name: string): unknown =>
  JSON.parse(readFileSync(join(import.meta.dirname, 'recordings', name), 'utf8')) as unknown;

/**
 * OpenAPI of each group by its name. To ask the API server for it within a request would lock it: it holds the lock of its
 * OpenAPI while it asks here.
 */
export type OpenApi = Map<string, unknown>;

/** As a real OpenShift lists its resources. */
const resources = (group: Group): unknown =>
  recorded(group === groups.build ? 'discovery-build.json' : 'discovery-image.json');

const groupDocument = ({ name }: Group): object => {
  const version = { groupVersion: `${name}/v1`, version: 'v1' };
  return { kind: 'APIGroup', apiVersion: 'v1', name, versions: [version], preferredVersion: version };
};

/** The document at this path; undefined where there is none. */
export const documentAt = (documents: OpenApi, url: string): unknown => {
  const { pathname } = new URL(url, 'https://gateway');
  for (const group of allGroups) {
    if (pathname === `/apis/${group.name}`) return groupDocument(group);
    if (pathname === `/apis/${group.name}/v1`) return resources(group);
    if (pathname === `/openapi/v3/apis/${group.name}/v1`) return documents.get(group.name);
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
