import { createHash } from 'node:crypto';
import { mkdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { cacheDir } from './paths.mjs';
import { say } from './progress.mjs';

const staleMs = 60_000;

/**
 * Only one set-up at a time makes the same thing; the others wait and find it made. What is made is put in its
 * place by a rename, so the lock saves work and is not needed for correctness.
 *
 * @template T
 * @param {string} name
 * @param {() => Promise<T>} work
 * @param {string} [folder] where the locks are
 * @returns {Promise<T>}
 */
export async function withLock(name, work, folder = join(cacheDir, 'locks')) {
  await mkdir(folder, { recursive: true });
  const file = join(folder, createHash('sha256').update(name).digest('hex').slice(0, 16));
  let waited = false;
  while (!(await take(file))) {
    if (!waited) say(`Another set-up is at work on ${name}; waiting for it`);
    waited = true;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  const refresh = setInterval(() => utimes(file, new Date(), new Date()).catch(() => {}), 10_000);
  try {
    return await work();
  } finally {
    clearInterval(refresh);
    await rm(file, { force: true });
  }
}

/** @param {string} file @returns {Promise<boolean>} */
async function take(file) {
  try {
    await writeFile(file, `${hostname()} ${process.pid}`, { flag: 'wx' });
    return true;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EEXIST') throw error;
    if (!(await isStale(file))) return false;
    await rm(file, { force: true });
    return take(file);
  }
}

/** @param {string} file */
async function isStale(file) {
  try {
    const [host, pid] = (await readFile(file, 'utf8')).split(' ');
    if (host === hostname() && pid && !isAlive(Number(pid))) return true;
    return Date.now() - (await stat(file)).mtimeMs > staleMs;
  } catch {
    return false;
  }
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM';
  }
}
