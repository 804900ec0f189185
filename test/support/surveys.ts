import type { Image } from '../../src/image/image.ts';
import { layerOf, type Layer } from '../../src/image/layer.ts';
import type { ImageConfig } from '../../src/image/ocitypes.ts';
import { surveyImage, type Survey } from '../../src/image/survey.ts';
import { sha256, tar, type Member } from './images.ts';

/** A layer in memory, handed out in chunks of `chunk` bytes. */
export const layerFrom = (bytes: Buffer, chunk = 65_536): Layer =>
  layerOf(
    {
      size: bytes.length,
      async *read() {
        for (let at = 0; at < bytes.length; at += chunk)
          yield await Promise.resolve(bytes.subarray(at, at + chunk));
      },
    },
    { diffId: `sha256:${sha256(bytes)}`, mediaType: 'test', size: bytes.length, where: 'test' },
  );

export const surveyOf = (...layers: readonly (readonly Member[])[]): Promise<Survey> =>
  surveyImage({ reference: 'test', layers: layers.map((members) => layerFrom(tar(members))) });

export const configOf = (
  config: ImageConfig['config'] = {},
  claim: Partial<ImageConfig> = {},
): ImageConfig => ({
  os: 'linux',
  architecture: 'arm64',
  rootfs: { type: 'layers', diff_ids: [] },
  ...claim,
  config,
});

export const imageFrom = (config: ImageConfig, ...layers: readonly (readonly Member[])[]): Image => ({
  reference: 'test',
  digest: `sha256:${'0'.repeat(64)}`,
  config,
  size: 0,
  layers: layers.map((members) => layerFrom(tar(members))),
});
