import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { AfterwordError } from '../domain/errors.ts';
import type { FieldError } from '../domain/errors.ts';
import { defaultRecordDays, leastEventDays, type RetentionPolicy } from '../domain/retention-policy.ts';
import { secretsKeysOf } from '../domain/secrets-keys.ts';
import { corsOrigins, networks, origins } from './http-settings.ts';
import { readToolchain } from './toolchain.ts';

const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const;
const llmApis = ['responses', 'chat'] as const;
const handlerSlotsPerCore = 4;

/** A variable that is set to nothing counts as not set: `AFTERWORD_PORT= npm start`. */
const text = z.string().min(1).optional();
const wholePort = 'a whole number from 0 to 65535';
const port = (fallback: number) => wholeNumber(fallback, 0, 65_535);

function wholeNumber(fallback: number, min: number, max: number) {
  const expected = `a whole number from ${min} to ${max}`;
  return z
    .string()
    .regex(/^\d{1,9}$/, expected)
    .transform(Number)
    .refine((value) => value >= min && value <= max, expected)
    .default(fallback);
}

/** Without a default: left out, nothing listens. */
const optionalPort = z
  .string()
  .regex(/^\d{1,5}$/, wholePort)
  .transform(Number)
  .refine((value) => value <= 65_535, wholePort)
  .optional();

const mostDays = 36_500;

/** 0: for ever. */
function days(fallback: number, least = 1) {
  const expected = `a whole number of days from ${least} to ${mostDays}, or 0 to keep for ever`;
  return z
    .string()
    .regex(/^\d{1,5}$/, expected)
    .transform(Number)
    .refine((value) => value === 0 || (value >= least && value <= mostDays), expected)
    .default(fallback)
    .transform((value) => (value === 0 ? undefined : value));
}

/** Names of organisations stand in workflow ids: a slug. */
const slug = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'a slug: lower-case letters, digits and "-", at most 63');
const bearer = z
  .string()
  .min(16, 'at least 16 characters')
  .max(200, 'at most 200 characters')
  .regex(/^[\x21-\x7e]+$/, 'printable ASCII without spaces: it travels in a header')
  .optional();
/** Of others: no rule of ours but that it travels in a header. */
const apiKey = z
  .string()
  .regex(/^[\x21-\x7e]+$/, 'printable ASCII without spaces: it travels in a header')
  .optional();
const serverUrl = z
  .url({ protocol: /^https?$/, error: 'an address such as http://127.0.0.1:7700' })
  .transform((value) => value.replace(/\/+$/, ''))
  .optional();

const secretsKeys = z
  .string()
  .transform((text, context) => {
    const keys = secretsKeysOf(text);
    if (keys !== undefined) return keys;
    const message = 'the base64 of 32 bytes, as `openssl rand -base64 32` makes it; with commas between several';
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  })
  .default([]);

const Variables = z.object({
  AFTERWORD_HOME: text,
  DATABASE_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\//, 'an address such as postgres://user:password@host:5432/database')
    .optional(),
  AFTERWORD_DATABASE_POOL: wholeNumber(10, 1, 1_000),
  AFTERWORD_HOST: z.string().min(1).default('127.0.0.1'),
  AFTERWORD_PORT: port(7700),
  AFTERWORD_ADMIN_KEY: bearer,
  AFTERWORD_RATE_LIMIT: wholeNumber(2_000, 1, 1_000_000),
  AFTERWORD_RATE_BURST: wholeNumber(0, 0, 1_000_000),
  AFTERWORD_CORS_ORIGINS: corsOrigins,
  AFTERWORD_METRICS_HOST: z.string().min(1).default('127.0.0.1'),
  AFTERWORD_METRICS_PORT: optionalPort,
  AFTERWORD_METRICS_TOKEN: bearer,
  AFTERWORD_RETENTION_RECORD_DAYS: days(defaultRecordDays),
  AFTERWORD_RETENTION_MESSAGE_DAYS: days(0),
  AFTERWORD_RETENTION_ANALYTICS_DAYS: days(0),
  AFTERWORD_RETENTION_EVENT_DAYS: days(leastEventDays, leastEventDays),
  AFTERWORD_RETENTION_AUDIT_DAYS: days(leastEventDays),
  OTEL_EXPORTER_OTLP_ENDPOINT: text,
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: text,
  OTEL_SERVICE_NAME: text,
  AFTERWORD_SECRETS_KEY: secretsKeys,
  AFTERWORD_SECRETS_KEY_FILE: text,
  AFTERWORD_SHUTDOWN_SECONDS: wholeNumber(65, 1, 3_600),
  AFTERWORD_HANDLER_SLOTS: wholeNumber(handlerSlotsPerCore * availableParallelism(), 1, 1_000),
  AFTERWORD_TEMPORAL_PORT: port(7233),
  AFTERWORD_TEMPORAL_UI_PORT: port(8233),
  AFTERWORD_TASK_QUEUE: z.string().min(1).max(200).default('afterword'),
  AFTERWORD_LOG_LEVEL: z.enum(logLevels, { error: `one of ${logLevels.join(', ')}` }).default('info'),
  AFTERWORD_URL: serverUrl,
  AFTERWORD_API_KEY: bearer,
  AFTERWORD_ORGANIZATION: slug.default('example'),
  AFTERWORD_EGRESS_PRIVATE: networks,
  AFTERWORD_HTTP_ORIGINS: origins,
  AFTERWORD_UNSAFE_UNCAGED_PYTHON: z.stringbool({ error: 'true or false' }).default(false),
  AFTERWORD_PYTHON: text,
  AFTERWORD_DENO: text,
  TEMPORAL_CLI_PATH: text,
  AFTERWORD_LLM_BASE_URL: serverUrl,
  AFTERWORD_LLM_API_KEY: apiKey,
  OPENAI_API_KEY: apiKey,
  AFTERWORD_LLM_MODEL: text,
  AFTERWORD_LLM_API: z.enum(llmApis, { error: `one of ${llmApis.join(', ')}` }).default('responses'),
  AFTERWORD_GOOGLE_CREDENTIALS: text,
  AFTERWORD_GOOGLE_ROOT_URL: serverUrl,
  AFTERWORD_SHARED_CREDENTIALS: z.stringbool({ error: 'true or false' }).default(false),
});

