import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../', import.meta.url));
export const toolchainFile = join(root, 'node_modules', '.afterword', 'toolchain.json');
/** Which interpreters have the real clients that tests run. */
export const clientsFile = join(root, 'node_modules', '.afterword', 'clients.json');
export const requirementsFile = join(root, 'src', 'sandbox', 'python', 'requirements.txt');

/** What takes long to make is kept here, so that a second clone has it at once. */
export const cacheDir = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'afterword');
