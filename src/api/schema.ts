/**
 * The few shapes that all schemas are made of. Each carries its bounds into the CustomResourceDefinition, counts as the
 * API server counts, and speaks its words.
 */
import * as z from 'zod';
import { quote } from './words.ts';
import { refusalOf, type Rule, validationOf } from './rule.ts';
import { rules } from './rules.ts';

interface TextBounds {
  /** Characters (Unicode code points, as the API server counts them). Default: 0. */
  readonly min?: number;
  readonly max: number;
  /** A regular expression that Go's RE2 and JavaScript read alike. */
  readonly pattern?: string;
}

/** A bounded string. No rule sees a string that is too long: the API server checks none then, and none has to be quick on huge ones. */
export const text = ({ min = 0, max, pattern }: TextBounds): z.ZodString => {
  const expression = pattern === undefined ? undefined : new RegExp(pattern, 'u');
  return z
    .string()
    .superRefine((value, context) => {
      const length = value.length > 2 * max ? value.length : Array.from(value).length;
      if (length > max)
        context.addIssue({ code: 'too_big', origin: 'string', maximum: max, input: value, continue: false });
      if (length < min) context.addIssue({ code: 'too_small', origin: 'string', minimum: min, input: value });
      // The server, too, looks at the pattern only when the length is right.
      if (length >= min && length <= max && expression?.test(value) === false)
        context.addIssue({ code: 'invalid_format', format: 'regex', pattern: String(pattern), input: value });
    })
    .meta({
      ...(min > 0 ? { minLength: min } : {}),
      maxLength: max,
      ...(pattern === undefined ? {} : { pattern }),
    });
};

/**
 * A bounded string whose values TypeScript knows. The CustomResourceDefinition leaves it open on purpose: an object
 * written by a newer version must stay readable, and only this program writes such fields.
 */
export const word = <Word extends string>(bounds: TextBounds): z.ZodType<Word, Word> =>
  text(bounds) as unknown as z.ZodType<Word, Word>;

/** An amount of a resource, as Kubernetes writes it. */
export const quantity: z.ZodString = text({
  min: 1,
  max: 32,
  pattern: '^([0-9]+(\\.[0-9]+)?|\\.[0-9]+)([eE][0-9]+|m|k|[KMGTPE]i|[MGTPE])?$',
}).meta({ description: 'A quantity, such as "100m" or "64Mi". At most 32 characters.' });

/** A map from strings to strings of at most `max` entries. */
export const dictionary = <Value extends z.ZodType>(
  value: Value,
  max: number,
): z.ZodRecord<z.ZodString, Value> =>
  z
    .record(z.string(), value)
    .superRefine((entries, context) => {
      const size = Object.keys(entries).length;
      if (size > max)
        context.addIssue({
          code: 'custom',
          message: `Too many: ${size}: must have at most ${max} items`,
          continue: false,
        });
    })
    .meta({ maxProperties: max });

/** A list of scalars, no two the same. */
export const listSet = <Item extends z.ZodType>(
  item: Item,
  { min, max }: { readonly min: number; readonly max: number },
): z.ZodArray<Item> =>
  z
    .array(item)
    .min(min)
    .max(max)
    .superRefine((items, context) => {
      for (const index of repeated(items))
        context.addIssue({
          code: 'custom',
          path: [index],
          message: `Duplicate value: ${quote(items[index])}`,
        });
    })
    .meta({ 'x-kubernetes-list-type': 'set' });

/** A list of objects, at most `max`, no two with the same `key`: server-side apply merges it by that key. */
export const listMap = <Shape extends z.ZodRawShape>(
  item: z.ZodObject<Shape, z.core.$strict>,
  key: keyof Shape & string,
  max: number,
): z.ZodArray<z.ZodObject<Shape, z.core.$strict>> =>
  z
    .array(item)
    .max(max)
    .superRefine((items, context) => {
      const keys = items.map((entry) => (entry as Record<string, unknown>)[key]);
      for (const index of repeated(keys))
        context.addIssue({
          code: 'custom',
          path: [index],
          message: `Duplicate value: ${JSON.stringify({ [key]: keys[index] })}`,
        });
    })
    .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': [key] });

/** The schema with the rules that rules.ts has for `path`. */
export const ruled = <Schema extends z.ZodType>(path: string, schema: Schema): Schema => {
  const rows = rules.filter((row) => row.path === path);
  if (rows.length === 0) throw new Error(`no rule has the path ${path}`);
  return ruledBy(rows, schema);
};

/** The schema with rules: checked here, and written into the definition as CEL. */
export const ruledBy = <Schema extends z.ZodType>(rows: readonly Rule[], schema: Schema): Schema =>
  schema
    .superRefine((value, context) => {
      for (const row of rows)
        if (!row.check(value))
          context.addIssue({ code: 'custom', message: refusalOf(row, value, quote(value)) });
    })
    .meta({ 'x-kubernetes-validations': rows.map(validationOf) });

/** The index of each value that is there for the second time: the API server names no third. */
const repeated = (values: readonly unknown[]): number[] =>
  values.flatMap((value, index) =>
    values.slice(0, index).filter((earlier) => earlier === value).length === 1 ? [index] : [],
  );
