/** OpenShift's validation of a BuildConfig's triggers. */
import { type Cause, invalidValue, requiredValue } from './errors.ts';
import { fromCauses } from './reference-validation.ts';
import type { BuildConfig, ObjectReference, Trigger, WebHookTrigger } from './shapes.ts';

type Spec = NonNullable<BuildConfig['spec']>;

export const triggerCauses = ({ triggers, strategy }: Spec): readonly Cause[] => {
  const all = triggers ?? [];
  const strategyFrom = strategy?.dockerStrategy?.from;
  return [
    ...all.flatMap((trigger, index) => oneCauses(`spec.triggers[${index}]`, trigger, strategyFrom)),
    ...(sameTagTwice(all, strategyFrom)
      ? [
          invalidValue(
            'spec.triggers',
            all.map(inGo),
            'multiple ImageChange triggers refer to the same image stream tag',
          ),
        ]
      : []),
  ];
};

const oneCauses = (
  field: string,
  trigger: Trigger,
  strategyFrom: ObjectReference | undefined,
): readonly Cause[] => {
  switch (trigger.type) {
    case 'GitHub':
      return webHookCauses(`${field}.github`, trigger.github, false);
    case 'GitLab':
      return webHookCauses(`${field}.gitlab`, trigger.gitlab, false);
    case 'Bitbucket':
      return webHookCauses(`${field}.bitbucket`, trigger.bitbucket, false);
    case 'Generic':
      return webHookCauses(`${field}.generic`, trigger.generic, true);
    case 'ImageChange':
      return imageChangeCauses(field, trigger.imageChange?.from, strategyFrom);
    default:
      return [];
  }
};

const webHookCauses = (
  field: string,
  hook: WebHookTrigger | undefined,
  mayAllowEnv: boolean,
): readonly Cause[] => {
  if (hook === undefined) return [requiredValue(field, '')];
  const { secret = '', secretReference, allowEnv = false } = hook;
  const neither = 'must provide a value for at least one of secret or secretReference';
  const isNameless = secretReference !== undefined && (secretReference.name ?? '') === '';
  return [
    ...(secret === '' && secretReference === undefined ? [invalidValue(field, hookInGo(hook), neither)] : []),
    ...(isNameless ? [requiredValue(`${field}.secretReference.name`, '')] : []),
    ...(allowEnv && !mayAllowEnv
      ? [invalidValue(`${field}.allowEnv`, hookInGo(hook), 'git webhooks cannot allow env vars')]
      : []),
  ];
};

const imageChangeCauses = (
  field: string,
  from: ObjectReference | undefined,
  strategyFrom: ObjectReference | undefined,
): readonly Cause[] => {
  if (from === undefined) {
    if (strategyFrom?.kind === 'ImageStreamTag') return [];
    const rule =
      'a default ImageChange trigger can only be used when the build strategy includes an ImageStreamTag reference.';
    // OpenShift prints a pointer here.
    return [invalidValue(`${field}.imageChange`, 'build from: <nil>', rule)];
  }
  if (from.kind !== 'ImageStreamTag') {
    const rule = 'only an ImageStreamTag type of reference is allowed in an ImageChange trigger.';
    return [invalidValue(`${field}.imageChange.from.kind`, from.kind ?? '', rule)];
  }
  return fromCauses(`${field}.from`, from);
};

const sameTagTwice = (triggers: readonly Trigger[], strategyFrom: ObjectReference | undefined): boolean => {
  const tags = triggers
    .filter(({ type }) => type === 'ImageChange')
    .map(({ imageChange }) => imageChange?.from ?? strategyFrom)
    .map((from) =>
      from?.kind === 'ImageStreamTag' ? `${from.namespace ?? ''}/${from.name ?? ''}` : undefined,
    );
  return new Set(tags).size !== tags.length;
};

/** OpenShift prints its internal structs. */
const inGo = (trigger: Trigger): object => ({
  Type: trigger.type ?? '',
  GitHubWebHook: hookInGo(trigger.github),
  GenericWebHook: hookInGo(trigger.generic),
  ImageChange: trigger.imageChange === undefined ? null : imageChangeInGo(trigger.imageChange),
  GitLabWebHook: hookInGo(trigger.gitlab),
  BitbucketWebHook: hookInGo(trigger.bitbucket),
});

const hookInGo = (hook: WebHookTrigger | undefined): object | null =>
  hook === undefined
    ? null
    : {
        Secret: hook.secret ?? '',
        AllowEnv: hook.allowEnv ?? false,
        SecretReference:
          hook.secretReference === undefined ? null : { Name: hook.secretReference.name ?? '' },
      };

const imageChangeInGo = ({
  lastTriggeredImageID = '',
  from,
  paused = false,
}: NonNullable<Trigger['imageChange']>): object => ({
  LastTriggeredImageID: lastTriggeredImageID,
  From:
    from === undefined
      ? null
      : {
          ...{ Kind: from.kind ?? '', Namespace: from.namespace ?? '', Name: from.name ?? '', UID: '' },
          ...{ APIVersion: '', ResourceVersion: '', FieldPath: '' },
        },
  Paused: paused,
});