export interface Config {
  /** Folder of the embedded store, keys and runtime.json; absolute. */
  readonly home: string;
  /** PostgreSQL; undefined: the embedded store in `home`. */
  readonly databaseUrl: string | undefined;
  readonly databasePoolSize: number;
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly adminKey: string | undefined;
  /** Of each API key that has no limit of its own. */
  readonly rateLimit: { readonly perSecond: number; readonly burst: number };
  /** Origins whose pages may read what the API answers. */
  readonly corsOrigins: readonly string[];
  /** Of a worker of its own: where its metrics are read. The server answers them on its own port. */
  readonly metrics: {
    readonly host: string;
    /** Undefined: the worker listens nowhere. */
    readonly port: number | undefined;
    /** What a reader sends; undefined: none is needed on this machine, and nobody may read them beyond it. */
    readonly token: string | undefined;
  };
  /** What seals secrets: the first of the keys, or those in the file; with neither there are no secrets. */
  readonly secrets: { readonly keys: readonly Buffer[]; readonly keyFile: string | undefined };
  readonly retention: RetentionPolicy;
  /** Whether spans are sent; OpenTelemetry reads its own variables for the rest. */
  readonly tracing: boolean;
  /** What the process is called in them; undefined: by its kind. */
  readonly serviceName: string | undefined;
  /** Of one organisation, that a worker runs at once. */
  readonly handlerSlots: number;
  /** What runs when a separate worker or server is told to stop gets this long to end by itself. */
  readonly shutdownMs: number;
  /** Of the development server only; elsewhere TEMPORAL_ADDRESS says where Temporal is. */
  readonly temporalPort: number;
  readonly temporalUiPort: number;
  /** The handlers' own queue is this name followed by `-handlers`. */
  readonly taskQueue: string;
  readonly logLevel: (typeof logLevels)[number];
  /** The server that the command line talks to, without a slash at the end. */
  readonly url: string | undefined;
  readonly apiKey: string | undefined;
  /** For publishing straight to Temporal. */
  readonly organization: string;
  /** Of handlers' outgoing requests. */
  readonly http: {
    /** Private networks, or single addresses, that they may reach all the same. */
    readonly openNetworks: readonly string[];
    /** What is led elsewhere: the origin or URL that is asked, the origin where it goes. */
    readonly origins: ReadonlyMap<string, string>;
  };
  readonly unsafeUncaged: boolean;
  /** null: none was found when the project was set up. */
  readonly python: string | null;
  /** Deno 2; null for the one that is installed with Afterword. */
  readonly deno: string | null;
  readonly temporalCli: string | null;
  /** What `llm_classify_…` ask. */
  readonly llm: {
    /** Undefined: OpenAI's own. */
    readonly baseUrl: string | undefined;
    readonly apiKey: string | undefined;
    readonly model: string | undefined;
    readonly api: (typeof llmApis)[number];
  };
  readonly google: {
    /** A service account's key: the path of its JSON file, or the JSON itself. */
    readonly credentials: string | undefined;
    /** Undefined: Google's own. */
    readonly rootUrl: string | undefined;
  };
  /** Whether every organisation without LLM or Google credentials of its own uses those above, not only `organization`. */
  readonly sharedCredentials: boolean;
}

/**
 * The environment as typed values; the one reader of `process.env`.
 * Throws `bad_configuration` naming every bad variable at once, never a value: some are secrets.
 */
