import type { RunEnvironment } from './config.ts';
import { asksAt, type FlagReader } from './run-flags.ts';

/** The image of the nodes' agent that the operator came with, and what is in it. */
export interface AgentConfig {
  readonly image: string;
  readonly qemuVersion?: string;
  /** SHA-256 of each emulator, hexadecimal, by QEMU's name of the target. */
  readonly emulators: ReadonlyMap<string, string>;
}

/** Undefined: the operator was not told, and can deploy no agent unless a NodeEmulation names an image. */
export const agentConfigOf = (
  { agentImage, agentQemuVersion, agentEmulators }: RunEnvironment,
  reader: FlagReader,
): AgentConfig | undefined => {
  if (agentImage === undefined) return undefined;
  return Object.freeze({
    image: agentImage,
    ...(agentQemuVersion === undefined ? {} : { qemuVersion: agentQemuVersion }),
    emulators: emulatorsOf(agentEmulators ?? '', reader),
  });
};

const emulatorsOf = (text: string, reader: FlagReader): ReadonlyMap<string, string> => {
  const entries = text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
    .map((entry) => /^([a-z0-9_]+)=([0-9a-f]{64})$/.exec(entry));
  if (entries.includes(null))
    reader.fault(
      asksAt('AGENT_EMULATORS', text),
      'is no list such as aarch64=<64 hexadecimal digits>,arm=…: take it from the labels of the agent’s image',
    );
  return new Map(entries.flatMap((entry) => (entry === null ? [] : [[entry[1] ?? '', entry[2] ?? '']])));
};
