"""HNSW by faiss: build, file, and searches of single queries by one thread, as wide as the wanted recall needs.

Usage: faiss_hnsw.py FOLDER THREADS K RECALL CONNECTIVITY EXPANSION. Writes truth.npy; prints one JSON object.
"""

import json
import os
import sys
import time

import faiss
import numpy as np


def peak_mebibytes():
    """The most memory in RAM. getrusage would count what the process that started this one had."""
    with open("/proc/self/status") as status:
        line = next(line for line in status if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


folder, threads, k, wanted, connectivity, expansion = sys.argv[1], *map(float, sys.argv[2:])
threads, k, connectivity, expansion = int(threads), int(k), int(connectivity), int(expansion)
queries = np.load(os.path.join(folder, "queries.npy"))
base = np.load(os.path.join(folder, "base.npy"), mmap_mode="r")
faiss.omp_set_num_threads(threads)

# All products, block by block; what is searched by them is the truth for both.
best = np.full((len(queries), k), -2, np.float32)
rows = np.zeros((len(queries), k), np.int64)
for start in range(0, len(base), 50_000):
    products = queries @ np.asarray(base[start : start + 50_000]).T
    both = np.concatenate([best, products], 1)
    numbers = np.concatenate([rows, np.broadcast_to(np.arange(start, start + products.shape[1]), products.shape)], 1)
    order = np.argpartition(-both, k, 1)[:, :k]
    best, rows = np.take_along_axis(both, order, 1), np.take_along_axis(numbers, order, 1)
truth = rows.astype(np.int32)
np.save(os.path.join(folder, "truth.npy"), truth)

index = faiss.IndexHNSWFlat(base.shape[1], connectivity, faiss.METRIC_INNER_PRODUCT)
index.hnsw.efConstruction = expansion
begun, spent = time.perf_counter(), time.process_time()
for start in range(0, len(base), 10_000):
    index.add(np.ascontiguousarray(base[start : start + 10_000]))
seconds, spent = time.perf_counter() - begun, time.process_time() - spent
path = os.path.join(folder, "faiss.index")
faiss.write_index(index, path)

faiss.omp_set_num_threads(1)
for width in [16, 32, 64, 128, 256, 512, 1024]:
    index.hnsw.efSearch = width
    times, found = [], []
    for query in queries:
        start = time.perf_counter()
        found.append(index.search(query[None], k)[1][0])
        times.append(time.perf_counter() - start)
    recall = np.mean([len(set(a) & set(b)) / k for a, b in zip(found, truth)])
    if recall >= wanted:
        break
print(
    json.dumps(
        {
            "seconds": seconds,
            "graphSeconds": seconds,
            "graphProcessorSeconds": spent,
            "bytes": os.path.getsize(path),
            "peakMiB": peak_mebibytes(),
            "expansionSearch": width,
            "recall": float(recall),
            "times": times,
        }
    )
)
