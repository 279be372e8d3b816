import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HandlerSandbox } from '../../src/sandbox/create-sandbox.ts';
import { openSandbox, runHandler } from './running.ts';

/**
 * Each attack is the body of a function that returns something truthy when it got through. Contained means: an OSError
 * from the kernel. `syscall` raises one for a failed call, so that nothing is hidden by Python's own checks.
 */
const prelude = `
import _socket, ctypes, errno, mmap, os, platform, resource, signal, socket, struct, subprocess, sys, threading
libc = ctypes.CDLL(None, use_errno=True)
ARM = platform.machine() == "aarch64"
def checked(result):
    if result == -1:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return "got through: " + str(result)
def syscall(number, *arguments):
    return checked(libc.syscall(number, *[ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]))
def read(path):
    with open(path, "rb") as file:
        return file.read(10) or "empty, but it opened"
def stopped():
    raise PermissionError(errno.EPERM, "it did not do it")
def handle_event(context):
    try:
        return {"through": repr(attack(context))}
    except OSError as error:
        return {"contained": errno.errorcode[error.errno]}
`;

const attacks: Record<string, Record<string, string>> = {
  'the files of the machine': {
    'reading /etc/passwd': 'read("/etc/passwd")',
    'reading /etc/shadow': 'read("/etc/shadow")',
    'reading a file of the same user': 'read(context["ownFile"])',
    'listing /': 'os.listdir("/")',
    'listing the home folder': 'os.listdir("/root")',
    'listing /tmp': 'os.listdir("/tmp")',
    'reading its own environment': 'read("/proc/self/environ")',
    'reading its own memory map': 'read("/proc/self/maps")',
    'reading the fork server’s environment': 'read("/proc/%d/environ" % os.getppid())',
    'reading the worker’s environment': 'read("/proc/%d/environ" % context["worker"])',
    'reading a disk': 'read("/dev/vda")',
    'reaching the terminal': 'read("/dev/tty")',
    'writing to /tmp': 'open("/tmp/afterword-attack", "w")',
    'writing to shared memory': 'open("/dev/shm/afterword-attack", "w")',
    'writing into the standard library': 'open(os.path.dirname(os.__file__) + "/attack.py", "w")',
    'making a folder': 'os.mkdir("/tmp/afterword-attack") or True',
    'making a link': 'os.symlink("/etc/passwd", "/tmp/afterword-attack") or True',
    'deleting a file': 'os.unlink(context["ownFile"]) or True',
    'renaming a file': 'os.rename(context["ownFile"], context["ownFile"] + "2") or True',
    'changing a file’s mode': 'os.chmod(context["ownFile"], 0o777) or True',
    'changing a file’s times': 'os.utime(context["ownFile"]) or True',
    'changing a file’s owner': 'os.chown(context["ownFile"], 1, 1) or True',
    'truncating a file': 'os.truncate(context["ownFile"], 0) or True',
    'setting an attribute': 'os.setxattr(context["ownFile"], "user.x", b"1") or True',
    'changing root': 'os.chroot("/tmp") or True',
    mounting: 'checked(libc.mount(b"none", b"/tmp", b"tmpfs", 0, None))',
    'following a folder opened by path only': 'read("/proc/self/fd/%d/etc/passwd" % os.open("/", os.O_PATH))',
    'opening beneath a folder opened by path only':
      'os.open("etc/passwd", os.O_RDONLY, dir_fd=os.open("/", os.O_PATH))',
  },
  'the network': {
    'TCP to loopback': '_socket.socket().connect(("127.0.0.1", context["port"]))',
    'TCP to a metadata service': '_socket.socket().connect(("169.254.169.254", 80))',
    'an IPv6 socket': '_socket.socket(socket.AF_INET6)',
    UDP: '_socket.socket(socket.AF_INET, socket.SOCK_DGRAM)',
    'a raw socket': '_socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)',
    netlink: '_socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)',
    'packet capture': '_socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)',
    'the kernel’s crypto': '_socket.socket(38, socket.SOCK_SEQPACKET, 0)',
    'a Unix socket': '_socket.socket(socket.AF_UNIX)',
    'a pair of datagram sockets': 'socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)',
    'connecting a socket it has': 'socket.socketpair()[0].connect("/run/docker.sock") or True',
    'passing a descriptor': 'socket.send_fds(socket.socket(fileno=os.dup(3)), [b"x"], [0])',
  },
  'other processes': {
    fork: 'os.fork()',
    'fork by the system call': 'syscall(57) if not ARM else os.fork()',
    'a process by clone': 'syscall(56 if not ARM else 220, signal.SIGCHLD, 0, 0, 0, 0)',
    'a process by clone3': 'syscall(435, ctypes.create_string_buffer(88), 88)',
    'running a program': 'subprocess.run(["/bin/true"])',
    exec: 'os.execv("/bin/true", ["true"])',
    'os.system': 'os.system("true") == 0 or stopped()',
    'killing its parent': 'os.kill(os.getppid(), signal.SIGKILL) or True',
    'killing the worker': 'os.kill(context["worker"], 0) or True',
    'killing everybody': 'os.kill(-1, 0) or True',
    'killing a group': 'os.killpg(os.getpgid(os.getppid()), 0) or True',
    'signalling a sibling': 'os.kill(context["sibling"], 0) or True',
    'signalling a sibling’s thread': 'syscall(234 if not ARM else 131, context["sibling"], context["sibling"], 0)',
    'queueing a signal': 'syscall(129 if not ARM else 138, context["sibling"], 0, 0)',
    'a descriptor for its parent': 'os.pidfd_open(os.getppid())',
    'signals by file ownership': '__import__("fcntl").fcntl(3, 8, context["sibling"]) or True',
    'tracing its parent': 'checked(libc.ptrace(16, os.getppid(), 0, 0))',
    'tracing a sibling': 'checked(libc.ptrace(16, context["sibling"], 0, 0))',
    'reading a sibling’s memory': 'checked(libc.process_vm_readv(context["sibling"], None, 0, None, 0, 0))',
    'opening a sibling’s memory': 'read("/proc/%d/mem" % context["sibling"])',
    'reading a sibling’s environment': 'read("/proc/%d/environ" % context["sibling"])',
    'stealing a sibling’s descriptors': 'os.listdir("/proc/%d/fd" % context["sibling"])',
    'limiting a sibling': 'resource.prlimit(context["sibling"], resource.RLIMIT_CPU, (1, 1))',
    'moving a sibling to another core': 'os.sched_setaffinity(context["sibling"], {0}) or True',
    'slowing its parent': 'os.setpriority(os.PRIO_PROCESS, os.getppid(), 19) or True',
    'another scheduler': 'os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0)) or True',
    'a session of its own': 'os.setsid() or True',
    'a group of its own': 'os.setpgid(0, 0) or True',
    'outliving its parent': 'checked(libc.prctl(1, 0, 0, 0, 0))',
  },
  'rarely used parts of the kernel': {
    'a file in memory': 'os.memfd_create("x")',
    'a user namespace': 'checked(libc.unshare(0x10000000))',
    'a network namespace': 'checked(libc.unshare(0x40000000))',
    'a namespace by clone': 'syscall(56 if not ARM else 220, 0x10000000 | signal.SIGCHLD, 0, 0, 0, 0)',
    'joining a namespace': 'checked(libc.setns(3, 0))',
    io_uring: 'syscall(425, 8, ctypes.create_string_buffer(120))',
    bpf: 'syscall(321 if not ARM else 280, 0, ctypes.create_string_buffer(120), 120)',
    'performance counters': 'syscall(298 if not ARM else 241, ctypes.create_string_buffer(120), 0, -1, -1, 0)',
    userfaultfd: 'syscall(323 if not ARM else 282, 0)',
    'the keyring': 'syscall(250 if not ARM else 219, 0, -3, 0)',
    'shared memory segments': 'checked(libc.shmget(0, 4096, 0o1600))',
    'a message queue': 'checked(libc.msgget(0, 0o1600))',
    'watching files': 'checked(libc.inotify_init())',
    'a file handle': 'syscall(304 if not ARM else 265, -100, ctypes.create_string_buffer(64), 0)',
    'another personality': 'checked(libc.personality(0x0400000))',
    'becoming another user': 'os.setuid(1) or True',
    'becoming root again': 'os.setresuid(0, 0, 0) or True',
    'locking memory': 'checked(libc.mlockall(3))',
    'a call no table knows': 'syscall(600)',
  },
};

