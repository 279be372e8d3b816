import type { z } from 'zod';
import type { JsonValue } from '../contract/json.ts';
import { AfterwordError } from '../domain/errors.ts';
import type { ActivityHelper, HelperSpec } from './helper.ts';

/** Everything a helper is, from one definition: adding one is adding a file and naming it in registry.ts. */
export function defineHelper<Input extends z.ZodType, Output extends JsonValue>(
  spec: HelperSpec<Input, Output>,
): ActivityHelper {
  return {
    name: spec.name,
    summary: spec.summary,
    pythonParams: spec.pythonParams,
    effect: spec.effect,
    answeredIn: 'activity',
    show(args) {
      const parsed = spec.input.safeParse(args);
      return parsed.success && spec.show ? `${spec.name} ${spec.show(parsed.data)}` : spec.name;
    },
    async call(args, context) {
      const parsed = spec.input.safeParse(args);
      if (!parsed.success) throw invalidArguments(spec.name, parsed.error.issues);
      return spec.run(parsed.data, context);
    },
  };
}

function invalidArguments(name: string, issues: readonly z.core.$ZodIssue[]): AfterwordError {
  const faults = issues.map((issue) => {
    const where = issue.path.join('.');
    return where === '' ? issue.message : `${where}: ${issue.message}`;
  });
  return new AfterwordError('invalid_arguments', `${name}: ${faults.join('; ')}`);
}
