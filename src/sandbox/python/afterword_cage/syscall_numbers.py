"""Numbers of the system calls a handler may make: (x86_64, aarch64), None where an architecture has no such call.

What is not here is refused, so a call the kernel grows tomorrow is refused too. Left out on purpose: everything that
starts a program or a process, opens a network socket, changes a file, looks into another process, or reaches a
rarely used part of the kernel (io_uring, bpf, keyctl, userfaultfd, memfd, namespaces, System V IPC).
A test compares the numbers with libseccomp's own tables.
"""

from __future__ import annotations

Numbers = dict[str, tuple[int, 'int | None']]

FILES: Numbers = {
    'read': (0, 63),
    'write': (1, 64),
    'readv': (19, 65),
    'writev': (20, 66),
    'pread64': (17, 67),
    'pwrite64': (18, 68),
    'close': (3, 57),
    'close_range': (436, 436),
    'lseek': (8, 62),
    'dup': (32, 23),
    'dup2': (33, None),
    'dup3': (292, 24),
    'fcntl': (72, 25),
    'ioctl': (16, 29),
    'fstat': (5, 80),
    'newfstatat': (262, 79),
    'stat': (4, None),
    'lstat': (6, None),
    'statx': (332, 291),
    'access': (21, None),
    'faccessat': (269, 48),
    'faccessat2': (439, 439),
    'open': (2, None),
    'openat': (257, 56),
    'getdents64': (217, 61),
    'readlink': (89, None),
    'readlinkat': (267, 78),
    'getcwd': (79, 17),
    'fadvise64': (221, 223),
    'umask': (95, 166),
}

WAITING: Numbers = {
    'poll': (7, None),
    'ppoll': (271, 73),
    'select': (23, None),
    'pselect6': (270, 72),
    'epoll_create': (213, None),
    'epoll_create1': (291, 20),
    'epoll_ctl': (233, 21),
    'epoll_wait': (232, None),
    'epoll_pwait': (281, 22),
    'epoll_pwait2': (441, 441),
    'eventfd2': (290, 19),
    'pipe': (22, None),
    'pipe2': (293, 59),
    'socketpair': (53, 199),
    'sendto': (44, 206),
    'recvfrom': (45, 207),
    'shutdown': (48, 210),
    'getsockopt': (55, 209),
    'getsockname': (51, 204),
    'getpeername': (52, 205),
}

MEMORY_AND_THREADS: Numbers = {
    'mmap': (9, 222),
    'munmap': (11, 215),
    'mremap': (25, 216),
    'mprotect': (10, 226),
    'brk': (12, 214),
    'madvise': (28, 233),
    'membarrier': (324, 283),
    'futex': (202, 98),
    'set_robust_list': (273, 99),
    'rseq': (334, 293),
    'set_tid_address': (218, 96),
    'clone': (56, 220),
    'exit': (60, 93),
    'exit_group': (231, 94),
    'sched_yield': (24, 124),
    'sched_getaffinity': (204, 123),
    'sched_setaffinity': (203, 122),
    'prctl': (157, 167),
}

IDENTITY: Numbers = {
    'gettid': (186, 178),
    'getpid': (39, 172),
    'getppid': (110, 173),
    'getuid': (102, 174),
    'geteuid': (107, 175),
    'getgid': (104, 176),
    'getegid': (108, 177),
    'getresuid': (118, 148),
    'getresgid': (120, 150),
    'getgroups': (115, 158),
    'getpgid': (121, 155),
    'getpgrp': (111, None),
    'getsid': (124, 156),
    'uname': (63, 160),
    'sysinfo': (99, 179),
    'getcpu': (309, 168),
    'getrandom': (318, 278),
    'getrusage': (98, 165),
    'prlimit64': (302, 261),
    'getrlimit': (97, 163),
    'setrlimit': (160, 164),
}

SIGNALS_AND_TIME: Numbers = {
    'rt_sigaction': (13, 134),
    'rt_sigprocmask': (14, 135),
    'rt_sigreturn': (15, 139),
    'rt_sigpending': (127, 136),
    'rt_sigtimedwait': (128, 137),
    'rt_sigsuspend': (130, 133),
    'sigaltstack': (131, 132),
    'pause': (34, None),
    'tgkill': (234, 131),
    'kill': (62, 129),
    'restart_syscall': (219, 128),
    'alarm': (37, None),
    'setitimer': (38, 103),
    'getitimer': (36, 102),
    'clock_gettime': (228, 113),
    'clock_getres': (229, 114),
    'clock_nanosleep': (230, 115),
    'nanosleep': (35, 101),
    'gettimeofday': (96, 169),
    'time': (201, None),
    'times': (100, 153),
}

PERMITTED: Numbers = {**FILES, **WAITING, **MEMORY_AND_THREADS, **IDENTITY, **SIGNALS_AND_TIME}

#: What a handler does without where no Landlock says which files; and what would tell it, by /proc, which others hold.
OPENING_FILES = ('open', 'openat', 'readlink', 'readlinkat')

#: Deno is another program, and V8 and tokio ask for more than CPython. What it may execute Landlock says.
PERMITTED_TO_DENO: Numbers = {
    **PERMITTED,
    'execve': (59, 221),
    'arch_prctl': (158, None),
}

#: From here on numbers are the same on all architectures. Programs expect newer calls to be missing and fall back.
FIRST_UNIFORM_NUMBER = 424

ARCHITECTURES = {'x86_64': 0, 'aarch64': 1}


def numbers_for(machine: str, permitted: Numbers = PERMITTED) -> dict[str, int]:
    """The permitted calls of one architecture; KeyError for an architecture without a table."""
    column = ARCHITECTURES[machine]
    return {name: both[column] for name, both in permitted.items() if both[column] is not None}
