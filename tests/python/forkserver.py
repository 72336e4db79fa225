# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Processes that begin with a framework imported, which takes a hundred times as long as their training.

start() forks the test, before it has done anything else, into a server that forks again for each mode of a harness. The
harness starts a small client, which hands over its arguments, environment and output, and ends as the training did."""

import atexit
import json
import os
import shutil
import signal
import socket
import sys
import tempfile
import traceback

CLIENT = """
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as client:
    client.connect(sys.argv[1])
    request = json.dumps([sys.argv[2:], dict(os.environ), os.getcwd()]) + "\\n"
    socket.send_fds(client, [b"."], [1, 2])
    client.sendall(request.encode())
    status = int(client.recv(16) or 255)
if status < 0:
    os.kill(os.getpid(), -status)
sys.exit(status)
"""


def run(arguments, environment, directory, descriptors):
    from sng._worker import main
    for number, descriptor in enumerate(descriptors, 1):
        os.dup2(descriptor, number)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(directory)
    status = 1
    try:
        status = main(*arguments)
    except SystemExit as end:
        status = end.code or 0
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def serve(server):
    while True:
        connection, _ = server.accept()
        with connection:
            _, descriptors, _, _ = socket.recv_fds(connection, 1, 2)
            with connection.makefile() as file:
                request = json.loads(file.readline())
            child = os.fork()
            if child == 0:
                run(*request, descriptors)
            for descriptor in descriptors:
                os.close(descriptor)
            connection.sendall(b"%d" % os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


def start(harness_class):
    """From now on the class and those derived from it start their processes by the server."""
    directory = tempfile.mkdtemp(prefix="sng-fork-")
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    path = os.path.join(directory, "socket")
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    server.listen()
    parent = os.getpid()
    if os.fork() == 0:
        # Ends with the test, however that ends.
        import ctypes
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
        if os.getppid() == parent:
            serve(server)
        os._exit(0)
    server.close()
    get_command = harness_class.get_command
    harness_class.get_command = lambda self: ["/usr/bin/python3", "-ISc", CLIENT, path, *get_command(self)[3:]]