const raisedLimits = ['RLIMIT_AS', 'RLIMIT_CPU', 'RLIMIT_NOFILE', 'RLIMIT_FSIZE'];

const canary = 'AFTERWORD_TEST_CANARY';
let sandbox: HandlerSandbox;
beforeAll(async () => {
  process.env[canary] = 'a secret of the worker';
  sandbox = await openSandbox();
});
afterAll(async () => {
  Reflect.deleteProperty(process.env, canary);
  await sandbox.close();
});

describe.each(Object.entries(attacks))('a handler that goes for %s', (_, table) => {
  it.each(Object.entries(table))('is stopped at %s', async (_name, expression) => {
    let victimAnswered: () => void = () => undefined;
    const attacked = new Promise<void>((resolve) => (victimAnswered = resolve));
    let sibling = 0;
    const running = Promise.withResolvers<undefined>();
    const victim = runHandler(
      sandbox,
      'import os\ndef handle_event(context):\n    print(os.getpid())\n    return add_conversation_tag(context, "wait")',
      {
        onLog: (_stream, text) => {
          sibling ||= Number(text);
          running.resolve(undefined);
        },
        answer: async () => {
          await attacked;
          return { ok: true, value: 'unharmed' };
        },
      },
    );
    await running.promise;
    const context = { worker: process.pid, sibling, ownFile: import.meta.filename, port: 22 };
    const { result } = await runHandler(sandbox, `${prelude}\ndef attack(context):\n    return ${expression}`, {
      context,
    });
    expect(result).toMatchObject({
      outcome: 'succeeded',
      result: { contained: expect.stringMatching(/^E/) as string },
    });
    victimAnswered();
    expect((await victim).result).toMatchObject({ outcome: 'succeeded', result: 'unharmed' });
  });
});

