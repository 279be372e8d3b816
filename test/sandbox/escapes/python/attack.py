"""What attacks in Python have at hand, in the cage and outside of it. Each is an expression that is truthy when it got through.

`syscall` raises for a call that failed, so that nothing is hidden by Python's own checks.
"""

import _socket
import ctypes
import errno
import fcntl
import mmap
import os
import platform
import resource
import signal
import socket
import stat
import struct
import subprocess
import sys
import threading

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = libc.ptrace.restype = ctypes.c_long
ARM = platform.machine() == 'aarch64'
#: What a process that became another program ends with.
BECAME_ANOTHER = 77
_kept = []


def checked(result):
    if result == -1:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return 'got through: %d' % result


def syscall(x86_64, aarch64, *arguments):
    number = aarch64 if ARM else x86_64
    return checked(libc.syscall(number, *[ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]))


def stopped():
    raise PermissionError(errno.EPERM, 'it did not do it')


def read(path):
    with open(path, 'rb') as file:
        return file.read(10) or 'empty, but it opened'


def made(path):
    open(path, 'x').close()
    os.unlink(path)
    return True


def child_of(start):
    """Both processes come back from `start`; the new one ends."""
    own = os.getpid()
    pid = start()
    if os.getpid() != own:
        os._exit(0)
    return pid


def pair(kind=socket.SOCK_STREAM):
    return _socket.socketpair(socket.AF_UNIX, kind)


def buffer(size, *numbers):
    """64-bit numbers, filled up with zeros."""
    filled = ctypes.create_string_buffer(size)
    struct.pack_into('%dq' % len(numbers), filled, 0, *numbers)
    return filled


def memory(size=4096):
    _kept.append(mmap.mmap(-1, size))
    return ctypes.addressof(ctypes.c_char.from_buffer(_kept[-1]))


def machine_code(*parts):
    """x86-64 only."""
    page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(b''.join(parts))
    _kept.append(page)
    result = ctypes.CFUNCTYPE(ctypes.c_long)(ctypes.addressof(ctypes.c_char.from_buffer(page)))()
    if result < 0:
        raise OSError(-result, os.strerror(-result))
    return 'got through: %d' % result


def clone(flags):
    """By machine code: what is made has a stack of its own and ends at once. x86-64 only."""
    return machine_code(
        b'\xb8\x38\x00\x00\x00',  # mov eax, clone
        b'\x48\xbf' + struct.pack('q', flags),  # mov rdi, flags
        b'\x48\xbe' + struct.pack('q', memory(65536) + 65000 & ~15),  # mov rsi, stack
        b'\x31\xd2\x45\x31\xd2\x45\x31\xc0\x0f\x05',  # xor edx, edx; xor r10d, r10d; xor r8d, r8d; syscall
        b'\x85\xc0\x75\x09',  # test eax, eax; jnz to the end
        b'\xb8\x3c\x00\x00\x00\x31\xff\x0f\x05',  # exit(0)
        b'\xc3',
    )


def outcome_of(attack, context):
    try:
        got = attack(context)
        return {'through': repr(got)} if got else {'contained': 'it got nothing'}
    except OSError as error:
        return {'contained': errno.errorcode[error.errno]}
