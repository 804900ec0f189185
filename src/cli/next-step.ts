import type { Reason } from '../api/conditions.ts';
import type { PlatformName } from '../api/platforms.ts';
import { buildConfigName, labelKeys, nameWith } from '../engines/openshift/names.ts';

/** What a reason was said of. Names are safe to show. */
export interface Subject {
  readonly name: string;
  readonly namespace: string;
  /** Absent: of the whole. */
  readonly platform?: PlatformName;
  /** The build that it was said of. */
  readonly build?: string;
}

type Step = (subject: Subject) => string | undefined;

const nothing: Step = () => undefined;
const wait: Step = ({ name, namespace }) => `wait for it: edgebuild status ${name} -n ${namespace} --watch`;
const correct: Step = () => 'correct what the message names, and apply the EdgeBuild again';
const startOf = (namespace: string, name: string, platform: PlatformName): string =>
  `oc start-build -n ${namespace} ${buildConfigName(name, platform)}`;
const restart: Step = ({ name, namespace, platform }) =>
  platform === undefined
    ? 'start another build: oc start-build'
    : `start another build: ${startOf(namespace, name, platform)}`;
/** A change in git is seen by nobody but a webhook. */
const readLog: Step = (subject) =>
  subject.build === undefined || subject.platform === undefined
    ? correct(subject)
    : `read its log and mend what it shows; then apply the EdgeBuild again, or, if the change is in git, ${startOf(subject.namespace, subject.name, subject.platform)}`;
const askAdmin =
  (what: string): Step =>
  () =>
    `ask an admin of the cluster: ${what}`;
const nodeEmulation = askAdmin('kubectl get nodeemulation cluster -o yaml says which node lacks what');

/** What a person does next about a reason, on a cluster; undefined: nothing. */
const steps: Readonly<Record<Reason, Step>> = {
  Ready: nothing,
  BuildComplete: nothing,
  EmulationProven: nothing,
  EmulationNotNeeded: nothing,
  BaseImagesFound: nothing,
  BaseImagesNotNamed: nothing,
  Verified: nothing,
  VerificationSkipped: nothing,
  Published: nothing,
  Deployed: nothing,

  Pending: wait,
  Building: wait,
  BaseImagesPending: wait,
  BuildPending: wait,
  VerificationPending: wait,
  Publishing: wait,
  PartlyPublished: correct,
  NotPublished: correct,
  DeployProgressing: ({ name, namespace }) =>
    `see what its pods say: kubectl describe pods -n ${namespace} -l ${labelKeys.edgeBuild}=${nameWith(name, '')}`,

  Suspended: ({ name, namespace }) =>
    `let it go on: kubectl patch edgebuild ${name} -n ${namespace} --type=merge -p '{"spec":{"suspend":false}}'`,
  WaitingForTrigger: restart,
  WaitingForNode: ({ namespace, build }) =>
    build === undefined
      ? 'see to a node that can take it: the message says what is missing'
      : `see to a node that can take it: kubectl describe pod -n ${namespace} ${build}-build`,

  BuildAPIUnavailable: askAdmin('the operator needs build.openshift.io and image.openshift.io'),
  NotReadable: askAdmin('the operator lacks the right that the message names'),
  NotAllowed: askAdmin('the API server refused what the message says'),
  EmulationUnavailable: nodeEmulation,
  NativeUnavailable: () => 'use execution: PreferNative, or see to a node of the platform',
  NameConflict: correct,
  OutputTaken: () => 'name another tag in spec.output.imageStreamTag, and apply the EdgeBuild again',
  SecretMissing: ({ namespace }) =>
    `create the Secret that the message names: kubectl create secret -n ${namespace} …`,

  InvalidSpec: correct,
  DockerfileInvalid: correct,
  BaseImageUnavailable: () =>
    'check the name of the base image, and the pull secret that spec.baseImages names for it',
  BaseImageWrongArchitecture: () => 'name an image of that platform for it in spec.baseImages',
  BaseImageCorrupt: () => 'push the base image to its registry again',
  RegistryUnreachable: () => 'check the name of the registry; it is asked again by itself',

  FetchSourceFailed: () => 'check git.uri, git.ref, contextDir and secretRef in spec.source',
  DockerfileStepFailed: readLog,
  SmokeCommandFailed: readLog,
  ProofFailed: readLog,
  ExecFormatError: readLog,
  VerificationFailed: correct,
  OutOfMemory: () => 'raise spec.resources.limits.memory, and apply the EdgeBuild again',
  TimedOut: () => 'raise spec.timeoutSeconds, or look for a hang in the log below',
  DiskFull: askAdmin("a node's disk is full: oc adm prune builds, oc adm prune images"),
  PublishFailed: () => 'see what the message says of the registry; it is tried again by itself',
  EmulatorCrashed: restart,
  NetworkFailed: restart,
  BuildPodDeleted: restart,
  BuilderFailed: restart,
  Cancelled: restart,
};

/** @param reason as an operator wrote it, which may be newer than this. */
export const nextStep = (reason: string, subject: Subject): string | undefined =>
  Object.hasOwn(steps, reason) ? steps[reason as Reason](subject) : correct(subject);
