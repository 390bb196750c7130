"""A captured training step, run and traced in a session with the default settings, which are those of tfjs-node's."""

import time
from collections import defaultdict

import numpy as np
import tensorflow as tf
from safetensors.numpy import load_file

v1 = tf.compat.v1
warm_up = 3


def profile_step(folder, state, steps):
    with v1.Session(graph=tf.Graph()) as session:
        v1.saved_model.load(session, ["contrail"], folder)
        graph = session.graph
        for name, tensor in load_file(state).items():
            session.run(f"{name}/assigned:0", {f"{name}/feed:0": tensor})
        operations = graph.get_operations()
        feeds = {
            op.outputs[0]: example(op.outputs[0])
            for op in operations
            if op.type == "Placeholder" and not op.name.endswith("/feed")
        }
        loss = next(op.outputs[0] for op in operations if op.type == "Identity" and op.name.endswith("_output0"))
        for _ in range(warm_up):
            session.run(loss, feeds)
        times = []
        for _ in range(steps):
            start = time.perf_counter()
            session.run(loss, feeds)
            times.append((time.perf_counter() - start) * 1000)
        options = v1.RunOptions(trace_level=v1.RunOptions.FULL_TRACE)
        traces = []
        for _ in range(steps):
            metadata = v1.RunMetadata()
            session.run(loss, feeds, options=options, run_metadata=metadata)
            traces.append(metadata.step_stats)
        return {"milliseconds": times, "nodes": summed(traces)}


def example(placeholder):
    """The rows of a batch, or the number of a step."""
    shape = placeholder.shape.as_list()
    return np.arange(shape[0], dtype="int32") if shape else np.int32(0)


def summed(traces):
    totals = defaultdict(float)
    about = {}
    for trace in traces:
        for device in trace.dev_stats:
            for node in device.node_stats:
                # "name = Op(inputs)"
                op = node.timeline_label.split(" = ")[-1].split("(")[0]
                totals[node.node_name] += (node.op_end_rel_nanos - node.op_start_rel_nanos) / 1e6 / len(traces)
                about[node.node_name] = (op, output(node))
    return [
        {"op": about[name][0], "output": about[name][1], "milliseconds": total} for name, total in totals.items()
    ]


def output(node):
    for first in node.output:
        described = first.tensor_description
        sizes = "x".join(str(dim.size) for dim in described.shape.dim)
        return f"{tf.dtypes.as_dtype(described.dtype).name} [{sizes}]" if described.dtype else ""
    return ""
