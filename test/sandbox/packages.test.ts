import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSandbox } from '../../src/sandbox/create-sandbox.ts';
import { runHandler } from './running.ts';

const code = `
def handle_event(context):
    import extra_package
    return extra_package.answer`;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'afterword-test-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('packages for handlers', () => {
  it('may lie in a folder of their own', async () => {
    const packages = join(folder, 'packages');
    await mkdir(packages);
    await writeFile(join(packages, 'extra_package.py'), 'answer = "from the folder"');
    const sandbox = await createSandbox({ pythonPath: 'python3', packageFolders: [packages] });
    expect((await runHandler(sandbox, code)).result).toMatchObject({ result: 'from the folder' });
    await sandbox.close();
  });

  it('may lie in a virtual environment', async () => {
    const environment = join(folder, 'venv');
    execFileSync('python3', ['-m', 'venv', '--without-pip', environment]);
    const [version = ''] = await readdir(join(environment, 'lib'));
    const sitePackages = join(environment, 'lib', version, 'site-packages');
    await writeFile(join(sitePackages, 'extra_package.py'), 'answer = "from the environment"');
    const sandbox = await createSandbox({ pythonPath: join(environment, 'bin/python') });
    expect((await runHandler(sandbox, code)).result).toMatchObject({ result: 'from the environment' });
    await sandbox.close();
  });
});
