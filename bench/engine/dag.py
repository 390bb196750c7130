"""The peer of bench/engine: Dagster runs layers of steps, each of which POSTs to a server on loopback.

Arguments: number of steps, width of a layer, URL. Prints one JSON line. The executor is the one in this process, Dagster's
fastest; events and outputs go to its SQLite and files in DAGSTER_HOME, as in a deployment on one machine.
"""
import json
import sys
import time
import urllib.request

import dagster

steps, width, url = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]


def make(index):
    needs = width if index >= width else 0
    ins = {f"need_{each}": dagster.In() for each in range(needs)}

    @dagster.op(name=f"step_{index}", ins=ins)
    def run(context, **_):
        body = json.dumps({"step": index, "message": "done"}).encode()
        request = urllib.request.Request(url, body, {"content-type": "application/json"})
        with urllib.request.urlopen(request) as response:
            return response.status

    return run


ops = [make(index) for index in range(steps)]


@dagster.job(executor_def=dagster.in_process_executor)
def layers():
    before = []
    for start in range(0, steps, width):
        needs = {f"need_{each}": value for each, value in enumerate(before)}
        before = [op(**needs) for op in ops[start : start + width]]


instance = dagster.DagsterInstance.get()
started = time.perf_counter()
result = layers.execute_in_process(instance=instance)
seconds = time.perf_counter() - started
print(json.dumps({"success": result.success, "seconds": seconds, "version": dagster.__version__}))
