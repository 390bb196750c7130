import { defineSearchAttributeKey } from '@temporalio/common';

/** By what runs can be found in the Temporal UI and with `contrail list`. */
export const pipelineAttribute = defineSearchAttributeKey('ContrailPipeline', 'KEYWORD');
export const stageAttribute = defineSearchAttributeKey('ContrailStage', 'KEYWORD');
export const epochAttribute = defineSearchAttributeKey('ContrailEpoch', 'INT');
export const bestLossAttribute = defineSearchAttributeKey('ContrailBestLoss', 'DOUBLE');
export const scheduleAttribute = defineSearchAttributeKey('ContrailSchedule', 'KEYWORD');
/** `paused` or `running`, once a run was paused. */
export const stateAttribute = defineSearchAttributeKey('ContrailState', 'KEYWORD');

export const searchAttributes = [
  pipelineAttribute,
  stageAttribute,
  epochAttribute,
  bestLossAttribute,
  scheduleAttribute,
  stateAttribute,
];
