"""Takes rights away from a process that will touch hostile bytes; every layer stands where the kernel offers it.

Layers, each on its own enough against most of what happens: namespaces (no network, no sight of other processes),
Landlock (no file but its own), seccomp (no sockets, no tracing, no new programs), resource limits, Python's audit hook.
Sources: namespaces(7), landlock(7), seccomp(2), prctl(2),
`include/uapi/linux/{landlock,seccomp,filter,audit}.h`. Containers often refuse namespaces and allow the others.
"""

import ctypes
import errno
import os
import platform
import resource
import signal
import struct
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_libc = ctypes.CDLL(None, use_errno=True)

CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x08000000, 0x10000000, 0x20000000, 0x40000000
PR_SET_PDEATHSIG, PR_SET_SECCOMP, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 1, 22, 36, 38
SECCOMP_MODE_FILTER = 2

LANDLOCK_CREATE, LANDLOCK_ADD_RULE, LANDLOCK_RESTRICT = 444, 445, 446  # the same on every architecture
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIRECTORY = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_ALL_BY_VERSION = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}
_FILE_RIGHTS = _EXECUTE | _WRITE_FILE | _READ_FILE | 1 << 14

_ARCHITECTURES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}
_REFUSED_CALLS: dict[str, tuple[int, int]] = {  # name: number on x86_64, on aarch64
    "socket": (41, 198),
    "connect": (42, 203),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "pidfd_getfd": (438, 438),
    "setsid": (112, 157),
    "setpgid": (109, 154),
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_by_handle_at": (304, 265),
    "bpf": (321, 280),
    "userfaultfd": (323, 282),
    "perf_event_open": (298, 241),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "io_uring_setup": (425, 425),
    "kexec_load": (246, 104),
    "init_module": (175, 105),
    "finit_module": (313, 273),
}
_EXECUTE_CALLS = {"execve": (59, 221), "execveat": (322, 281)}


def leave_namespaces() -> bool:
    """Move into own user, network, IPC and (for children) process namespaces. False where the kernel refuses.

    The next child forked is process 1 of the new process namespace: when it ends, the kernel ends all the others.
    """
    user, group = os.getuid(), os.getgid()
    if _libc.unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWPID) != 0:
        return False
    Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1", encoding="ascii")
    Path("/proc/self/gid_map").write_text(f"{group} {group} 1", encoding="ascii")
    return True