export function loadConfig(env: Readonly<Record<string, string | undefined>> = process.env): Config {
  const variables = parseVariables(env);
  const toolchain = readToolchain();
  return {
    home: resolve(variables.AFTERWORD_HOME ?? join(process.cwd(), '.afterword')),
    databaseUrl: variables.DATABASE_URL,
    databasePoolSize: variables.AFTERWORD_DATABASE_POOL,
    host: variables.AFTERWORD_HOST,
    port: variables.AFTERWORD_PORT,
    adminKey: variables.AFTERWORD_ADMIN_KEY,
    rateLimit: rateOf(variables),
    corsOrigins: variables.AFTERWORD_CORS_ORIGINS,
    metrics: {
      host: variables.AFTERWORD_METRICS_HOST,
      port: variables.AFTERWORD_METRICS_PORT,
      token: variables.AFTERWORD_METRICS_TOKEN,
    },
    retention: {
      recordDays: variables.AFTERWORD_RETENTION_RECORD_DAYS,
      messageDays: variables.AFTERWORD_RETENTION_MESSAGE_DAYS,
      analyticsDays: variables.AFTERWORD_RETENTION_ANALYTICS_DAYS,
      eventDays: variables.AFTERWORD_RETENTION_EVENT_DAYS,
      auditDays: variables.AFTERWORD_RETENTION_AUDIT_DAYS,
    },
    tracing:
      variables.OTEL_EXPORTER_OTLP_ENDPOINT !== undefined || variables.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT !== undefined,
    serviceName: variables.OTEL_SERVICE_NAME,
    secrets: { keys: variables.AFTERWORD_SECRETS_KEY, keyFile: variables.AFTERWORD_SECRETS_KEY_FILE },
    handlerSlots: variables.AFTERWORD_HANDLER_SLOTS,
    shutdownMs: variables.AFTERWORD_SHUTDOWN_SECONDS * 1_000,
    temporalPort: variables.AFTERWORD_TEMPORAL_PORT,
    temporalUiPort: variables.AFTERWORD_TEMPORAL_UI_PORT,
    taskQueue: variables.AFTERWORD_TASK_QUEUE,
    logLevel: variables.AFTERWORD_LOG_LEVEL,
    url: variables.AFTERWORD_URL,
    apiKey: variables.AFTERWORD_API_KEY,
    organization: variables.AFTERWORD_ORGANIZATION,
    http: { openNetworks: variables.AFTERWORD_EGRESS_PRIVATE, origins: variables.AFTERWORD_HTTP_ORIGINS },
    unsafeUncaged: variables.AFTERWORD_UNSAFE_UNCAGED_PYTHON,
    python: variables.AFTERWORD_PYTHON ?? toolchain.python,
    deno: variables.AFTERWORD_DENO ?? null,
    temporalCli: variables.TEMPORAL_CLI_PATH ?? toolchain.temporalCli,
    llm: {
      baseUrl: variables.AFTERWORD_LLM_BASE_URL,
      apiKey: variables.AFTERWORD_LLM_API_KEY ?? variables.OPENAI_API_KEY,
      model: variables.AFTERWORD_LLM_MODEL,
      api: variables.AFTERWORD_LLM_API,
    },
    google: {
      credentials: variables.AFTERWORD_GOOGLE_CREDENTIALS,
      rootUrl: variables.AFTERWORD_GOOGLE_ROOT_URL,
    },
    sharedCredentials: variables.AFTERWORD_SHARED_CREDENTIALS,
  };
}

/** A burst of two seconds where nothing else is said. */
function rateOf(variables: z.infer<typeof Variables>): Config['rateLimit'] {
  const { AFTERWORD_RATE_LIMIT: perSecond, AFTERWORD_RATE_BURST: burst } = variables;
  return { perSecond, burst: burst === 0 ? 2 * perSecond : burst };
}

function parseVariables(env: Readonly<Record<string, string | undefined>>): z.infer<typeof Variables> {
  const given = Object.fromEntries(
    Object.keys(Variables.shape)
      .map((name) => [name, env[name]?.trim()] as const)
      .filter(([, value]) => value !== ''),
  );
  const parsed = Variables.safeParse(given);
  if (parsed.success) return parsed.data;
  const fields = onePerVariable(parsed.error.issues);
  throw new AfterwordError(
    'bad_configuration',
    fields.map(({ field, message }) => `${field}: expected ${message}`).join('; '),
    { fields },
  );
}

function onePerVariable(issues: readonly z.core.$ZodIssue[]): FieldError[] {
  const messages = new Map<string, string>();
  for (const issue of issues) {
    const name = String(issue.path[0]);
    if (!messages.has(name)) messages.set(name, issue.message);
  }
  return [...messages].map(([field, message]) => ({ field, message }));
}
