"""Runs moto's server with one request at a time.

moto looks whether an object is there, and then writes it: of two writers at the same moment both may be told that it was new. A store
refuses such a server, as it must, so that tests would fail on a busy machine.
"""

import threading

from moto import server

run = server.run_simple
lock = threading.Lock()


def in_turn(app):
    def answer(environ, start_response):
        with lock:
            return app(environ, start_response)

    return answer


server.run_simple = lambda host, port, app, **options: run(host, port, in_turn(app), **options)
server.main()
