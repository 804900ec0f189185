/** OpenShift's validation of references to images, in its own words. */
import { type Cause, invalidValue, requiredValue } from './errors.ts';
import { isReference, isStreamName, parseTagName } from './image-names.ts';
import type { LocalReference, ObjectReference } from './shapes.ts';

/** What a build is made from. */
export const fromCauses = (field: string, from: ObjectReference | undefined): readonly Cause[] => {
  const { kind = '', name = '', namespace = '' } = from ?? {};
  switch (kind) {
    case 'ImageStreamTag': {
      if (name === '') return [requiredValue(`${field}.name`, '')];
      const parsed = parseTagName(name);
      if (parsed === undefined) return [invalidValue(`${field}.name`, name, 'must be <name>:<tag>')];
      return isStreamName(parsed.stream)
        ? []
        : [invalidValue(`${field}.name`, parsed.stream, 'invalid name syntax')];
    }
    case 'ImageStreamImage':
      return name === '' ? [requiredValue(`${field}.name`, '')] : [];
    case 'DockerImage': {
      const elsewhere =
        namespace === ''
          ? []
          : [invalidValue(`${field}.namespace`, namespace, "not valid when used with a 'DockerImage'")];
      if (name === '') return [...elsewhere, requiredValue(`${field}.name`, '')];
      const rule = 'not a valid Docker pull specification: invalid reference format';
      return isReference(name) ? elsewhere : [...elsewhere, invalidValue(`${field}.name`, name, rule)];
    }
    case '':
      return [requiredValue(`${field}.kind`, '')];
    default: {
      const rule = "must be 'ImageStreamTag', 'ImageStreamImage', or 'DockerImage'";
      return [invalidValue(`${field}.kind`, kind, rule)];
    }
  }
};

/** Where a build goes. */
export const toCauses = (field: string, to: ObjectReference): readonly Cause[] => {
  const { kind = '', name = '', namespace = '' } = to;
  switch (kind) {
    case 'ImageStreamTag': {
      if (name === '') return [requiredValue(`${field}.name`, '')];
      const parsed = parseTagName(name);
      const form = 'ImageStreamTag object references must be in the form <name>:<tag>';
      if (parsed === undefined) return [invalidValue(`${field}.name`, name, form)];
      const rule = 'ImageStreamTag name contains invalid syntax';
      return isStreamName(parsed.stream) ? [] : [invalidValue(`${field}.name`, parsed.stream, rule)];
    }
    case 'DockerImage': {
      const rule = "namespace is not valid when used with a 'DockerImage'";
      const elsewhere = namespace === '' ? [] : [invalidValue(`${field}.namespace`, namespace, rule)];
      const form = 'name is not a valid Docker pull specification: invalid reference format';
      return isReference(name) ? elsewhere : [...elsewhere, invalidValue(`${field}.name`, name, form)];
    }
    case '':
      return [requiredValue(`${field}.kind`, '')];
    default: {
      const rule = "the target of build output must be an 'ImageStreamTag' or 'DockerImage'";
      return [invalidValue(`${field}.kind`, kind, rule)];
    }
  }
};

export const secretCauses = (field: string, reference: LocalReference | undefined): readonly Cause[] =>
  reference !== undefined && (reference.name ?? '') === '' ? [requiredValue(`${field}.name`, '')] : [];
