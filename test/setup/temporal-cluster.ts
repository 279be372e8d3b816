import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { stringify } from 'yaml';
import { temporalServerFolder } from '../../scripts/setup/temporal-server.mjs';
import { conversationKey } from '../../src/temporal/search-attributes.ts';
import { deployFolder, deployScripts, type DeployScripts } from './deploy-scripts.ts';
import { freePorts } from './free-ports.ts';

const host = '127.0.0.1';
const namespace = 'default';
const readyTimeoutMs = 60_000;
const stopTimeoutMs = 10_000;
const databases = { temporal: 'temporal', visibility: 'temporal_visibility' } as const;
const services = ['frontend', 'history', 'matching', 'worker'] as const;

/** The guard's descriptor 3 ends without a line when the process that started the server dies; then so does the server. */
const startGuarded = `
( read -r _ <&3 && exit
  kill -KILL "$$"
) </dev/null >/dev/null 2>&1 &
exec "$0" "$@" 3<&-
`;

export interface TemporalCluster {
  /** `host:port` of the frontend; the same after a restart. */
  readonly address: string;
  readonly namespace: string;
  pid(): number;
  running(): boolean;
  /** SIGKILL, as a machine that fails. */
  kill(): Promise<void>;
  /** After `kill`; resolves when workflows can be started again. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * The real Temporal server with all of its services in one process, on PostgreSQL, with its default limits.
 *
 * @param postgresUrl of the server, by a user who may create databases
 * @param folder for its configuration and log; the caller removes it
 */
export async function startTemporalCluster(postgresUrl: string, folder: string): Promise<TemporalCluster> {
  await mkdir(join(folder, 'config'), { recursive: true });
  const scripts = await deployScripts(folder, postgresUrl);
  await scripts.schema();
  const ports = await freePorts(2 * services.length);
  await writeFile(join(folder, 'config', 'cluster.yaml'), stringify(serverConfig(postgresUrl, ports)));
  const address = `${host}:${String(ports[0])}`;
  const logFile = join(folder, 'temporal.log');
  const start = () => launch(folder, logFile, () => makeReady(address, scripts));
  let child = await start();
  const running = () => child.exitCode === null && child.signalCode === null;
  const end = async (signal: NodeJS.Signals) => {
    if (!running()) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    const timer = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs);
    await gone;
    clearTimeout(timer);
  };
  return {
    address,
    namespace,
    pid: () => child.pid ?? 0,
    running,
    kill: () => end('SIGKILL'),
    async restart() {
      await end('SIGKILL');
      child = await start();
    },
    stop: () => end('SIGTERM'),
  };
}

function serverConfig(postgresUrl: string, ports: readonly number[]) {
  const { hostname, port, username, password } = new URL(postgresUrl);
  const sql = (databaseName: string) => ({
    sql: {
      pluginName: 'postgres12_pgx',
      databaseName,
      connectAddr: `${hostname}:${port}`,
      connectProtocol: 'tcp',
      user: username,
      password,
      maxConns: 20,
      maxIdleConns: 20,
      maxConnLifetime: '1h',
    },
  });
  const rpcOf = (index: number) => ({
    rpc: { grpcPort: ports[2 * index], membershipPort: ports[2 * index + 1], bindOnLocalHost: true },
  });
  return {
    log: { stdout: true, level: 'warn' },
    persistence: {
      defaultStore: 'main',
      visibilityStore: 'visibility',
      numHistoryShards: 4,
      datastores: { main: sql(databases.temporal), visibility: sql(databases.visibility) },
    },
    global: { membership: { maxJoinDuration: '30s', broadcastAddress: host } },
    services: Object.fromEntries(services.map((service, index) => [service, rpcOf(index)])),
    clusterMetadata: {
      enableGlobalNamespace: false,
      failoverVersionIncrement: 10,
      masterClusterName: 'active',
      currentClusterName: 'active',
      clusterInformation: {
        active: {
          enabled: true,
          initialFailoverVersion: 1,
          rpcName: 'frontend',
          rpcAddress: `${host}:${String(ports[0])}`,
        },
      },
    },
    dcRedirectionPolicy: { policy: 'noop' },
    dynamicConfigClient: { filepath: join(deployFolder, 'temporal-dynamic-config.yaml'), pollInterval: '10s' },
  };
}

async function launch(folder: string, logFile: string, ready: () => Promise<void>): Promise<ChildProcess> {
  const log = openSync(logFile, 'a');
  const server = join(temporalServerFolder, 'server');
  const args = ['--root', folder, '--config', 'config', '--env', 'cluster', '--allow-no-auth', 'start'];
  const child = spawn('/bin/sh', ['-c', startGuarded, server, ...args], {
    detached: true,
    stdio: ['ignore', log, log, 'pipe'],
    env: { GOGC: '400', PATH: '/usr/bin:/bin' },
  });
  closeSync(log);
  const guard = child.stdio[3];
  child.once('exit', () => {
    if (guard && 'end' in guard) guard.end('\n');
  });
  const deadline = Date.now() + readyTimeoutMs;
  for (;;) {
    try {
      await ready();
      return child;
    } catch (error) {
      const ended = child.exitCode !== null || child.signalCode !== null;
      if (!ended && Date.now() < deadline) {
        await delay(200);
        continue;
      }
      child.kill('SIGKILL');
      const said = lastLines(readFileSync(logFile, 'utf8'));
      throw new Error(`The Temporal server on PostgreSQL is not ready. It said:\n${said}`, { cause: error });
    }
  }
}

/** Until a workflow with our search attributes can be started: the server learns of a namespace only by and by. */
async function makeReady(address: string, scripts: DeployScripts): Promise<void> {
  const connection = await Connection.connect({ address, connectTimeout: 1_000 });
  try {
    await scripts.namespace(address);
    await connection.workflowService
      .startWorkflowExecution({
        namespace,
        workflowId: 'ready',
        workflowType: { name: 'ready' },
        taskQueue: { name: 'ready' },
        requestId: String(Date.now()),
        workflowRunTimeout: msToTs('1 second'),
        searchAttributes: {
          indexedFields: {
            [conversationKey.name]: {
              metadata: { encoding: Buffer.from('json/plain') },
              data: Buffer.from('"ready"'),
            },
          },
        },
      })
      .catch(unlessItExists);
  } finally {
    await connection.close();
  }
}

const alreadyExists = 6;

function unlessItExists(error: unknown): void {
  if (error instanceof Error && 'code' in error && error.code === alreadyExists) return;
  throw error;
}

/** Its lines hold whole stacks. */
function lastLines(log: string): string {
  const lines = log.trim().split('\n').slice(-8);
  return lines.map((line) => line.slice(0, 400)).join('\n');
}
