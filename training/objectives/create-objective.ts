import { isContrastive, type TrainingConfig } from '../../contracts/training.ts';
import { classification } from './classification.ts';
import { contrast } from './contrast.ts';
import type { Objective } from './objective.ts';

/** The objective that a config names. */
export const createObjective = (
  config: TrainingConfig,
  dimension: number,
  data: { readonly classes: number; readonly labelColumns: number },
): Objective =>
  isContrastive(config) ? contrast(config, dimension, data) : classification(config, dimension, data.classes);