describe('a handler', () => {
  it('finds no secret of the worker: not in its environment, not in its arguments', async () => {
    const code = 'import os, sys\ndef handle_event(context): return [dict(os.environ), sys.argv, sys.orig_argv]';
    const { result } = await runHandler(sandbox, code);
    expect(result.outcome).toBe('succeeded');
    expect(JSON.stringify(result)).not.toContain('a secret of the worker');
    expect(JSON.stringify(result)).not.toContain(canary);
    expect(result).toHaveProperty('result.0.TZ', 'UTC');
  });

  it('has three descriptors that lead nowhere and its connection, even beside 150 others', async () => {
    const code = `
import os
def handle_event(context):
    add_conversation_tag(context, "all here")
    open_ones = []
    for descriptor in range(4096):
        try:
            os.fstat(descriptor)
            open_ones.append(descriptor)
        except OSError: pass
    return [open_ones, os.read(0, 1).decode(), os.write(1, b"x")]`;
    const count = 150;
    let arrived = 0;
    const all = Promise.withResolvers<undefined>();
    const answer = async () => {
      if ((arrived += 1) === count) all.resolve(undefined);
      await all.promise;
      return { ok: true, value: null } as const;
    };
    const runs = await Promise.all(Array.from({ length: count }, () => runHandler(sandbox, code, { answer })));
    for (const { result } of runs) expect(result).toMatchObject({ result: [[0, 1, 2, 3], '', 1] });
  });

  it.each(raisedLimits)('cannot raise %s', async (name) => {
    const code = `
import resource
def handle_event(context):
    kind = resource.${name}
    _, hard = resource.getrlimit(kind)
    resource.setrlimit(kind, (hard, resource.RLIM_INFINITY))`;
    expect((await runHandler(sandbox, code)).result).toMatchObject({ outcome: 'failed', reason: 'raised' });
  });

  it('holds no capability and can gain none, also where the worker is root', async () => {
    const code =
      'import os\ndef handle_event(context):\n    print(os.getpid())\n    add_conversation_tag(context, "look")';
    let pid = 0;
    let status = '';
    await runHandler(sandbox, code, {
      onLog: (_, text) => (pid ||= Number(text)),
      answer: () => {
        status = readFileSync(`/proc/${pid}/status`, 'utf8');
        return { ok: true, value: null };
      },
    });
    expect(status).toMatch(/^CapPrm:\t0+$/m);
    expect(status).toMatch(/^CapEff:\t0+$/m);
    expect(status).toMatch(/^NoNewPrivs:\t1$/m);
    expect(status).toMatch(/^Seccomp:\t2$/m);
  });

  it('leaves nothing behind for the next one', async () => {
    const first =
      'import json\njson.poison = True\nimport builtins\nbuiltins.poison = True\ndef handle_event(context): return 1';
    await runHandler(sandbox, first);
    const code =
      'import json, builtins\ndef handle_event(context): return [hasattr(json, "poison"), hasattr(builtins, "poison")]';
    expect((await runHandler(sandbox, code)).result).toMatchObject({ result: [false, false] });
  });

  it('does not mix with the 49 others that run at once', async () => {
    const code = `
def handle_event(context):
    print(context["n"])
    tagged = add_conversation_tag(context, "tag %d" % context["n"])
    return [context["n"], tagged]`;
    const runs = await Promise.all(
      Array.from({ length: 50 }, (_, n) =>
        runHandler(sandbox, code, { context: { n }, answer: ({ args }) => ({ ok: true, value: args.tag ?? null }) }),
      ),
    );
    runs.forEach(({ result, stdout, calls }, n) => {
      expect(result).toMatchObject({ outcome: 'succeeded', result: [n, `tag ${n}`] });
      expect([stdout, calls]).toEqual([`${n}\n`, [{ name: 'add_conversation_tag', args: { tag: `tag ${n}` } }]]);
    });
  });
});
