import { explained } from '../../contracts/system-errors.ts';

/** Whether a file of the store is missing or damaged, which no waiting mends. */
export const isLoss = (error: unknown): boolean => explained(error)?.code === 'CorruptArtifact';
