import { checkedName } from '../contracts/checked-name.ts';
import { runIdSchema } from '../contracts/identifiers.ts';
import { modelNameSchema } from '../contracts/models.ts';
import { scheduleIdSchema } from '../contracts/schedules.ts';

/** Whoever names a run names a workflow and a folder. @throws ContrailError Usage */
export const checkRunId = (run: string): string => checkedName('run id', runIdSchema, run);

/** @throws ContrailError Usage */
export const checkScheduleId = (id: string): string => checkedName('schedule id', scheduleIdSchema, id);

/** @throws ContrailError Usage */
export const checkModelName = (name: string): string => checkedName('model name', modelNameSchema, name);
