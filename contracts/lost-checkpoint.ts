import type { TrainEpochResult } from './trainer.ts';

/** Says that work is done again, which takes time and changes no bit. */
export const describeLost = ({ of, from }: NonNullable<TrainEpochResult['withoutCheckpoint']>): string =>
  `no checkpoint of epoch ${of} is kept; ${from === 0 ? 'training begins anew' : `training goes on from epoch ${from}`}, and must arrive at the same state`;
