import * as z from 'zod';
import { conditionTypes, platformStates, type ConditionType, type Reason } from './conditions.ts';
import { platformNames } from './platforms.ts';
import { listMap, text, word } from './schema.ts';

const time = z.iso.datetime();
export const reasonPattern = '^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$';
const digest = text({ max: 136 });
const generation = z.int().min(0);

/** One condition, as Kubernetes' metav1.Condition, whose types and reasons are words of one kind of object. */
const conditionOf = <Type extends string, Why extends string>(types: Readonly<Record<Type, string>>) =>
  z
    .strictObject({
      type: word<Type>({ min: 1, max: 316 }).meta({
        description: `What it speaks of: ${Object.keys(types).join(', ')}. Required; at most 316 characters.`,
      }),
      status: z.enum(['True', 'False', 'Unknown']).meta({
        description: 'Whether it holds. Required; Unknown until it was looked at.',
      }),
      reason: word<Why>({ min: 1, max: 1024, pattern: reasonPattern }).meta({
        description: 'Why, in one word for programs. Required; at most 1024 characters.',
      }),
      message: text({ max: 32_768 }).meta({
        description:
          'Why, for people: what is wrong, where, and what to do next. Required; at most 32768 characters.',
      }),
      observedGeneration: generation.meta({
        description: 'The metadata.generation it was found for. Required.',
      }),
      lastTransitionTime: time.meta({
        description: 'When status last changed: an RFC 3339 time in UTC. Required.',
      }),
    })
    .meta({ description: 'One condition.' });

const platformStatus = z
  .strictObject({
    platform: z.enum(platformNames).meta({ description: 'The platform, as in spec.platforms. Required.' }),
    execution: z.enum(['Native', 'Emulated']).exactOptional().meta({
      description: 'How it is built. Default: absent until decided, or when neither is possible.',
    }),
    state: z.enum(platformStates).meta({ description: 'How far it is. Required.' }),
    build: text({ max: 253 }).exactOptional().meta({
      description: 'The name of its latest build. Default: absent before the first. At most 253 characters.',
    }),
    attempt: z.int().min(0).max(1_000_000).exactOptional().meta({
      description: 'Which attempt the latest build is, counted from 1. Default: absent before the first.',
    }),
    digest: digest.exactOptional().meta({
      description:
        'The digest of the built image: algorithm:hexadecimal. Default: absent until built. At most 136 characters.',
    }),
    architecture: text({ max: 64 }).exactOptional().meta({
      description:
        'The architecture read from the built image, never assumed. Default: absent until read. At most 64 characters.',
    }),
    verified: z.boolean().exactOptional().meta({
      description:
        'Whether the built image passed every check of spec.verify. Default: absent until checked.',
    }),
    reason: word<Reason>({ min: 1, max: 1024, pattern: reasonPattern }).meta({
      description: 'Why it is in this state, in one word for programs. Required; at most 1024 characters.',
    }),
    message: text({ max: 32_768 }).meta({
      description: 'Why, for people. Required, may be empty; at most 32768 characters.',
    }),
    inputs: text({ max: 64 }).exactOptional().meta({
      description:
        'What its latest build was made of, in short: another spec, other base images named, another value here. Default: absent before the first. At most 64 characters.',
    }),
    startTime: time.exactOptional().meta({
      description: 'When its latest build began: an RFC 3339 time in UTC. Default: absent before.',
    }),
    completionTime: time.exactOptional().meta({
      description: 'When its latest build ended: an RFC 3339 time in UTC. Default: absent before.',
    }),
  })
  .meta({ description: 'One platform.' });

const image = z
  .strictObject({
    reference: text({ max: 1024 }).meta({
      description: 'Where the image is, with its digest. Required; at most 1024 characters.',
    }),
    digest: digest.meta({
      description: 'Its digest: algorithm:hexadecimal. Required; at most 136 characters.',
    }),
    tag: text({ max: 382 }).exactOptional().meta({
      description:
        'The tag that means it, on a cluster: the name of an ImageStream, ":", a tag. Default: absent off a cluster. At most 382 characters.',
    }),
    publishedAt: time.meta({ description: 'When it was published: an RFC 3339 time in UTC. Required.' }),
  })
  .meta({ description: 'The published image. Default: absent until one was published.' });

const webhook = z
  .strictObject({
    type: text({ max: 32 }).meta({
      description: 'As in spec.triggers.webhooks. Required; at most 32 characters.',
    }),
    platform: z.enum(platformNames).meta({ description: 'The platform that a call builds. Required.' }),
    path: text({ max: 1024 }).meta({
      description:
        'The path at the API server, with <secret> where the secret belongs. Required; at most 1024 characters.',
    }),
  })
  .meta({ description: 'Where one webhook is called. The secret is never here.' });

/** What every status of ours begins with. */
export const statusHead = <Type extends string, Why extends string>(
  types: Readonly<Record<Type, string>>,
) => ({
  observedGeneration: generation.exactOptional().meta({
    description: 'The metadata.generation this status is about. Default: absent before the first visit.',
  }),
  conditions: listMap(conditionOf<Type, Why>(types), 'type', 32).exactOptional().meta({
    description:
      'Ready and what it is made of. Default: absent before the first visit. At most 32, no two of one type.',
  }),
});

/** `status` of an EdgeBuild: what was observed. Written by one writer, never by the author. */
export const statusSchema = z
  .strictObject({
    ...statusHead<ConditionType, Reason>(conditionTypes),
    image: image.exactOptional(),
    platforms: listMap(platformStatus, 'platform', 16).exactOptional().meta({
      description: 'How each platform stands. Default: absent before the first visit. At most 16.',
    }),
    webhooks: z.array(webhook).max(64).exactOptional().meta({
      'x-kubernetes-list-type': 'atomic',
      description: 'Where webhooks are called. Default: absent without webhooks. At most 64.',
    }),
  })
  .meta({ description: 'What was observed. Written by EdgeBuild; ignored in what authors apply.' });
