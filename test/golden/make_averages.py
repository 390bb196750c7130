"""Adds the averages of the weights in fine-tuning.json after each step, by tf.train.ExponentialMovingAverage in float64."""
import json
import os

import tensorflow as tf

decay = 0.7
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'fine-tuning.json')
with open(path) as file:
    golden = json.load(file)

golden['settings']['averageDecay'] = decay
golden['averages_by'] = f'tensorflow {tf.__version__} float64'
golden['averages'] = {}
for kind, steps in golden['steps'].items():
    weights = {name: tf.Variable(value, dtype=tf.float64) for name, value in golden['start'].items()}
    averages = {name: tf.Variable(value) for name, value in weights.items()}
    golden['averages'][kind] = []
    for updates, step in enumerate(steps):
        average = tf.train.ExponentialMovingAverage(decay, num_updates=updates)
        taken = {}
        for name, value in weights.items():
            average.apply([value])  # makes the average
            average.average(value).assign(averages[name])
            value.assign(step['weights'][name])
            average.apply([value])
            averages[name].assign(average.average(value))
            taken[name] = averages[name].numpy().tolist()
        golden['averages'][kind].append(taken)

with open(path, 'w') as file:
    json.dump(golden, file, indent=1)
    file.write('\n')
