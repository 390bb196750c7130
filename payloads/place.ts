import type { SerializationContext } from '@temporalio/common';
import { z } from 'zod';

/**
 * Where a payload belongs: it is encrypted for this place, and decrypts at no other. Empty where Temporal's SDK does not say, as for
 * the memo of a schedule.
 */
export interface Place {
  readonly namespace: string;
  readonly workflow: string;
  /** Id of the activity that takes or gives it; empty for what is the workflow's own. */
  readonly activity: string;
}

/** What Temporal adds to the id of a workflow that a schedule starts; no other workflow of Contrail has an id that ends so. */
const firingTime = /-\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;

/** The place that the SDK says. */
export const placeOf = (context: SerializationContext | undefined): Place => ({
  namespace: context?.namespace ?? '',
  workflow: context?.workflowId ?? '',
  activity: context?.type === 'activity' ? (context.activityId ?? '') : '',
});

/** What is known of a place: all of it, or the namespace alone. */
export type KnownPlace = Place | Pick<Place, 'namespace'>;

/** Temporal's SDK said no place, as for the memo of a schedule. */
const isNowhere = ({ namespace, workflow, activity }: Place) => namespace === '' && workflow === '' && activity === '';

/**
 * Whether what was encrypted for one place may be read at another: at that place alone. Where the namespace alone is known, as to who
 * shows payloads to people, that is anything of the namespace, and what was encrypted for no place. What a schedule gives to the workflows that it
 * starts is encrypted before these have an id, for the schedule's own, so that each of them reads it as what is the workflow's own.
 */
export function isReadable(written: Place, known: KnownPlace): boolean {
  if (!('workflow' in known)) return written.namespace === known.namespace || isNowhere(written);
  if (written.namespace !== known.namespace) return false;
  if (written.activity !== known.activity) return false;
  return (
    written.workflow === known.workflow ||
    (known.activity === '' && written.workflow === known.workflow.replace(firingTime, ''))
  );
}

/** A place for people. */
export function placeText(place: KnownPlace): string {
  const { namespace } = place;
  if (namespace === '') return 'no workflow';
  if (!('workflow' in place)) return `the namespace ${namespace}`;
  const { workflow, activity } = place;
  return `${activity === '' ? '' : `the activity ${activity} of `}the workflow ${workflow} in the namespace ${namespace}`;
}

const written = z.tuple([z.string(), z.string(), z.string()]);

/** A place as it stands beside a payload: readable, and authenticated. */
export const placeToText = ({ namespace, workflow, activity }: Place): string =>
  JSON.stringify([namespace, workflow, activity]);

/** Null for what is no place. */
export function placeFromText(text: string): Place | null {
  try {
    const [namespace, workflow, activity] = written.parse(JSON.parse(text));
    return { namespace, workflow, activity };
  } catch {
    return null;
  }
}
