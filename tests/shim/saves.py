# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Saves as scripts make them: saves.py SCENARIO DIRECTORY [LIMIT].  After LIMIT operations it ends as a kill ends it."""

import os
import sys

LIMIT = int(sys.argv[3]) if len(sys.argv) > 3 else -1
done = 0


def op(call, *arguments):
    """An operation, however it is made."""
    global done
    if done == LIMIT:
        os._exit(0)
    result = call(*arguments)
    done += 1
    return result


def skip(reason):
    print(reason)
    sys.exit(77)


def plain():
    op(os.mkdir, "a")
    op(os.mkdir, "a/b")
    file = op(open, "a/b/x.tmp", "w")
    file.write("contents")
    op(file.flush)
    op(os.fsync, file.fileno())
    file.close()
    op(os.replace, "a/b/x.tmp", "a/b/x")
    directory = os.open("a/b", os.O_RDONLY)
    op(os.fsync, directory)
    os.close(directory)
    file = op(open, "y", "wb")
    op(file.write, bytes(100000))
    file.write(b"buffered")
    op(file.flush)
    file.write(b"left")
    op(file.close)
    with open("a/b/x", "rb") as read:
        read.read()
    descriptor = op(os.open, "z", os.O_CREAT | os.O_WRONLY)
    op(os.write, descriptor, b"z")
    os.close(descriptor)
    op(os.rename, "a/b/x", "w")
    op(os.remove, "z")
    op(os.rmdir, "a/b")
    op(os.rmdir, "a")


def sqlite():
    import sqlite3
    connection = sqlite3.connect("x.db")
    for number in range(3):
        connection.execute("CREATE TABLE IF NOT EXISTS t (n)")
        connection.execute("INSERT INTO t VALUES (?)", (number,))
        connection.commit()


def sqlite_check():
    import sqlite3
    connection = sqlite3.connect("x.db")
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    has_table = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    print(connection.execute("SELECT count(*) FROM t").fetchone()[0] if has_table else 0)


def torch():
    try:
        import torch
    except ImportError:
        skip("needs PyTorch, which ./bootstrap torch installs")
    torch.save({"weights": torch.arange(1000, dtype=torch.float32), "step": 7}, "model.pt")


def safetensors():
    try:
        import numpy
        from safetensors.numpy import save_file
    except ImportError:
        skip("needs safetensors, which ./bootstrap torch installs")
    save_file({"weights": numpy.arange(1000, dtype=numpy.float32)}, "model.safetensors")


def numpy():
    try:
        import numpy
    except ImportError:
        skip("needs NumPy")
    numpy.save("array.npy", numpy.arange(100000, dtype=numpy.float64))


os.chdir(sys.argv[2])
globals()[sys.argv[1].replace("-", "_")]()
