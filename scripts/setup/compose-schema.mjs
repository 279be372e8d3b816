import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { withGo } from './go.mjs';
import { withLock } from './lock.mjs';
import { cacheDir } from './paths.mjs';
import { SetupError, step } from './progress.mjs';
import { run } from './run.mjs';

/** The last release whose schema is of draft 7, which zod reads. */
const version = 'v2.9.0';
const module = `github.com/compose-spec/compose-go/v2@${version}`;

/** The JSON schema of Compose files, as docker compose has it: a test holds docker-compose.yml against it. */
export const composeSchemaFile = join(cacheDir, `compose-spec-${version}.json`);

/** @returns {Promise<boolean>} whether it was got now */
export async function ensureComposeSchema() {
  if (existsSync(composeSchemaFile)) return false;
  return withLock('the Compose schema', async () => {
    if (existsSync(composeSchemaFile)) return false;
    await step('Schema of Compose files for the tests (once per machine)', download);
    return true;
  });
}

async function download() {
  await mkdir(cacheDir, { recursive: true });
  const work = await mkdtemp(join(cacheDir, '.getting-compose-schema-'));
  try {
    const got = await withGo(work, async ({ go, env }) => {
      const { ok, output } = await run(go, ['mod', 'download', '-json', module], { env, cwd: work });
      if (!ok) return { ok, output };
      await copyFile(join(JSON.parse(output).Dir, 'schema', 'compose-spec.json'), join(work, 'schema.json'));
      return { ok, output: '' };
    });
    if (!got.ok) throw new SetupError(`The Compose schema could not be had from Go's module proxy:\n${got.output}`);
    await rename(join(work, 'schema.json'), composeSchemaFile);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
