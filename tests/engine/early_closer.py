"""A task that exits on SIGTERM without finishing its responses, and records those it cut off.

Its slow page takes longer than the load balancer lets it drain, so each deployment cuts requests.
The arguments are the address and port to listen on, and the folder for its record.
"""

import http.server
import json
import os
import signal
import sys
import time
from pathlib import Path

address, port, folder = sys.argv[1:]
SLOW_SECONDS = 2.0
arrived: dict[int, float] = {}


class Page(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/slow":
            arrived[id(self)] = time.time()
            time.sleep(SLOW_SECONDS)
            del arrived[id(self)]
        body = f"Hello from task-{os.getpid()}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def end(*_: object) -> None:
    Path(folder, f"{os.getpid()}.json").write_text(json.dumps(list(arrived.values())))
    os._exit(0)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


signal.signal(signal.SIGTERM, end)
Server((address, int(port)), Page).serve_forever()
