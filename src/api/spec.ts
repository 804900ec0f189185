import * as z from 'zod';
import { platformNames } from './platforms.ts';
import { dictionary, listMap, listSet, quantity, ruled, text } from './schema.ts';

/** Names an object of the EdgeBuild's own namespace: no other can be expressed. */
const localName = (path: string, kind: string) =>
  ruled(path, text({ min: 1, max: 253 })).meta({
    description: `The name of the ${kind}, in the namespace of the EdgeBuild. Required; at most 253 characters.`,
  });

const git = z
  .strictObject({
    uri: ruled('spec.source.git.uri', text({ min: 1, max: 2048 })).meta({
      description:
        'Where the repository is: https://, http://, ssh:// or git:// with a host, or user@host:path. No password or token in it. Required; at most 2048 characters.',
    }),
    ref: ruled('spec.source.git.ref', text({ min: 1, max: 256 }))
      .exactOptional()
      .meta({
        description:
          'The branch, tag or commit to build. Default: the branch the repository itself names as its HEAD. At most 256 characters.',
      }),
  })
  .meta({
    description: 'The git repository that holds the source. Default: none; then dockerfile is required.',
  });

const source = ruled(
  'spec.source',
  z.strictObject({
    git: git.exactOptional(),
    contextDir: ruled('spec.source.contextDir', text({ min: 1, max: 1024 }))
      .default('.')
      .meta({
        description:
          'The directory that is built, relative to the root of the repository. Default: ".", the root itself. At most 1024 characters.',
      }),
    dockerfilePath: ruled('spec.source.dockerfilePath', text({ min: 1, max: 1024 }))
      .default('Dockerfile')
      .meta({
        description:
          'The Dockerfile, relative to contextDir; not read when dockerfile is given. Default: Dockerfile. At most 1024 characters.',
      }),
    dockerfile: ruled('spec.source.dockerfile', text({ min: 1, max: 50_000 }))
      .exactOptional()
      .meta({
        description:
          'The text of a Dockerfile: alone, or instead of the repository’s file. Default: none. At most 50000 characters.',
      }),
    secretRef: z
      .strictObject({ name: localName('spec.source.secretRef.name', 'Secret') })
      .exactOptional()
      .meta({
        description:
          'The Secret with which a cluster fetches git: kubernetes.io/basic-auth or kubernetes.io/ssh-auth. edgebuild build uses the credentials of whoever calls it. Default: none.',
      }),
  }),
).meta({ description: 'What is built. Required: git, dockerfile, or both.' });

const baseImage = z
  .strictObject({
    from: ruled('spec.baseImages[].from', text({ min: 1, max: 512 })).meta({
      description:
        'The text that stands after FROM, after substitution of build arguments; of a Dockerfile that a cluster fetches from git, as it is written. Required; at most 512 characters.',
    }),
    image: ruled('spec.baseImages[].image', text({ min: 1, max: 512 }))
      .exactOptional()
      .meta({
        description: 'The image that is used for it. Default: the same text as from. At most 512 characters.',
      }),
    pullSecretRef: z
      .strictObject({ name: localName('spec.baseImages[].pullSecretRef.name', 'Secret') })
      .exactOptional()
      .meta({
        description:
          'The Secret with which a cluster’s builds pull it: kubernetes.io/dockerconfigjson. All of one EdgeBuild name the same, since a build has one. Default: none.',
      }),
  })
  .meta({ description: 'One base image.' });

const buildArg = z
  .strictObject({
    name: ruled('spec.buildArgs[].name', text({ min: 1, max: 128 })).meta({
      description:
        'The name of the ARG: letters, digits and underscores, no digit first. Required; at most 128 characters.',
    }),
    value: ruled('spec.buildArgs[].value', text({ max: 4096 })).meta({
      description:
        'Its value, visible in the image’s history: no secrets. Required; at most 4096 characters.',
    }),
  })
  .meta({ description: 'One build argument.' });

const output = z
  .strictObject({
    imageStreamTag: ruled('spec.output.imageStreamTag', text({ min: 1, max: 253 }))
      .exactOptional()
      .meta({
        description:
          'Where a cluster publishes the image: stream:tag, an ImageStream of the same namespace. Default: NAME:latest, NAME being the EdgeBuild’s. At most 253 characters.',
      }),
    deletionPolicy: z.enum(['Retain', 'Delete']).default('Retain').meta({
      description:
        'Retain: the output ImageStream stays when the EdgeBuild is deleted. Delete: it goes with it. Default: Retain.',
    }),
    image: ruled('spec.output.image', text({ min: 1, max: 512 }))
      .exactOptional()
      .meta({
        description:
          'Where edgebuild build --push sends the image: registry/name:tag, without a digest. Default: none. At most 512 characters.',
      }),
    labels: ruled(
      'spec.output.labels',
      dictionary(
        text({ max: 1024 }).meta({
          description: 'The text of one label. At most 1024 characters.',
        }),
        32,
      ),
    )
      .default({})
      .meta({
        description:
          'Labels that the image gets. Default: none. At most 32, names of at most 128 characters.',
      }),
  })
  .prefault({})
  .meta({
    description: 'What comes out. Default: NAME:latest on a cluster, no label, no destination in a registry.',
  });

const verify = z
  .strictObject({
    architecture: z.enum(['Strict', 'Skip']).default('Strict').meta({
      description:
        'Strict: the image’s config, the program it starts, that program’s interpreter and /bin/sh must be of the platform. Skip: not looked at. Default: Strict.',
    }),
    command: ruled(
      'spec.verify.command',
      z
        .array(
          ruled('spec.verify.command[]', text({ max: 1024 })).meta({
            description: 'The program, or one argument. At most 1024 characters.',
          }),
        )
        .min(1)
        .max(64),
    )
      .exactOptional()
      .meta({
        'x-kubernetes-list-type': 'atomic',
        description:
          'A program and its arguments, run inside each built image before it is published; exit status 0 means good. Default: none. At most 64 items.',
      }),
  })
  .prefault({})
  .meta({
    description: 'The proof asked for before anything is published. Default: the architecture, strictly.',
  });

