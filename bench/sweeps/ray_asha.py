"""Ray Tune's ASHA over learning curves that are known: which trials it stops, and when.

usage: ray_asha.py curves.json factor at_once seconds folder

curves.json: for each trial its loss after each epoch. An epoch takes so many seconds. Prints a line of JSON: of every trial the
epochs that it was trained for, and its last loss.
"""

import json
import sys
import time

import ray
from ray import tune
from ray.tune.schedulers import ASHAScheduler

with open(sys.argv[1]) as file:
    curves = json.load(file)
factor, at_once, seconds, folder = int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]), sys.argv[5]


def train(config):
    for epoch, loss in enumerate(curves[config["trial"]], 1):
        time.sleep(seconds)
        tune.report({"loss": loss, "epoch": epoch})


ray.init(num_cpus=at_once, include_dashboard=False, log_to_driver=False, logging_level="ERROR", _temp_dir=folder + "/ray")
tuner = tune.Tuner(
    tune.with_resources(train, {"cpu": 1}),
    param_space={"trial": tune.grid_search(list(range(len(curves))))},
    tune_config=tune.TuneConfig(
        metric="loss",
        mode="min",
        scheduler=ASHAScheduler(
            time_attr="epoch", max_t=len(curves[0]), grace_period=1, reduction_factor=factor, brackets=1
        ),
        reuse_actors=True,
    ),
    run_config=tune.RunConfig(storage_path=folder + "/results", verbose=0),
)
results = tuner.fit()
print(
    json.dumps(
        [
            {"trial": result.config["trial"], "epochs": result.metrics["epoch"], "loss": result.metrics["loss"]}
            for result in results
        ]
    )
)
