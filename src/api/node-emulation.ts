/**
 * A NodeEmulation: "which nodes emulate what". Cluster-scoped, for cluster admins alone: nothing that an EdgeBuild says
 * reaches what runs privileged. This schema is the only source of its CustomResourceDefinition and of its types.
 */
import * as z from 'zod';
import { emulatedNames } from './architecture-names.ts';
import {
  type EmulationConditionType,
  emulationConditionTypes,
  type EmulationReason,
  type ProblemReason,
} from './node-emulation-words.ts';
import { requires, rule } from './rule.ts';
import { imageReference } from './rules.ts';
import { dictionary, listMap, listSet, quantity, ruledBy, text, word } from './schema.ts';
import { reasonPattern, statusHead } from './status.ts';

export const nodeEmulationKind = 'NodeEmulation';
/** There is one, since nodes are shared by all. */
export const nodeEmulationName = 'cluster';

export const nodeEmulationNameRule = rule({
  path: '',
  cel: `self.metadata.name == '${nodeEmulationName}'`,
  check: (self: { readonly metadata: { readonly name?: unknown } }) =>
    self.metadata.name === nodeEmulationName,
  problem: 'there is one NodeEmulation, for the nodes are shared by all',
  remedy: `name it ${nodeEmulationName}`,
});

const architecture = z.enum(emulatedNames).meta({
  description: 'The architecture: OCI’s name of it where there is one, else QEMU’s.',
});

const labelText = text({ max: 63 }).meta({ description: 'The value of one label. At most 63 characters.' });

const toleration = z
  .strictObject({
    key: text({ max: 317 }).exactOptional().meta({
      description:
        'The key of the taint. Default: every key; operator must be Exists then. At most 317 characters.',
    }),
    operator: z.enum(['Exists', 'Equal']).exactOptional().meta({
      description: 'Exists: any value. Equal: the given one. Default: Equal.',
    }),
    value: text({ max: 63 }).exactOptional().meta({
      description: 'The value of the taint. Default: empty. At most 63 characters.',
    }),
    effect: z.enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute']).exactOptional().meta({
      description: 'The effect of the taint. Default: every effect.',
    }),
    tolerationSeconds: z.int().min(0).max(2_147_483_647).exactOptional().meta({
      description: 'For how long NoExecute is tolerated, in seconds. Default: for ever.',
    }),
  })
  .meta({ description: 'One toleration, as in pods.' });

const resources = z
  .strictObject({
    requests: dictionary(quantity, 8).exactOptional().meta({
      description: 'What is set aside. Default: what the agent needs. At most 8.',
    }),
    limits: dictionary(quantity, 8).exactOptional().meta({
      description:
        'What is never exceeded. Default: memory alone, by the number of architectures. At most 8.',
    }),
  })
  .default({})
  .meta({
    description: 'Resources of the agent’s container on each node. Default: what it needs, as measured.',
  });

/** `spec` of a NodeEmulation. */
export const nodeEmulationSpecSchema = z
  .strictObject({
    managementState: z.enum(['Managed', 'Unmanaged', 'Removed']).default('Managed').meta({
      description:
        'Managed: nodes are made to run foreign programs. Unmanaged: nothing is changed, only watched. Removed: what was registered is taken away. Default: Managed.',
    }),
    architectures: listSet(architecture, { min: 0, max: emulatedNames.length }).default([]).meta({
      description:
        'Architectures that are always registered, beside those that EdgeBuilds need. Default: none. At most 27, no two the same.',
    }),
    nodeSelector: dictionary(labelText, 32).default({}).meta({
      description: 'Labels of the nodes that get an agent. Default: every linux/amd64 node. At most 32.',
    }),
    tolerations: z.array(toleration).max(32).default([]).meta({
      'x-kubernetes-list-type': 'atomic',
      description: 'Taints that agents tolerate beside those of every DaemonSet. Default: none. At most 32.',
    }),
    image: ruledBy(
      [
        requires({
          path: 'spec.image',
          pattern: `^(${imageReference})?$`,
          problem: 'image "{self}" is no image reference',
          remedy: 'write registry/name@sha256:…, or leave it empty for the image that the operator came with',
        }),
      ],
      text({ max: 512 }),
    )
      .default('')
      .meta({
        description:
          'The agent’s image. Default: empty, the one that the operator came with. At most 512 characters.',
      }),
    credentials: z.boolean().default(false).meta({
      description:
        'Whether emulated programs may be setuid (the flag C of binfmt_misc): then the emulator runs with their rights. Default: false.',
    }),
    foreignHandlers: z.enum(['Adopt', 'Refuse']).default('Adopt').meta({
      description:
        'What becomes of a handler that somebody else registered. Adopt: used if it works. Refuse: the node is not proven. Never removed. Default: Adopt.',
    }),
    resources,
  })
  .prefault({})
  .meta({ description: 'What is wanted. Default: agents as EdgeBuilds need them.' });

