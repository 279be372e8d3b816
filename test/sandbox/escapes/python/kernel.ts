import type { Attacks } from '../attacks.ts';

const x64 = process.arch === 'x64';

export const kernel: Attacks = {
  'a user namespace': ['checked(libc.unshare(0x10000000))', 'depends on the kernel'],
  'a network namespace': ['checked(libc.unshare(0x40000000))', 'needs privileges'],
  'joining a namespace': ['checked(libc.setns(3, 0))', 'needs privileges'],
  'becoming another user': ['os.setuid(1) or True', 'needs privileges'],
  'becoming the same user again': 'os.setresuid(os.getuid(), os.getuid(), os.getuid()) or True',
  'other groups': ['os.setgroups([0]) or True', 'needs privileges'],
  'its capabilities': 'syscall(125, 90, buffer(8, 0x20080522), buffer(24))',
  'another personality': 'checked(libc.personality(-1))',
  io_uring: ['syscall(425, 425, 8, buffer(120))', 'depends on the kernel'],
  'io_uring on a descriptor it has': ['syscall(426, 426, 3, 1, 0, 0, None, 0)', 'fails anywhere'],
  bpf: ['syscall(321, 280, 0, buffer(120), 120)', 'needs privileges'],
  'performance counters': ['syscall(298, 241, buffer(120, 120 << 32 | 1), 0, -1, -1, 0)', 'depends on the kernel'],
  userfaultfd: ['syscall(323, 282, 0)', 'depends on the kernel'],
  'the keyring': ['syscall(250, 219, 0, -3, 0)', 'depends on the kernel'],
  'a key': ['syscall(248, 217, b"user", b"x", b"x", 1, -3)', 'depends on the kernel'],
  'shared memory segments': 'checked(libc.shmctl(libc.shmget(0, 4096, 0o1600), 0, None))',
  'a message queue': 'checked(libc.msgctl(libc.msgget(0, 0o1600), 0, None))',
  'a semaphore': 'checked(libc.semctl(libc.semget(0, 1, 0o1600), 0, 0))',
  'a queue by name': ['syscall(240, 180, b"afterword", 0o102, 0o600, None)', 'depends on the kernel'],
  'memory nobody else can see': ['syscall(447, 447, 0)', 'depends on the kernel'],
  'what is in the page cache': ['syscall(451, 451, 3, buffer(16), buffer(40), 0)', 'depends on the kernel'],
  'watching all files': ['syscall(300, 262, 0, 0)', 'needs privileges'],
  'the kernel’s messages': ['syscall(103, 116, 10, None, 0)', 'needs privileges'],
  'the machine’s clock': 'syscall(159, 171, buffer(208))',
  'the machine’s name': ['syscall(170, 161, b"x", 1)', 'would do harm'],
  'a module': ['syscall(175, 105, None, 0, b"")', 'needs privileges'],
  'another kernel': ['syscall(246, 104, 0, 0, None, 0)', 'would do harm'],
  swap: ['syscall(167, 224, b"/x", 0)', 'needs privileges'],
  'a timer for signals': 'syscall(222, 107, 0, None, buffer(8))',
  'a timer to read from': 'syscall(283, 85, 1, 0)',
  'signals to read': 'syscall(289, 74, -1, buffer(8), 8, 0)',
  'locking memory': 'checked(libc.mlock(ctypes.c_void_p(memory()), 4096))',
  'merging its memory with that of others': [
    'checked(libc.madvise(ctypes.c_void_p(memory()), 4096, 12))',
    'depends on the kernel',
  ],
  'putting memory out': 'checked(libc.madvise(ctypes.c_void_p(memory()), 4096, 21))',
  'memory by node': ['syscall(239, 236, None, None, 0, 0, 0)', 'depends on the kernel'],
  'pages in another order': ['syscall(216, 234, memory(8192), 4096, 0, 0, 0)', 'depends on the kernel'],
  'locks that inherit priorities': 'syscall(202, 98, memory(), 6 | 128, 0, None) == "got through: 0"',
  'a control of a terminal': ['fcntl.ioctl(0, 0x5412, b"x")', 'fails anywhere'],
  'a control of the random numbers': [
    'fcntl.ioctl(os.open("/dev/urandom", os.O_RDONLY), 0x80045200, b"1234")',
    'would do harm',
  ],
  'a call no table knows': ['syscall(600, 600)', 'fails anywhere'],
  ...(x64
    ? {
        'the segments of its memory': [
          'syscall(154, 154, 0, buffer(64), 64) == "got through: 0"',
          'depends on the kernel',
        ],
        'a register of its processor': 'syscall(158, 158, 0x1003, buffer(8)) == "got through: 0"',
        'the ports of the machine': ['syscall(172, 172, 3)', 'needs privileges'],
      }
    : {}),
};

/** The kernel ends the process that tries one of these. */
export const deadly: Attacks = x64
  ? {
      'a system call of 32 bits': ['machine_code(b"\\xb8\\x14\\0\\0\\0\\xcd\\x80\\xc3")', 'depends on the kernel'],
      'a system call of x32': ['syscall(0x40000000 | 39, 0)', 'depends on the kernel'],
    }
  : {};

export const resources: Attacks = {
  'a hundred descriptors': '[os.dup(0) for _ in range(100)]',
  'a hundred pipes': '[os.pipe() for _ in range(50)]',
  'memory of 4 GiB': 'mmap.mmap(-1, 4 << 30, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000)',
  'shared memory of 4 GiB': 'mmap.mmap(-1, 4 << 30, flags=mmap.MAP_SHARED | mmap.MAP_ANONYMOUS | 0x4000)',
  'a stack of 4 GiB': 'mmap.mmap(-1, 4 << 30, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000 | 0x100)',
};
