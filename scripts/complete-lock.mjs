// Puts into package-lock.json the packages for other platforms that npm left out: node scripts/complete-lock.mjs
//
// npm leaves out an optional dependency that the registry in use does not serve (a mirror may keep Linux only), and
// `npm ci` then refuses the lock file: "Missing: @swc/core-darwin-arm64@ from lock file". Their versions are exact
// and their names say which platform they are for, so the entries can be written without the registry; only their
// checksums are missing. `npm run lock` does this after npm's own part.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './setup/paths.mjs';
import { missingOptionalPackages } from './setup/lockfile.mjs';

const file = join(root, 'package-lock.json');
const lock = JSON.parse(readFileSync(file, 'utf8'));
const missing = missingOptionalPackages(lock.packages);

for (const { name, version, dev } of missing) {
  lock.packages[`node_modules/${name}`] = {
    version,
    ...platformOf(name),
    ...(dev ? { dev: true } : {}),
    optional: true,
  };
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
if (missing.length > 0) writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
console.log(`package-lock.json: ${missing.length} packages for other platforms added`);

/** @param {string} name such as `@swc/core-linux-arm-gnueabihf` */
function platformOf(name) {
  const match = /-(android|darwin|freebsd|linux|openharmony|win32)-(arm64|arm|ia32|ppc64|riscv64|s390x|x64)\b/.exec(
    name,
  );
  const [, os, cpu] = match ?? [];
  if (!os || !cpu) throw new Error(`${name} does not say which platform it is for; add it by hand.`);
  const libc = os !== 'linux' ? undefined : /-musl/.test(name) ? 'musl' : /-gnu/.test(name) ? 'glibc' : undefined;
  return { cpu: [cpu], ...(libc ? { libc: [libc] } : {}), os: [os] };
}
