/**
 * EdgeBuilds, good and bad, and what is said of each: on the command line and by an API server alike, word by word. The
 * texts were compared with those of k8s.io/apiextensions-apiserver v0.36.3, whose validation code was run on every row.
 *
 * Data only, so that a test with a real API server can replay it.
 */
import { clusterCases } from './objects/cluster.ts';
import { goodCases } from './objects/good.ts';
import type { ObjectCase } from './objects/makers.ts';
import { metadataCases } from './objects/metadata.ts';
import { sourceCases } from './objects/source.ts';
import { specCases } from './objects/spec.ts';

export type { ObjectCase };

export const objectCases: readonly ObjectCase[] = [
  ...goodCases,
  ...sourceCases,
  ...specCases,
  ...clusterCases,
  ...metadataCases,
];
