"""Numbers of the system calls that a candidate is refused, for x86-64 and for aarch64; None: not there."""

from __future__ import annotations

from typing import NamedTuple


class Number(NamedTuple):
    """Of one system call."""

    x86_64: int | None
    aarch64: int | None


REFUSED = {
    # other processes
    "ptrace": Number(101, 117), "process_vm_readv": Number(310, 270), "process_vm_writev": Number(311, 271),
    "process_madvise": Number(440, 440), "process_mrelease": Number(448, 448), "pidfd_getfd": Number(438, 438),
    "kcmp": Number(312, 272), "migrate_pages": Number(256, 238), "move_pages": Number(279, 239),
    # what outlives a process, or counts for none
    "add_key": Number(248, 217), "request_key": Number(249, 218), "keyctl": Number(250, 219),
    "shmget": Number(29, 194), "shmat": Number(30, 196), "shmctl": Number(31, 195), "shmdt": Number(67, 197),
    "semget": Number(64, 190), "semop": Number(65, 193), "semctl": Number(66, 191), "semtimedop": Number(220, 192),
    "msgget": Number(68, 186), "msgsnd": Number(69, 189), "msgrcv": Number(70, 188), "msgctl": Number(71, 187),
    "mq_open": Number(240, 180), "mq_unlink": Number(241, 181), "mq_timedsend": Number(242, 182),
    "mq_timedreceive": Number(243, 183), "mq_notify": Number(244, 184), "mq_getsetattr": Number(245, 185),
    "memfd_create": Number(319, 279), "memfd_secret": Number(447, 447),
    # doors into the operating system that honest code does not use, and from which most escapes came
    "io_uring_setup": Number(425, 425), "io_uring_enter": Number(426, 426), "io_uring_register": Number(427, 427),
    "bpf": Number(321, 280), "userfaultfd": Number(323, 282), "perf_event_open": Number(298, 241),
    "kexec_load": Number(246, 104), "kexec_file_load": Number(320, 294), "init_module": Number(175, 105),
    "finit_module": Number(313, 273), "delete_module": Number(176, 106), "swapon": Number(167, 224),
    "swapoff": Number(168, 225), "reboot": Number(169, 142), "quotactl": Number(179, 60),
    "quotactl_fd": Number(443, 443), "nfsservctl": Number(180, 42), "personality": Number(135, 92),
    "syslog": Number(103, 116), "fanotify_init": Number(300, 262), "open_by_handle_at": Number(304, 265),
    # what others do with their files
    "inotify_init": Number(253, None), "inotify_init1": Number(294, 26), "inotify_add_watch": Number(254, 27),
    # attributes of files that nothing puts back: the next candidate would read a note in them
    "setxattr": Number(188, 5), "lsetxattr": Number(189, 6), "fsetxattr": Number(190, 7),
    "removexattr": Number(197, 14), "lremovexattr": Number(198, 15), "fremovexattr": Number(199, 16),
    "setxattrat": Number(463, 463), "removexattrat": Number(466, 466), "file_setattr": Number(469, 469),
    # mounts and namespaces
    "mount": Number(165, 40), "umount2": Number(166, 39), "pivot_root": Number(155, 41), "chroot": Number(161, 51),
    "open_tree": Number(428, 428), "move_mount": Number(429, 429), "fsopen": Number(430, 430),
    "fsconfig": Number(431, 431), "fsmount": Number(432, 432), "fspick": Number(433, 433),
    "mount_setattr": Number(442, 442), "statmount": Number(457, 457), "listmount": Number(458, 458),
    "open_tree_attr": Number(467, 467), "unshare": Number(272, 97), "setns": Number(308, 268),
}  # fmt: skip

# Landlock does not see them: they would change files that may not even be read.
METADATA = {
    "chmod": Number(90, None), "fchmodat": Number(268, 53), "fchmodat2": Number(452, 452), "chown": Number(92, None),
    "lchown": Number(94, None), "fchownat": Number(260, 54), "fchmod": Number(91, 52), "fchown": Number(93, 55),
    "utime": Number(132, None), "utimes": Number(235, None), "futimesat": Number(261, None),
    "utimensat": Number(280, 88),
}  # fmt: skip

# Of a pair of sockets that is one's own, nothing is left that leads elsewhere; what is sent by them cannot hold files.
SOCKETS = {
    "socket": Number(41, 198), "connect": Number(42, 203), "bind": Number(49, 200), "listen": Number(50, 201),
    "accept": Number(43, 202), "accept4": Number(288, 242), "sendmsg": Number(46, 211), "sendmmsg": Number(307, 269),
}  # fmt: skip

SOCKETPAIR = Number(53, 199)  # (family, type, protocol, files)
# It takes the whole disk before anybody can look; the C library writes zeros instead.
FALLOCATE = Number(285, 47)
CLOSE_RANGE = Number(436, 436)  # (first, last, flags)
# Calls with many commands: the argument that names one, and the commands that are refused. Leases and notices of
# folders make others wait for the candidate; hints, flags and versions of files are notes that nothing puts back.
COMMANDS = {
    "fcntl": (Number(72, 25), 1, (1024, 1026, 1036, 1038)),  # F_SETLEASE, F_NOTIFY, F_SET_RW_HINT, F_SET_FILE_RW_HINT
    # FS_IOC_SETFLAGS, FS_IOC32_SETFLAGS, FS_IOC_SETVERSION, FS_IOC32_SETVERSION, EXT4_IOC_SETVERSION, FS_IOC_FSSETXATTR
    "ioctl": (Number(16, 29), 1, (0x40086602, 0x40046602, 0x40087602, 0x40047602, 0x40086604, 0x401C5820)),
}
CLONE, CLONE3 = Number(56, 220), Number(435, 435)  # clone(flags, …)
# Of other processes, the parent among them; the argument that names a process, which must be 0: the caller itself.
OF_ITSELF = {
    "prlimit64": (Number(302, 261), 0), "sched_setaffinity": (Number(203, 122), 0),
    "sched_setparam": (Number(142, 118), 0), "sched_setscheduler": (Number(144, 119), 0),
    "sched_setattr": (Number(314, 274), 0),
    "setpriority": (Number(141, 140), 1), "ioprio_set": (Number(251, 30), 1),
}  # fmt: skip