const retry = z
  .strictObject({
    limit: z.int().min(0).max(10).default(2).meta({
      description:
        'How many times one platform is built again after a failure worth a retry: an emulator crash, or a network that did not answer. A number, 0 to 10. Default: 2.',
    }),
  })
  .prefault({})
  .meta({ description: 'What happens after a failure that may pass. Default: 2 retries.' });

const webhook = z
  .strictObject({
    type: z.enum(['GitHub', 'GitLab', 'Bitbucket', 'Generic']).meta({
      description: 'Who calls. Required.',
    }),
    secretRef: z.strictObject({ name: localName('spec.triggers.webhooks[].secretRef.name', 'Secret') }).meta({
      description:
        'The Secret whose key WebHookSecretKey is the last part of the address that is called. Required.',
    }),
  })
  .meta({ description: 'One webhook, at an address of its own for each platform.' });

const triggers = z
  .strictObject({
    onSpecChange: z.boolean().default(true).meta({
      description: 'Whether a change of what is built starts builds, the first one included. Default: true.',
    }),
    onBaseImageChange: z.boolean().default(true).meta({
      description:
        'Whether a cluster looks for new versions of base images, every 15 minutes at the earliest, and builds when there is one. Default: true.',
    }),
    cancelSuperseded: z.boolean().default(false).meta({
      description:
        'Whether a build under way is cancelled when something else is to be built by now; else it may end first. One that has not begun is cancelled in any case. Default: false.',
    }),
    webhooks: listMap(webhook, 'type', 4).default([]).meta({
      description: 'Who may start builds by a call. Default: nobody. At most 4, no two of one type.',
    }),
  })
  .prefault({})
  .meta({
    description: 'What starts builds on a cluster. Default: a change of the spec, or of a base image.',
  });

const deploy = z
  .strictObject({
    replicas: z.int().min(0).max(1000).default(1).meta({
      description: 'How many pods. A number, 0 to 1000. Default: 1.',
    }),
    port: z.int().min(1).max(65_535).exactOptional().meta({
      description:
        'The TCP port that the program listens on: it gets a Service. Default: none, and no Service.',
    }),
    expose: z.boolean().default(false).meta({
      description:
        'Whether the Service gets a Route, so that it is reached from outside of the cluster. Needs port. Default: false.',
    }),
  })
  .meta({
    description:
      'Runs the published image on the cluster, to try it: a Deployment, on nodes where it can run. Default: none.',
  });

const resources = z
  .strictObject({
    requests: dictionary(quantity, 8).exactOptional().meta({
      description: 'What is set aside on the node. Default: none. At most 8.',
    }),
    limits: dictionary(quantity, 8).exactOptional().meta({
      description: 'What is never exceeded. Default: none. At most 8.',
    }),
  })
  .prefault({})
  .meta({ description: 'Resources of each build on a cluster. Default: what the cluster gives builds.' });

const history = z
  .strictObject({
    successful: z.int().min(0).max(100).default(3).meta({
      description:
        'How many builds of a platform that succeeded are kept, the last one always. A number, 0 to 100. Default: 3.',
    }),
    failed: z.int().min(0).max(100).default(3).meta({
      description:
        'How many builds of a platform that failed are kept, the last one always. A number, 0 to 100. Default: 3.',
    }),
  })
  .prefault({})
  .meta({ description: 'How many builds a cluster keeps. Default: 3 of each.' });

/** `spec` of an EdgeBuild: what the author wants. */
export const specSchema = z
  .strictObject({
    source,
    platforms: listSet(
      z
        .enum(platformNames)
        .meta({ description: 'os/architecture, with the variant where there are several.' }),
      { min: 1, max: 16 },
    )
      .default(['linux/arm64'])
      .meta({
        description:
          'The platforms an image is built for. Default: linux/arm64 alone. 1 to 16, no two the same.',
      }),
    execution: z.enum(['PreferNative', 'Native', 'Emulated']).default('PreferNative').meta({
      description:
        'Native: only on a machine of the platform. Emulated: always under emulation. PreferNative: natively where possible, else emulated. Default: PreferNative.',
    }),
    baseImages: listMap(baseImage, 'from', 50).default([]).meta({
      description:
        'What a FROM means; the Dockerfile stays untouched. Default: none, each FROM means itself. At most 50, no two of the same from.',
    }),
    buildArgs: listMap(buildArg, 'name', 64).default([]).meta({
      description:
        'Values for the ARGs of the Dockerfile. Default: none. At most 64, no two of the same name.',
    }),
    output,
    verify,
    deploy: ruled('spec.deploy', deploy).exactOptional(),
    triggers,
    retry,
    publish: z.enum(['AllPlatforms', 'Succeeded']).default('AllPlatforms').meta({
      description:
        'AllPlatforms: nothing is published unless every platform succeeded. Succeeded: what succeeded is published. Default: AllPlatforms.',
    }),
    timeoutSeconds: z.int().min(1).max(86_400).default(3600).meta({
      description: 'How long the build of one platform may take, in seconds, 1 to 86400. Default: 3600.',
    }),
    resources,
    history,
    suspend: z.boolean().default(false).meta({
      description:
        'Whether the operator starts no build and webhooks are off; oc start-build starts one all the same, and what is under way goes on. Default: false.',
    }),
  })
  .meta({ description: 'What is wanted. Required.' });
