"""A candidate that leaves all that it can for the next one, and a candidate that looks for it."""

from __future__ import annotations

WORD = "a-note-for-the-next"
CHECK = "assert f(1) == 1 and big.sum() == 0"  # the examiner has what the notebook sent

# Each leaves the word, or a sign, where it can; what refuses is passed over.
LEAVE = f"""
import ctypes, fcntl, mmap, os, socket, subprocess, sys, time
libc = ctypes.CDLL(None, use_errno=True)

def leave(work):
    try: work()
    except (OSError, ValueError, ImportError): pass

def write(path):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'w') as file: file.write({WORD!r})

for folder in ('.', '..', '../tmp', '../shm', '../matplotlib', '../waste', '/tmp', '/dev/shm', '/var/tmp', '../1'):
    leave(lambda: write(f'{{folder}}/{WORD}/file'))
    leave(lambda: write(f'{{folder}}/{WORD}.txt'))
for folder in ('/tmp', '/dev/shm', '..', '../tmp', '../shm', '../matplotlib', os.environ['MPLCONFIGDIR'], '.'):
    if os.stat(folder).st_mode & 0o1000: continue  # the machine's own
    leave(lambda: os.setxattr(folder, 'user.note', b'x'))
    leave(lambda: os.chmod(folder, 0o751))
    leave(lambda: os.utime(folder, (7919, 7919)))
for device in ('/dev/null', '/dev/zero', '/dev/full', '/dev/random', '/dev/urandom', '/dev/tty'):
    leave(lambda: os.utime(device, (7919, 7919)))
leave(lambda: os.mkfifo('/tmp/{WORD}-pipe'))
libc.shmget(4711, 4096, 0o1666)
libc.semget(4712, 1, 0o1666)
libc.msgget(4713, 0o1666)
libc.syscall(248, b'user', b'{WORD}', b'x', 1, -4)
libc.syscall(240, b'{WORD}', os.O_CREAT | os.O_RDWR, 0o600, None)
kept = socket.socketpair()
leave(lambda: socket.socket(socket.AF_UNIX).bind('\\0{WORD}'))
for number in range(3, 64):
    leave(lambda: os.lseek(number, 4711, 0))
    leave(lambda: os.pwrite(number, b'\\x01' * 64, 8192))
for number in range(64):
    leave(lambda: fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB))
    leave(lambda: fcntl.fcntl(number, fcntl.F_SETFL, fcntl.fcntl(number, fcntl.F_GETFL) ^ os.O_APPEND))
sys.note = os.environ['NOTE'] = {WORD!r}
os.umask(0o077)
big[:] = 1
if not os.fork():
    os.setsid()
    if not os.fork():
        subprocess.Popen(['sleep', '600'], env={{'NOTE': {WORD!r}}})
        time.sleep(600)
    os._exit(0)
def f(x): return x
"""

LOOK = f"""
import ctypes, fcntl, glob, os, sys
libc = ctypes.CDLL(None, use_errno=True)
found = []

def look(name, work):
    try:
        if work(): found.append(name)
    except (OSError, ValueError): pass

for folder in ('.', '..', '../tmp', '../shm', '../matplotlib', '../waste', '/tmp', '/dev/shm', '/var/tmp', '../1'):
    look(folder, lambda: os.path.lexists(f'{{folder}}/{WORD}'))
    look(folder, lambda: os.path.lexists(f'{{folder}}/{WORD}.txt'))
    look(folder, lambda: [name for name in os.listdir(folder) if {WORD!r} in name])
for folder in ('/tmp', '/dev/shm', '..', '../tmp', '../shm', '../matplotlib', os.environ['MPLCONFIGDIR'], '.'):
    look(f'attributes of {{folder}}', lambda: 'user.note' in os.listxattr(folder))
    look(f'mode of {{folder}}', lambda: os.stat(folder).st_mode & 0o777 == 0o751)
    look(f'times of {{folder}}', lambda: 7919 in (os.stat(folder).st_mtime, os.stat(folder).st_atime))
for device in ('/dev/null', '/dev/zero', '/dev/full', '/dev/random', '/dev/urandom', '/dev/tty'):
    look(f'times of {{device}}', lambda: 7919 in (os.stat(device).st_mtime, os.stat(device).st_atime))
look('shared memory', lambda: libc.shmget(4711, 0, 0) >= 0)
look('semaphores', lambda: libc.semget(4712, 0, 0) >= 0)
look('messages', lambda: libc.msgget(4713, 0) >= 0)
look('a key', lambda: libc.syscall(250, 10, -4, b'user', b'{WORD}', 0) >= 0)
look('a queue', lambda: libc.syscall(240, b'{WORD}', os.O_RDWR, 0, None) >= 0)
for number in range(3, 64):
    look(f'offset of {{number}}', lambda: os.lseek(number, 0, 1) == 4711)
for number in range(64):
    look(f'flags of {{number}}', lambda: fcntl.fcntl(number, fcntl.F_GETFL) & os.O_APPEND)
def locked():
    files = [os.open('/dev/null', os.O_RDWR), *range(3, 64)]
    for file in files:
        try: fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB); fcntl.flock(file, fcntl.LOCK_UN)
        except BlockingIOError: return True
        except OSError: pass
look('a lock', locked)
look('a name', lambda: hasattr(sys, 'note') or 'NOTE' in os.environ)
look('a mask', lambda: os.umask(0o022) == 0o077)
look('the array', lambda: big.sum())
for path in glob.glob('/proc/[0-9]*/environ'):
    look('a process', lambda: b'{WORD}' in open(path, 'rb').read())
print('found', sorted(set(found)))
def f(x): return x
"""
