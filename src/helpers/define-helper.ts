import type { z } from 'zod';
import type { JsonObject, JsonValue } from '../contract/json.ts';
import { AfterwordError } from '../domain/errors.ts';
import type { HelperContext, HelperSpec, OutsideHelper, OutsideHelperSpec, StoreHelper } from './helper.ts';

/** Everything a helper is, from one definition: adding one is adding a file and naming it in registry.ts. */
export function defineHelper<Input extends z.ZodType, Output extends JsonValue>(
  spec: HelperSpec<Input, HelperContext, Output>,
): StoreHelper {
  return {
    ...described(spec),
    works: 'in the store',
    call: async (args, context) => spec.run(parse(spec, args), context),
  };
}

/** The same for a helper that asks somebody else: it works without a transaction. */
export function defineOutsideHelper<Input extends z.ZodType>(spec: OutsideHelperSpec<Input>): OutsideHelper {
  return {
    ...described(spec),
    works: 'outside',
    call: async (args, context) => spec.run(parse(spec, args), context),
    fallback(args) {
      const parsed = spec.input.safeParse(args);
      return parsed.success ? spec.fallback?.(parsed.data) : undefined;
    },
  };
}

function described<Input extends z.ZodType, Context, Output>(spec: HelperSpec<Input, Context, Output>) {
  return {
    name: spec.name,
    summary: spec.summary,
    pythonParams: spec.pythonParams,
    typescript: spec.typescript,
    effect: spec.effect,
    docs: spec.docs,
    answeredIn: 'activity',
    show(args: JsonObject) {
      const parsed = spec.input.safeParse(args);
      return parsed.success && spec.show ? `${spec.name} ${spec.show(parsed.data)}` : spec.name;
    },
  } as const;
}

function parse<Input extends z.ZodType, Context, Output>(
  spec: HelperSpec<Input, Context, Output>,
  args: JsonObject,
): z.output<Input> {
  const parsed = spec.input.safeParse(args);
  if (!parsed.success) throw invalidArguments(spec.name, parsed.error.issues);
  return parsed.data;
}

function invalidArguments(name: string, issues: readonly z.core.$ZodIssue[]): AfterwordError {
  const faults = issues.map((issue) => {
    const where = issue.path.join('.');
    return where === '' ? issue.message : `${where}: ${issue.message}`;
  });
  return new AfterwordError('invalid_arguments', `${name}: ${faults.join('; ')}`);
}
