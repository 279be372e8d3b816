import { z } from 'zod';
import type { ApiUnderTest } from './api-under-test.ts';

const Answer = z.object({
  description: z.string(),
  content: z.record(z.string(), z.object({ schema: z.unknown() })).optional(),
});

const Schema = z.record(z.string(), z.unknown());
export type Schema = z.infer<typeof Schema>;

const Parameter = z.object({ name: z.string(), in: z.string(), required: z.boolean().optional(), schema: Schema });

const RawOperation = z.object({
  operationId: z.string(),
  tags: z.array(z.string()),
  summary: z.string(),
  security: z.array(z.record(z.string(), z.array(z.string()))),
  parameters: z.array(Parameter).default([]),
  requestBody: z.object({ content: z.record(z.string(), z.object({ schema: Schema })) }).optional(),
  responses: z.record(z.string(), Answer),
  'x-changes-nothing': z.boolean().default(false),
});

const Document = z.object({
  paths: z.record(z.string(), z.record(z.string(), RawOperation)),
  components: z.object({ schemas: z.record(z.string(), Schema) }),
});

export interface Operation {
  readonly method: string;
  /** As the document has it: `/api/v1/handlers/{name}`. */
  readonly path: string;
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  /** What a key needs. */
  readonly scopes: readonly string[];
  readonly parameters: readonly z.infer<typeof Parameter>[];
  /** By media type. */
  readonly bodies: Readonly<Record<string, { readonly schema: Schema }>>;
  /** Whatever its method says. */
  readonly changesNothing: boolean;
  readonly takesIdempotencyKey: boolean;
  readonly answers: z.infer<typeof RawOperation>['responses'];
}

export async function describedBy(api: Pick<ApiUnderTest, 'get'>) {
  return Document.parse((await api.get('/openapi.json', null)).body);
}

/** Every operation of the description: routes that are added later are among them. */
export async function operationsOf(api: Pick<ApiUnderTest, 'get'>): Promise<Operation[]> {
  const { paths } = await describedBy(api);
  return Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, { responses, requestBody, ...operation }]) => ({
      ...operation,
      method,
      path,
      scopes: operation.security[0]?.apiKey ?? [],
      changesNothing: operation['x-changes-nothing'],
      bodies: requestBody?.content ?? {},
      takesIdempotencyKey: operation.parameters.some(({ name }) => name === 'Idempotency-Key'),
      answers: responses,
    })),
  );
}