const architectureStatus = z
  .strictObject({
    architecture: text({ min: 1, max: 32 }).meta({
      description: 'The architecture. Required; at most 32 characters.',
    }),
    desiredNodes: z.int().min(0).meta({ description: 'How many nodes should run its programs. Required.' }),
    readyNodes: z.int().min(0).meta({ description: 'How many do, proven. Required.' }),
    emulator: text({ max: 136 }).exactOptional().meta({
      description:
        'The digest of its emulator: sha256:hexadecimal. Default: absent when the image is not the operator’s own. At most 136 characters.',
    }),
  })
  .meta({ description: 'How one architecture stands.' });

const problem = z
  .strictObject({
    node: text({ min: 1, max: 253 }).meta({ description: 'The node. Required; at most 253 characters.' }),
    architecture: text({ max: 32 }).exactOptional().meta({
      description: 'The architecture. Default: absent where all are concerned. At most 32 characters.',
    }),
    reason: word<ProblemReason>({ min: 1, max: 1024, pattern: reasonPattern }).meta({
      description: 'Why, in one word for programs. Required; at most 1024 characters.',
    }),
    message: text({ max: 1024 }).meta({
      description: 'What is wrong, where, and what to do. Required; at most 1024 characters.',
    }),
  })
  .meta({ description: 'What is wrong on one node.' });

/** `status` of a NodeEmulation: what was observed. */
export const nodeEmulationStatusSchema = z
  .strictObject({
    ...statusHead<EmulationConditionType, EmulationReason>(emulationConditionTypes),
    image: text({ max: 512 }).exactOptional().meta({
      description: 'The agent’s image in use. Default: absent while there is none. At most 512 characters.',
    }),
    qemuVersion: text({ max: 64 }).exactOptional().meta({
      description:
        'The version of QEMU in it. Default: absent when the image is not the operator’s own. At most 64 characters.',
    }),
    kernelVersions: listSet(
      text({ min: 1, max: 256 }).meta({ description: 'A version. At most 256 characters.' }),
      { min: 0, max: 20 },
    )
      .exactOptional()
      .meta({
        description:
          'The kernels of the nodes with an agent. Default: absent while there is none. At most 20.',
      }),
    architectures: listMap(architectureStatus, 'architecture', emulatedNames.length).exactOptional().meta({
      description: 'How each asked architecture stands. Default: absent while none is asked for. At most 27.',
    }),
    problems: z.array(problem).max(20).exactOptional().meta({
      'x-kubernetes-list-type': 'atomic',
      description: 'What is wrong, by node and architecture: the first 20. Default: absent when nothing is.',
    }),
    problemsTotal: z.int().min(0).exactOptional().meta({
      description: 'How many problems there are. Default: absent when problems has them all.',
    }),
  })
  .meta({ description: 'What was observed. Written by EdgeBuild; ignored in what admins apply.' });

export type NodeEmulationSpec = z.output<typeof nodeEmulationSpecSchema>;
export type NodeEmulationStatus = z.output<typeof nodeEmulationStatusSchema>;
export type NodeProblem = NonNullable<NodeEmulationStatus['problems']>[number];
