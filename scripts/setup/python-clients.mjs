import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { clientsFile, root } from './paths.mjs';
import { SetupError } from './progress.mjs';
import { environmentFor, findPythons } from './python.mjs';
import { lastLines } from './run.mjs';

/** Clients of other systems from PyPI that tests run against this one, each in an environment of its own. */
const clients = [
  { name: 'syllable-sdk', imports: 'syllable_sdk' },
  // It also names what its own tests and its build need, which is more than all the rest.
  { name: 'weni-datalake-sdk', imports: 'weni_datalake_sdk.clients.redshift.events', onlyListed: true },
  { name: 'schemathesis', imports: 'schemathesis' },
];

const requirementsOf = (/** @type {string} */ name) => join(root, 'test', 'setup', 'clients', `${name}.txt`);

/** @returns {Promise<boolean>} whether any was installed now */
export async function ensureClients() {
  const madeFrom = inputs();
  if (isCurrent(madeFrom)) return false;
  /** @type {Record<string, string>} */
  const pythons = {};
  for (const client of clients) pythons[client.name] = await pythonWith(client);
  mkdirSync(dirname(clientsFile), { recursive: true });
  const draft = `${clientsFile}.${process.pid}`;
  writeFileSync(draft, `${JSON.stringify({ pythons, madeFrom }, null, 2)}\n`);
  renameSync(draft, clientsFile);
  return true;
}

/** @param {{ name: string, imports: string, onlyListed?: boolean }} client */
async function pythonWith({ name, imports, onlyListed }) {
  const failures = [];
  for (const python of await findPythons()) {
    const packages = {
      what: `the tests with ${name} in Python`,
      requirements: requirementsOf(name),
      imports,
      onlyListed,
    };
    const made = await environmentFor(python, packages);
    if (made.ok) return made.path;
    failures.push(`  - ${python.path} (${python.version}):\n${lastLines(made.output, 4)}`);
  }
  throw new SetupError(
    `${name}, which tests run against the server, could not be installed. Tried:\n${failures.join('\n')}\n` +
      '  What to do: install CPython 3.10 or newer with pip, let it reach PyPI, and run this again.',
  );
}

function inputs() {
  const hash = createHash('sha256').update(String(process.env.AFTERWORD_PYTHON));
  for (const { name } of clients) hash.update(readFileSync(requirementsOf(name)));
  return hash.digest('hex');
}

/** @param {string} madeFrom */
function isCurrent(madeFrom) {
  if (!existsSync(clientsFile)) return false;
  const known = JSON.parse(readFileSync(clientsFile, 'utf8'));
  return known.madeFrom === madeFrom && Object.values(known.pythons).every((path) => existsSync(path));
}
