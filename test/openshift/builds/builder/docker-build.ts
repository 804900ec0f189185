/** The container `docker-build`: pulls, builds, pushes. */
import { readFileSync } from 'node:fs';
import type { Details } from '../kinds.ts';
import { buildImage, suited } from './buildah.ts';
import { type Base, openStorage, retried, type Storage } from './images.ts';
import { readInstructions } from './instructions.ts';
import { dockerfileOf } from './manage.ts';
import type { Surroundings } from './place.ts';
import { say } from './programs.ts';
import { imagesOf, withArguments } from './references.ts';
import { BuildError, type Timing } from './report.ts';

export const dockerBuild = async (
  surroundings: Surroundings,
  timing: Timing,
  tell: (details: Details) => Promise<void>,
): Promise<void> => {
  const { build, place, retryDelayMs } = surroundings;
  const { dockerStrategy: { buildArgs = [] } = {} } = build.spec.strategy;
  const storage = openStorage(surroundings);
  const given = Object.fromEntries(buildArgs.map(({ name, value = '' }) => [name, value]));
  const text = readFileSync(dockerfileOf(build, place), 'utf8');
  const instructions = withArguments(readInstructions(text), given);
  const pulled: Base[] = [];
  for (const image of imagesOf(instructions)) {
    say(`\nPulling image ${image} ...`);
    const pulling = timing.step('PullImages', 'PullBaseImage', () =>
      retried('Pull', retryDelayMs, () => pull(storage, image)),
    );
    pulled.push(await pulling.catch(pullFailed));
  }
  const building = timing.step('Build', 'DockerBuild', async () => {
    const bases = await suited(storage, pulled, given['TARGETPLATFORM']);
    return buildImage({ ...surroundings, storage, bases, instructions, given });
  });
  const id = await building.catch(buildFailed);
  const image = build.spec.output.to?.name ?? '';
  if (image === '') {
    say('Build complete, no image push requested');
    return;
  }
  say(`\nPushing image ${image} ...`);
  const pushing = timing.step('PushImage', 'PushDockerImage', () =>
    retried('Push', retryDelayMs, () => storage.push(id, image)),
  );
  const imageDigest = await pushing.catch(pushFailed);
  await tell({ imageDigest });
  say(`Successfully pushed ${image.replace(/:[^/]*$/, '')}@${imageDigest}\nPush successful`);
};

const pull = (storage: Storage, image: string): Promise<Base> => {
  say(`Trying to pull ${image}...`);
  return storage.fetch(image);
};

const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const pullFailed = (error: unknown): never => {
  const cause = `After retrying 2 times, Pull image still failed due to error: ${wordsOf(error)}`;
  throw new BuildError(
    ...(['PullBuilderImageFailed', 'Failed pulling builder image.'] as const),
    `failed to pull image: ${cause}`,
  );
};
const buildFailed = (error: unknown): never => {
  throw new BuildError('DockerBuildFailed', 'Dockerfile build strategy has failed.', wordsOf(error));
};
const pushFailed = (error: unknown): never => {
  throw new BuildError(
    ...(['PushImageToRegistryFailed', 'Failed to push the image to the registry.'] as const),
    `Failed to push image: ${wordsOf(error)}`,
  );
};
