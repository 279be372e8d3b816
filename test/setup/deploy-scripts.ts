import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { temporalServerFolder } from '../../scripts/setup/temporal-server.mjs';
import { packageRoot } from '../../src/config/package-root.ts';
import { readToolchain } from '../../src/config/toolchain.ts';
import { runTool } from './run-tool.ts';

export const deployFolder = join(packageRoot, 'deploy');

/** The scripts of docker-compose.yml that prepare Temporal; what their image holds is taken from this machine. */
export interface DeployScripts {
  schema(): Promise<void>;
  /** `address` of the frontend. */
  namespace(address: string): Promise<void>;
}

/** @param postgresUrl of the server, by a user who may create databases */
export async function deployScripts(folder: string, postgresUrl: string): Promise<DeployScripts> {
  const { temporalCli } = readToolchain();
  if (temporalCli === null) throw new Error('no Temporal CLI: run `npm run setup`');
  const bin = join(folder, 'bin');
  await mkdir(bin, { recursive: true });
  await symlink(join(temporalServerFolder, 'sql'), join(bin, 'temporal-sql-tool'));
  await symlink(temporalCli, join(bin, 'temporal'));
  const common = { PATH: `${bin}:/usr/bin:/bin`, HOME: folder };
  const { hostname, port, username, password } = new URL(postgresUrl);
  const database = {
    POSTGRES_HOST: hostname,
    POSTGRES_PORT: port,
    POSTGRES_USER: username,
    SQL_PASSWORD: password,
    TEMPORAL_SCHEMAS: join(temporalServerFolder, 'schema'),
  };
  return {
    schema: () => runTool('/bin/sh', [join(deployFolder, 'temporal-schema.sh')], { ...common, ...database }),
    namespace: (address) =>
      runTool('/bin/sh', [join(deployFolder, 'temporal-namespace.sh')], { ...common, TEMPORAL_ADDRESS: address }),
  };
}
