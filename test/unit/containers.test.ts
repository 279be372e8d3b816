import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { composeSchemaFile } from '../../scripts/setup/compose-schema.mjs';
import { loadConfig } from '../../src/config/config.ts';
import { packageRoot } from '../../src/config/package-root.ts';

const fileOf = (name: string) => readFileSync(join(packageRoot, name), 'utf8');
const compose: unknown = parse(fileOf('docker-compose.yml'), { merge: true });
const dockerfile = fileOf('Dockerfile');

const Service = z.object({
  image: z.string(),
  build: z.string().optional(),
  command: z.array(z.string()).optional(),
  entrypoint: z.array(z.string()).optional(),
  environment: z.record(z.string(), z.string()).default({}),
  ports: z.array(z.string()).default([]),
  volumes: z.array(z.string()).default([]),
  depends_on: z.record(z.string(), z.object({ condition: z.string() })).default({}),
  healthcheck: z.unknown().optional(),
  privileged: z.boolean().optional(),
  cap_add: z.array(z.string()).optional(),
  cap_drop: z.array(z.string()).optional(),
  read_only: z.boolean().optional(),
});
const { services } = z.object({ services: z.record(z.string(), Service) }).parse(compose);
const ours = Object.entries(services).filter(([, { build }]) => build !== undefined);

function composeSchema() {
  if (!existsSync(composeSchemaFile)) throw new Error('no Compose schema: run `node scripts/setup.mjs --tests`');
  const schema = z.looseObject({}).parse(JSON.parse(readFileSync(composeSchemaFile, 'utf8')));
  // Its own `$schema` is a spelling of draft 7 that zod does not know.
  return z.fromJSONSchema({ ...schema, $schema: 'http://json-schema.org/draft-07/schema#' });
}

describe('docker-compose.yml', () => {
  const schema = composeSchema();

  test('keeps to the Compose schema', () => {
    expect(schema.safeParse(compose).error?.issues).toBeUndefined();
  });

  test('which refuses what is misspelt', () => {
    const { worker } = services;
    for (const wrong of [
      { imag: 'x' },
      { stop_grace_period: 100 },
      { depends_on: { migrate: { condition: 'done' } } },
    ]) {
      expect(schema.safeParse({ services: { worker: { ...worker, ...wrong } } }).success).toBe(false);
    }
  });

  test.each(Object.entries(services))('%s has a pinned image', (_name, { image }) => {
    expect(image).toMatch(/:(\d+\.\d+(\.\d+)?(-[a-z]+)?|\$\{AFTERWORD_VERSION:-\d+\.\d+\.\d+\})$/);
  });

  test.each(Object.entries(services))('%s is reached from this machine only', (_name, { ports }) => {
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/);
  });

  test('has no secret of its own: each is asked for with a word on what to set', () => {
    const secrets = /PASSWORD|PWD|ADMIN_KEY|SECRETS_KEY/;
    const values = Object.values(services).flatMap(({ environment }) => Object.entries(environment));
    const secret = values.filter(([name]) => secrets.test(name));
    expect(secret.length).toBeGreaterThan(3);
    for (const [, value] of secret) expect(value).toMatch(/^\$\{[A-Z_]+:\?[a-z][^}]{10,}\}$/);
  });

  test('says of every variable what it is where nobody sets it', () => {
    for (const [, name, rest] of fileOf('docker-compose.yml').matchAll(/\$\{([A-Z_]+)([^}]*)\}/g)) {
      expect(rest, name).toMatch(/^:(-|\?.+)/);
    }
  });

  test.each(ours)('%s gets variables that there are', (_name, { environment }) => {
    const known = fileOf('src/config/config.ts');
    const temporals = ['TEMPORAL_ADDRESS', 'TEMPORAL_NAMESPACE'];
    for (const name of Object.keys(environment)) {
      if (!temporals.includes(name)) expect(known).toContain(`  ${name}:`);
    }
  });

  test('with values as compose fills them in, the configuration is accepted', () => {
    for (const [, { environment }] of ours) {
      const filled = Object.entries(environment).map(([name, value]) => [
        name,
        value
          .replace(/^\$\{AFTERWORD_SECRETS_KEY:.*\}$/, Buffer.alloc(32).toString('base64'))
          .replaceAll(/\$\{[A-Z_]+:-([^}]*)\}/g, '$1')
          .replaceAll(/\$\{[A-Z_]+:\?[^}]*\}/g, 'sixteen0letters0'),
      ]);
      expect(() => loadConfig(Object.fromEntries(filled) as Record<string, string>)).not.toThrow();
    }
  });

  test.each(ours)('%s runs a program that the build makes', (_name, { command = [] }) => {
    const [node, program = ''] = command;
    expect(node).toBe('node');
    expect(existsSync(join(packageRoot, program.replace('dist/', 'src/').replace(/\.js$/, '.ts')))).toBe(true);
  });

  test.each(ours)('%s has no privilege that it could lose', (_name, service) => {
    expect(service).toMatchObject({ read_only: true, cap_drop: ['ALL'] });
    expect(service.privileged ?? false).toBe(false);
    expect(service.cap_add ?? []).toEqual([]);
  });

  test('mounts files that there are, and waits for services that say when they are ready', () => {
    for (const { volumes, entrypoint = [], depends_on } of Object.values(services)) {
      for (const volume of volumes.filter((one) => one.startsWith('./'))) {
        expect(existsSync(join(packageRoot, volume.split(':')[0] ?? ''))).toBe(true);
      }
      const script = entrypoint.find((part) => part.startsWith('/deploy/'));
      if (script !== undefined) expect(existsSync(join(packageRoot, script))).toBe(true);
      for (const [name, { condition }] of Object.entries(depends_on)) {
        if (condition === 'service_healthy') expect(services[name]?.healthcheck, name).toBeDefined();
        else expect(condition).toBe('service_completed_successfully');
      }
    }
  });
});

describe('Dockerfile', () => {
  test('pins its base image and ends as another user than root', () => {
    expect(dockerfile).toMatch(/^ARG BASE=node:\d+\.\d+\.\d+-bookworm-slim$/m);
    const users = [...dockerfile.matchAll(/^USER (.+)$/gm)].map(([, user]) => user);
    expect(users).toEqual(['1000:1000']);
  });

  test('copies what there is, out of what the build may see', () => {
    const seen = [...fileOf('.dockerignore').matchAll(/^!(.+)$/gm)].map(([, path = '']) => path);
    for (const path of seen) expect(existsSync(join(packageRoot, path)), path).toBe(true);
    const made = ['node_modules', 'dist'];
    for (const [, path = ''] of dockerfile.matchAll(/^COPY --from=build \/opt\/afterword\/(\S+)/gm)) {
      expect(made.includes(path) || existsSync(join(packageRoot, path)), path).toBe(true);
      expect([...seen, ...made]).toContain(path.split('/')[0]);
    }
  });

  test('has a Node that the package takes', () => {
    const { engines } = z.object({ engines: z.object({ node: z.string() }) }).parse(JSON.parse(fileOf('package.json')));
    expect(engines.node).toBe('>=22.12');
    expect(Number(/node:(\d+)/.exec(dockerfile)?.[1])).toBeGreaterThanOrEqual(24);
  });
});
