import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, isAbsolute, join } from 'node:path';
import { promisify } from 'node:util';

/** What this system has for handlers in TypeScript, beside the cage. */
export interface DenoCapability {
  /** The binary; null where there is none that runs. */
  readonly executable: string | null;
  /** One line for the log and for health. */
  readonly detail: string;
  /** What the operator can do about it; empty when nothing is missing. */
  readonly mend: string;
}

const probeTimeoutMs = 20_000;
const mend =
  'Install with optional dependencies on Linux with glibc (x64 or arm64), or name a Deno 2 in AFTERWORD_DENO.';

/** `path`: null for the one that is installed with Afterword. Never rejects. */
export async function probeDeno(path: string | null): Promise<DenoCapability> {
  const executable = path ?? installedDeno();
  if (executable === null) {
    const detail = `no Deno is installed for ${process.platform} on ${process.arch}`;
    return { executable: null, detail, mend };
  }
  if (!isAbsolute(executable)) return { executable: null, detail: `${executable} is not an absolute path`, mend };
  try {
    // None of our environment: it is a foreign program.
    const { stdout } = await promisify(execFile)(executable, ['--version'], { timeout: probeTimeoutMs, env: {} });
    const version = /^deno (2\.\S+)/.exec(stdout)?.[1];
    if (version !== undefined) return { executable, detail: `Deno ${version}`, mend: '' };
    return { executable: null, detail: `${executable} is no Deno 2`, mend };
  } catch (error) {
    const [reason = ''] = (error instanceof Error ? error.message : String(error)).trim().split('\n').slice(-1);
    return { executable: null, detail: `${executable} cannot be run: ${reason}`, mend };
  }
}

/** By the platform's own package, so that nothing is downloaded or unpacked when it is first run. */
function installedDeno(): string | null {
  try {
    const manifest = createRequire(import.meta.url).resolve(`@deno/linux-${process.arch}-glibc/package.json`);
    return process.platform === 'linux' ? join(dirname(manifest), 'deno') : null;
  } catch {
    return null;
  }
}
