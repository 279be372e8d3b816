import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { packageRoot } from '../config/package-root.ts';

/** Python files are run from the sources: they are not compiled. */
export const pythonMain = join(packageRoot, 'src/sandbox/python/main.py');

/** No bytecode files, no user site-packages, UTF-8 whatever the locale. */
export const pythonFlags = ['-s', '-B', '-X', 'utf8'] as const;

export interface SandboxCapability {
  readonly level: 'full' | 'no_landlock' | 'refused';
  /** Version of the interpreter; null when it could not be run. */
  readonly python: string | null;
  /** One line for the log and for health. */
  readonly detail: string;
  /** What the operator can do about it; empty when nothing is missing. */
  readonly mend: string;
  /** The interpreter itself where `pythonPath` was a name or a shim; empty when it could not be run. */
  readonly executable: string;
  /** Layers of the cage that work here. */
  readonly layers: readonly ('landlock' | 'seccomp')[];
}

const Complaint = z.string().nullable();
const ProbeAnswer = z.discriminatedUnion('supported', [
  z.object({ supported: z.literal(false), version: z.string(), executable: z.string() }),
  z.object({
    supported: z.literal(true),
    version: z.string(),
    executable: z.string(),
    landlock: Complaint,
    seccomp: Complaint,
    cage: Complaint,
  }),
]);
type ProbeAnswer = z.infer<typeof ProbeAnswer>;

const probeTimeoutMs = 20_000;
const installPython = 'Install CPython 3.10 or newer and name it in AFTERWORD_PYTHON.';
const useLinux =
  'Run it on Linux 5.13 or newer with Landlock switched on (lsm=landlock,… on the kernel command line), ' +
  'where no container runtime blocks Landlock and seccomp. Only if you trust every author of handlers with all the ' +
  'worker has: AFTERWORD_UNSAFE_UNCAGED_PYTHON=true.';

/** Finds out by real system calls, in a subprocess, how well handlers can be locked up here. Never rejects. */
export async function probeSandbox(pythonPath: string): Promise<SandboxCapability> {
  const nothing = { python: null, executable: '', layers: [] } as const;
  if (process.platform !== 'linux') {
    const detail = `the cage for Python handlers needs Linux, this is ${process.platform}`;
    return { level: 'refused', detail, mend: 'Run the worker on Linux or in a Linux container.', ...nothing };
  }
  try {
    // With our own environment: the name may be a shim that needs it. None of the user's code runs here.
    const { stdout } = await promisify(execFile)(pythonPath, [...pythonFlags, pythonMain, 'probe'], {
      timeout: probeTimeoutMs,
    });
    return judge(ProbeAnswer.parse(JSON.parse(stdout)));
  } catch (error) {
    const [reason] = (error instanceof Error ? error.message : String(error)).trim().split('\n').slice(-1);
    return {
      level: 'refused',
      detail: `${pythonPath} cannot be run: ${reason ?? ''}`,
      mend: installPython,
      ...nothing,
    };
  }
}

function judge(answer: ProbeAnswer): SandboxCapability {
  const { version: python, executable } = answer;
  if (!answer.supported) {
    const detail = `${executable} is Python ${python}, and handlers need CPython 3.10 or newer`;
    return { level: 'refused', python, executable: '', layers: [], detail, mend: installPython };
  }
  const { landlock, seccomp, cage } = answer;
  const layers = [
    ...(landlock === null ? ['landlock' as const] : []),
    ...(seccomp === null ? ['seccomp' as const] : []),
  ];
  const found = { python, executable, layers };
  if (cage !== null) return { level: 'refused', ...found, executable: '', detail: `no cage: ${cage}`, mend: useLinux };
  if (landlock === null && seccomp === null) {
    return { level: 'full', ...found, detail: `Python ${python} in Landlock and seccomp`, mend: '' };
  }
  const missing = [
    ...(landlock === null ? [] : [`Landlock is missing (${landlock})`]),
    ...(seccomp === null ? [] : [`seccomp is missing (${seccomp})`]),
  ].join(', ');
  return { level: seccomp === null ? 'no_landlock' : 'refused', ...found, detail: missing, mend: useLinux };
}
