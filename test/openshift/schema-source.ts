/** OpenShift's own OpenAPI document, out of the Go module that go.mod pins and go.sum proves. */
import { execa } from 'execa';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findGo } from '../cluster/programs.ts';

/** A schema of Swagger 2, as far as this one goes. */
export interface Definition {
  readonly type?: string;
  readonly format?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Definition>>;
  readonly additionalProperties?: Definition;
  readonly items?: Definition;
  readonly $ref?: string;
  readonly [extension: `x-kubernetes-${string}`]: unknown;
}

export type Definitions = Readonly<Record<string, Definition>>;

let read: Promise<Definitions> | undefined;

/** By full name: `com.github.openshift.api.build.v1.BuildConfig`. Go keeps the module in its own cache. */
export const openShiftDefinitions = (): Promise<Definitions> => (read ??= readDefinitions());

const readDefinitions = async (): Promise<Definitions> => {
  const { stdout } = await execa(await findGo(), ['mod', 'download', '-json', 'github.com/openshift/api'], {
    cwd: import.meta.dirname,
    env: { GOFLAGS: '-mod=readonly' },
  });
  const { Dir } = JSON.parse(stdout) as { readonly Dir: string };
  const document = JSON.parse(readFileSync(join(Dir, 'openapi/openapi.json'), 'utf8')) as {
    readonly definitions: Definitions;
  };
  return document.definitions;
};

const prefix = '#/definitions/';

/** The name of the definition that a schema points to. */
export const referenceOf = ({ $ref }: Definition): string | undefined =>
  $ref?.startsWith(prefix) === true ? $ref.slice(prefix.length) : undefined;
