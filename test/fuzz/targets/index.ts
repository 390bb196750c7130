import type { Target } from '../engine/target.ts';
import { datasets, manifests, vectors } from './artifacts.ts';
import { cifar } from './cifar.ts';
import { conditions } from './conditions.ts';
import { codecServer, serve } from './http.ts';
import { idx } from './idx.ts';
import { images } from './images.ts';
import { misbehaving } from './misbehaving.ts';
import { parquet } from './parquet.ts';
import { pipelines } from './pipelines.ts';
import { programs } from './programs.ts';
import { checkpoints, leases, modelLog, records } from './records.ts';
import { safetensors } from './safetensors.ts';
import { commandLine, environment, payloads } from './settings.ts';
import { tables } from './tables.ts';
import { modelFrames, trainerAnswers, trainerRequests } from './trainer-messages.ts';

/** Everything that reads what comes from outside. */
export const targets: readonly Target[] = [
  pipelines,
  conditions,
  tables,
  parquet,
  idx,
  cifar,
  images,
  safetensors,
  manifests,
  checkpoints,
  leases,
  modelLog,
  records,
  datasets,
  vectors,
  trainerAnswers,
  trainerRequests,
  modelFrames,
  payloads,
  programs,
  environment,
  commandLine,
  codecServer,
  serve,
];

/** @throws Error that names those that there are */
export function targetNamed(name: string): Target {
  const found = [...targets, misbehaving].find((each) => each.name === name);
  if (found) return found;
  throw new Error(`There is no target ${name}; there are ${targets.map((each) => each.name).join(', ')}.`);
}
