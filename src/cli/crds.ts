import { crdsYaml } from '../api/crd.ts';
import type { Terminal } from './terminal.ts';

/** `edgebuild crds`. */
export const crds = (terminal: Terminal): void => {
  terminal.result(crdsYaml());
};
