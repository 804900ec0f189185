/**
 * The words of `status`: condition types, reasons, states. One reason per cause; the text beside each says what it
 * means and what a person does about it.
 */
export const conditionTypes = {
  Ready: 'every asked platform is built, verified and published from this generation',
  Reconciling: 'work is under way',
  Stalled: 'a person must act before anything can go on',
  EmulationReady: 'a foreign program of every emulated platform was seen running where builds run',
  BaseImagesReady: 'every base image was found and holds programs of the platform it is for',
  Built: 'every asked platform has an image',
  Verified: 'every image holds what its platform promises, and its proofs ran',
  Published: 'the destination holds the verified images of this generation',
  Deployed: 'the published image runs on the cluster, as spec.deploy asks',
} as const;
export type ConditionType = keyof typeof conditionTypes;

export const platformStates = ['Waiting', 'Building', 'Succeeded', 'Failed', 'Cancelled'] as const;
export type PlatformState = (typeof platformStates)[number];

/** Why a platform, or a condition, is as it is. */
export const reasons = {
  Pending: 'not begun',
  Building: 'being built',
  BuildComplete: 'built and verified',
  Ready: 'all is done',
  EmulationProven: 'a foreign program ran',
  EmulationNotNeeded: 'every platform is the machine’s own',
  BaseImagesFound: 'every base image is there and of its platform',
  Verified: 'architecture, in-image proof and smoke command passed',
  VerificationSkipped: 'spec.verify.architecture is Skip: nothing was checked',
  Published: 'the destination was written',
  PartlyPublished: 'spec.publish is Succeeded: what succeeded was published, the rest failed',
  NotPublished: 'nothing was published: the destination is as it was',

  BuildAPIUnavailable:
    'the cluster does not serve build.openshift.io and image.openshift.io: looked for again and again',
  NotReadable: 'the operator may not read a kind that it needs: give it the right that the message names',
  NotAllowed: 'the API server refused what the operator wanted to do: the message has its words',
  NameConflict:
    'an object of the name that ours would have belongs to somebody else: rename one of the two, or delete it',
  OutputTaken: 'an older EdgeBuild publishes to the same tag: name another one in spec.output.imageStreamTag',
  SecretMissing: 'a Secret that the spec names is not there: create it; it is noticed at once',
  BaseImagesPending: 'base images are being imported',
  BaseImagesNotNamed:
    'the Dockerfile is in git and spec.baseImages names none of its FROMs: each means what it means on the node, and the proof in the build judges what comes out',
  Publishing: 'all is verified, and is being published',
  Suspended: 'spec.suspend is true: no build is started',
  WaitingForTrigger:
    'spec.triggers.onSpecChange is false: start a build by a webhook, a base image or oc start-build',
  WaitingForNode: 'no node can take the build now: the message says what is missing',
  BuildPending: 'the build is there, and its pod does not run yet',
  BuildPodDeleted: 'somebody deleted the pod of the build: retried',
  BuilderFailed: 'the builder itself failed, not a step of the Dockerfile: retried',
  VerificationPending: 'built, and about to be read',
  DeployProgressing: 'the pods of the published image are not all ready yet: the message has the last word',
  Deployed: 'the published image runs',
  InvalidSpec: 'the object breaks a rule: correct the named field',
  FetchSourceFailed: 'the source could not be read: check uri, ref, paths and credentials',
  DockerfileInvalid: 'the Dockerfile cannot be read or used: correct the named line',
  BaseImageUnavailable: 'a base image could not be read: check its name, the registry and the credentials',
  BaseImageWrongArchitecture:
    'a base image holds programs of another platform: map it with baseImages or --base',
  RegistryUnreachable:
    'a registry that holds a base image did not answer: retried; check its name and the connection',
  BaseImageCorrupt: 'a base image is truncated or its content differs from its digest: fetch it again',
  NativeUnavailable: 'execution is Native and this machine is of another platform: use PreferNative',
  EmulationUnavailable: 'foreign programs of the platform do not run here: the message says what is missing',
  EmulatorCrashed: 'a program crashed under emulation: retried; build natively if it stays',
  ExecFormatError:
    'a program of another architecture was started: a base or copied file is of the wrong platform',
  OutOfMemory: 'the kernel killed a step for memory: give the build more, or build less at once',
  TimedOut: 'spec.timeoutSeconds passed: raise it, or look for a hang in the last step',
  NetworkFailed: 'a registry or network did not answer: retried; check the connection',
  DockerfileStepFailed:
    'a step of the Dockerfile failed: the message has its line, or names the log that has it',
  VerificationFailed: 'the image is not of its platform: the message names the file',
  ProofFailed: 'uname -m in the image did not answer with the platform',
  SmokeCommandFailed: 'spec.verify.command failed in the built image',
  DiskFull: 'no space is left: free some, or run edgebuild build --prune',
  PublishFailed: 'the destination could not be written: it is as it was',
  Cancelled: 'interrupted before it was done',
} as const;
export type Reason = keyof typeof reasons;

/** One entry of `status.conditions`, as Kubernetes' metav1.Condition. */
export interface Condition {
  readonly type: ConditionType;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: Reason;
  readonly message: string;
  readonly observedGeneration: number;
  /** RFC 3339. */
  readonly lastTransitionTime: string;
}
