"""Answers its health check with its process id, for as long as it lives."""

import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Health(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(str(os.getpid()).encode())


ThreadingHTTPServer(("127.0.0.1", int(os.environ["STRIDE_HTTP_PORT"])), Health).serve_forever()
