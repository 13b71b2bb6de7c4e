"""A Milvus Lite server that ends when whoever started it does, and then removes its directory.

    server.py DIRECTORY PORT

Says the port when it answers; 0 is any that is free.
"""

import os
import shutil
import sys
import threading

from milvus_lite.adapter.grpc.server import start_server_in_thread

directory, wanted = sys.argv[1:]


def end_with_parent() -> None:
    # Nothing is ever sent: this returns when the other end is closed.
    sys.stdin.buffer.read()
    shutil.rmtree(directory, ignore_errors=True)
    os._exit(1)


threading.Thread(target=end_with_parent, daemon=True).start()
server, _, port = start_server_in_thread(directory, "127.0.0.1", int(wanted))
print(port, flush=True)
server.wait_for_termination()
