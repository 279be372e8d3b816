import { mkdtempSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/config/config.ts';
import { readToolchain } from '../../src/config/toolchain.ts';
import { AfterwordError } from '../../src/domain/errors.ts';

function faultOf(env: Record<string, string>): AfterwordError {
  try {
    loadConfig(env);
  } catch (error) {
    if (error instanceof AfterwordError) return error;
    throw error;
  }
  throw new Error('The configuration was accepted.');
}

describe('configuration', () => {
  test('needs no variable at all', () => {
    expect(loadConfig({})).toMatchObject({
      home: join(process.cwd(), '.afterword'),
      databaseUrl: undefined,
      databasePoolSize: 10,
      host: '127.0.0.1',
      port: 7700,
      adminKey: undefined,
      handlerSlots: 4 * availableParallelism(),
      shutdownMs: 65_000,
      temporalPort: 7233,
      temporalUiPort: 8233,
      taskQueue: 'afterword',
      logLevel: 'info',
      url: undefined,
      apiKey: undefined,
      organization: 'example',
      unsafeUncaged: false,
      rateLimit: { perSecond: 2_000, burst: 4_000 },
      corsOrigins: [],
      sharedCredentials: false,
    });
  });

  test('takes a burst of two seconds where none is given, and origins as browsers send them', () => {
    expect(loadConfig({ AFTERWORD_RATE_LIMIT: '5' }).rateLimit).toEqual({ perSecond: 5, burst: 10 });
    const rate = { AFTERWORD_RATE_LIMIT: '5', AFTERWORD_RATE_BURST: '6' };
    expect(loadConfig(rate).rateLimit).toEqual({ perSecond: 5, burst: 6 });
    const given = { AFTERWORD_CORS_ORIGINS: 'https://a.example.com, http://localhost:5173' };
    expect(loadConfig(given).corsOrigins).toEqual(['https://a.example.com', 'http://localhost:5173']);
    for (const wrong of ['*', 'https://a.example.com/', 'a.example.com', 'null']) {
      expect(faultOf({ AFTERWORD_CORS_ORIGINS: wrong }).fields[0]?.field).toBe('AFTERWORD_CORS_ORIGINS');
    }
  });

  test('keeps records for 30 days, events for 400, and all else for ever where nothing is said', () => {
    const kept = { recordDays: 30, messageDays: undefined, analyticsDays: undefined, eventDays: 400, auditDays: 400 };
    expect(loadConfig({}).retention).toEqual(kept);
    const days = { AFTERWORD_RETENTION_RECORD_DAYS: '1', AFTERWORD_RETENTION_EVENT_DAYS: '0' };
    expect(loadConfig(days).retention).toEqual({ ...kept, recordDays: 1, eventDays: undefined });
    expect(loadConfig({ AFTERWORD_RETENTION_EVENT_DAYS: '400' }).retention.eventDays).toBe(400);
    expect(faultOf({ AFTERWORD_RETENTION_EVENT_DAYS: '399' }).message).toContain('from 400 to 36500');
    expect(loadConfig({ AFTERWORD_RETENTION_RECORD_DAYS: '36500' }).retention.recordDays).toBe(36_500);
    expect(faultOf({ AFTERWORD_RETENTION_RECORD_DAYS: '36501' }).message).toContain('AFTERWORD_RETENTION_RECORD_DAYS');
  });

  test('takes a variable that is set to nothing as not set', () => {
    expect(loadConfig({ AFTERWORD_PORT: '', DATABASE_URL: ' ', AFTERWORD_HOME: '' })).toEqual(loadConfig({}));
  });

  test('takes what is given', () => {
    const config = loadConfig({
      AFTERWORD_HOME: '/srv/afterword',
      DATABASE_URL: 'postgresql://me:pass@db/afterword',
      AFTERWORD_DATABASE_POOL: '3',
      AFTERWORD_HOST: '0.0.0.0',
      AFTERWORD_PORT: '0',
      AFTERWORD_HANDLER_SLOTS: '1',
      AFTERWORD_LOG_LEVEL: 'silent',
      AFTERWORD_URL: 'https://afterword.example.com/',
      AFTERWORD_UNSAFE_UNCAGED_PYTHON: 'true',
      AFTERWORD_PYTHON: '/usr/bin/python3',
      TEMPORAL_CLI_PATH: '/usr/bin/temporal',
      AFTERWORD_API_KEY: 'aw_0123456789abcdef',
    });
    expect(config).toMatchObject({
      home: '/srv/afterword',
      databaseUrl: 'postgresql://me:pass@db/afterword',
      databasePoolSize: 3,
      host: '0.0.0.0',
      port: 0,
      handlerSlots: 1,
      logLevel: 'silent',
      url: 'https://afterword.example.com',
      unsafeUncaged: true,
      python: '/usr/bin/python3',
      temporalCli: '/usr/bin/temporal',
      apiKey: 'aw_0123456789abcdef',
    });
  });

  test('names every bad variable at once', () => {
    const fault = faultOf({
      AFTERWORD_PORT: '70000',
      AFTERWORD_HANDLER_SLOTS: 'many',
      AFTERWORD_LOG_LEVEL: 'loud',
      DATABASE_URL: 'mysql://db',
      AFTERWORD_ORGANIZATION: 'Not A Slug',
    });
    expect(fault.code).toBe('bad_configuration');
    const names = fault.fields.map(({ field }) => field).toSorted();
    expect(names).toEqual([
      'AFTERWORD_HANDLER_SLOTS',
      'AFTERWORD_LOG_LEVEL',
      'AFTERWORD_ORGANIZATION',
      'AFTERWORD_PORT',
      'DATABASE_URL',
    ]);
    for (const name of names) expect(fault.message).toContain(name);
    expect(fault.message).toContain('a whole number from 0 to 65535');
    expect(fault.message).toContain('one of debug, info, warn, error, silent');
  });

  test.each(['-1', '1.5', '0x10', '1e3', '65536', 'NaN'])('refuses the port "%s"', (port) => {
    expect(faultOf({ AFTERWORD_PORT: port }).message).toContain('AFTERWORD_PORT');
  });

  test.each(['0', '65535'])('takes the port "%s"', (port) => {
    expect(loadConfig({ AFTERWORD_PORT: port }).port).toBe(Number(port));
  });

  test('takes networks and origins for outgoing requests', () => {
    const { http } = loadConfig({
      AFTERWORD_EGRESS_PRIVATE: '10.1.0.0/16, 192.168.7.5,fd00::/8',
      AFTERWORD_HTTP_ORIGINS:
        'https://API.example.com=http://127.0.0.1:9999,https://hooks.example.com/a=b/=http://localhost:1',
    });
    expect(http.openNetworks).toEqual(['10.1.0.0/16', '192.168.7.5', 'fd00::/8']);
    expect([...http.origins]).toEqual([
      ['https://api.example.com', 'http://127.0.0.1:9999'],
      ['https://hooks.example.com/a=b', 'http://localhost:1'],
    ]);
  });

  test.each([
    ['AFTERWORD_EGRESS_PRIVATE', '10.0.0.0/33'],
    ['AFTERWORD_EGRESS_PRIVATE', 'localhost'],
    ['AFTERWORD_HTTP_ORIGINS', 'https://api.example.com'],
    ['AFTERWORD_HTTP_ORIGINS', 'api.example.com=http://127.0.0.1:1'],
    ['AFTERWORD_HTTP_ORIGINS', 'https://api.example.com=http://127.0.0.1:1/path'],
    ['AFTERWORD_HTTP_ORIGINS', 'https://api.example.com=ftp://127.0.0.1'],
  ])('refuses %s=%s', (variable, value) => {
    expect(faultOf({ [variable]: value }).fields).toMatchObject([{ field: variable }]);
  });

  test('never shows the value of a bad variable', () => {
    const fault = faultOf({ AFTERWORD_ADMIN_KEY: 'hunter2', DATABASE_URL: 'db:hunter2', AFTERWORD_API_KEY: 'hunter2' });
    expect(`${fault.message} ${JSON.stringify(fault.fields)}`).not.toContain('hunter2');
  });
});

describe('the toolchain file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'afterword-toolchain-'));

  test('says where Python and Temporal are', () => {
    const file = join(folder, 'good.json');
    writeFileSync(file, JSON.stringify({ temporalCli: '/t', python: null, madeFrom: 'x' }));
    expect(readToolchain(file)).toEqual({ temporalCli: '/t', python: null });
  });

  test.each(['', '{', '[]', '{"python": 3}'])('counts as absent when it reads %j', (content) => {
    const file = join(folder, 'bad.json');
    writeFileSync(file, content);
    expect(readToolchain(file)).toEqual({ temporalCli: null, python: null });
  });

  test('may be missing', () => {
    expect(readToolchain(join(folder, 'none.json'))).toEqual({ temporalCli: null, python: null });
  });
});