def die_with_parent(parent: int) -> None:
    """Ask for SIGKILL when the parent ends; end now if it has already."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(0)


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parent ends."""
    _libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def refuse_new_rights() -> None:
    """Make set-user-id programs powerless; Landlock and seccomp ask for it."""
    _libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def limit_resources(*, memory_bytes: int, seconds: float, output_bytes: int, processes: bool) -> None:
    """Set the limits. `memory_bytes` counts what is asked for beyond what the process has already."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    space = pages * resource.getpagesize() + memory_bytes
    limits = [
        (resource.RLIMIT_AS, space),
        (resource.RLIMIT_CPU, int(seconds) + 2),
        (resource.RLIMIT_FSIZE, output_bytes),
        (resource.RLIMIT_NOFILE, 256),
        (resource.RLIMIT_CORE, 0),
    ]
    if not processes:
        limits.append((resource.RLIMIT_NPROC, 0))
    for kind, limit in limits:
        _soft, hard = resource.getrlimit(kind)
        value = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(kind, (value, value))


def prefer_for_killing() -> None:
    """Let the kernel, short of memory, end this process before any other."""
    try:
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    except OSError as error:
        if error.errno not in {errno.EACCES, errno.EPERM, errno.ENOENT, errno.EROFS}:
            raise


def landlock_version() -> int:
    """Ask the kernel which Landlock it has; 0 for none."""
    return max(0, _libc.syscall(LANDLOCK_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint32(1)))


def close_files(
    *, readable: Sequence[str], writable: Sequence[str], executable: Sequence[str], descriptors: Sequence[int]
) -> bool:
    """Close the file system but for these paths and open files, and TCP with it. False where there is no Landlock."""
    version = landlock_version()
    if version == 0:
        return False
    rights = _ALL_BY_VERSION[max(known for known in _ALL_BY_VERSION if known <= version)]
    tcp, signals_and_sockets = 0b11 if version >= 4 else 0, 0b11 if version >= 6 else 0
    fields = (rights, tcp, signals_and_sockets)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    ruleset = _libc.syscall(LANDLOCK_CREATE, struct.pack("=QQQ", *fields), ctypes.c_size_t(size), ctypes.c_uint32(0))
    if ruleset < 0:
        return False
    read = _READ_FILE | _READ_DIRECTORY
    for paths, granted in ((readable, read), (writable, rights & ~_EXECUTE), (executable, read | _EXECUTE)):
        for path in paths:
            _allow_path(ruleset, path, granted & rights)
    for descriptor in descriptors:
        _allow(ruleset, descriptor, _READ_FILE)
    restricted = _libc.syscall(LANDLOCK_RESTRICT, ruleset, ctypes.c_uint32(0)) == 0
    os.close(ruleset)
    return restricted


def _allow_path(ruleset: int, path: str, rights: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # what is not there needs no permission
    try:
        _allow(ruleset, descriptor, rights if Path(path).is_dir() else rights & _FILE_RIGHTS)
    finally:
        os.close(descriptor)


def _allow(ruleset: int, descriptor: int, rights: int) -> None:
    rule = struct.pack("=Qi", rights, descriptor)
    _libc.syscall(LANDLOCK_ADD_RULE, ruleset, ctypes.c_int(1), rule, ctypes.c_uint32(0))


def filter_system_calls(*, execution: bool) -> bool:
    """Refuse (EPERM) sockets, tracing, namespaces, leaving the session and, unless `execution`, new programs.

    False on processors whose numbers are not written here, and where the kernel has no filters.
    """
    if (known := _ARCHITECTURES.get(platform.machine())) is None:
        return False
    architecture, column = known
    refused = [numbers[column] for numbers in _REFUSED_CALLS.values()]
    if not execution:
        refused += [numbers[column] for numbers in _EXECUTE_CALLS.values()]
    program = _assemble(architecture, sorted(refused))
    code = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("@HP", len(program) // 8, ctypes.addressof(code))
    return _libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.c_char_p(header), 0, 0) == 0


def _assemble(architecture: int, refused: Sequence[int]) -> bytes:
    """Write the classic BPF program: wrong architecture dies, refused numbers get EPERM, the rest goes on."""
    load, equal, greater_equal, answer = 0x20, 0x15, 0x35, 0x06
    kill, permit, refuse = 0x80000000, 0x7FFF0000, 0x00050000 | errno.EPERM
    count = len(refused)
    lines = [
        (load, 0, 0, 4),
        (equal, 1, 0, architecture),
        (answer, 0, 0, kill),
        (load, 0, 0, 0),
        (greater_equal, count + 1, 0, 0x40000000),  # the x32 numbers would go round the list
    ]
    lines += [(equal, count - position, 0, number) for position, number in enumerate(refused)]
    lines += [(answer, 0, 0, permit), (answer, 0, 0, refuse)]
    return b"".join(struct.pack("=HBBI", *line) for line in lines)


class AuditHook:
    """Python's own tripwire: refuses connections and programs. It can be armed, never disarmed."""

    def __init__(self) -> None:
        """Not armed yet: the process that forks still has to work."""
        self._armed = False
        self._executables: frozenset[str] = frozenset()
        sys.addaudithook(self._refuse)

    def arm(self, executables: Sequence[str]) -> None:
        """From now on nothing is called and only these programs are started."""
        self._executables = frozenset(executables)
        self._armed = True

    def _refuse(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self._armed:
            return
        if event.startswith(("socket.connect", "socket.bind", "socket.send", "socket.get", "os.spawn", "os.system")):
            message = "refused here"
            raise PermissionError(message)
        if event in {"subprocess.Popen", "os.exec", "os.posix_spawn"} and arguments[0] not in self._executables:
            message = "refused here"
            raise PermissionError(message)
