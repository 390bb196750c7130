import type { Picture } from '../plots/png.ts';
import { bytes, double, float, integer, message } from './protobuf.ts';
import { encodeRecords } from './records.ts';

/** What TensorBoard's HParams tab knows of a setting. */
export type HyperparameterValue = string | number | boolean;

/** Seconds since 1970 that TensorBoard puts an event at, and the place on its horizontal axis. */
export interface EventPlace {
  readonly wallTime: number;
  readonly step: number;
}

/** An event file: events in order, each a message of tensorflow/core/util/event.proto. */
export const encodeEventFile = (wallTime: number, events: readonly Uint8Array[]): Uint8Array[] =>
  encodeRecords([message(double(1, wallTime), bytes(3, 'brain.Event:2')), ...events]);

/** An event that holds numbers, by tag. */
export const scalars = ({ wallTime, step }: EventPlace, values: Readonly<Record<string, number>>): Uint8Array =>
  message(
    double(1, wallTime),
    integer(2, step),
    bytes(
      5,
      message(...Object.entries(values).map(([name, value]) => bytes(1, message(bytes(1, name), float(2, value))))),
    ),
  );

/** An event that holds pictures, by tag. */
export const pictures = ({ wallTime, step }: EventPlace, values: Readonly<Record<string, Picture>>): Uint8Array =>
  message(
    double(1, wallTime),
    integer(2, step),
    bytes(
      5,
      message(
        ...Object.entries(values).map(([name, { png, width, height }]) =>
          bytes(1, message(bytes(1, name), bytes(4, message(integer(1, height), integer(2, width), bytes(4, png))))),
        ),
      ),
    ),
  );

/** The event by which the HParams tab learns with what settings a training began. */
export const sessionStart = (
  wallTime: number,
  hyperparameters: Readonly<Record<string, HyperparameterValue>>,
): Uint8Array => {
  const entries = Object.entries(hyperparameters).map(([name, value]) =>
    bytes(1, message(bytes(1, name), bytes(2, encodeValue(value)))),
  );
  return sessionEvent(wallTime, 'session_start_info', bytes(3, message(...entries, double(5, wallTime))));
};

/** The event by which the HParams tab learns that a training ended well. */
export const sessionEnd = (wallTime: number): Uint8Array =>
  sessionEvent(wallTime, 'session_end_info', bytes(4, message(integer(1, 1), double(2, wallTime))));

/** The tab reads the plugin's data; the tensor, a float 0, is there because every summary has a value. */
function sessionEvent(wallTime: number, name: string, pluginData: Uint8Array): Uint8Array {
  const metadata = message(bytes(1, message(bytes(1, 'hparams'), bytes(2, message(integer(1, 0), pluginData)))));
  const tensor = message(integer(1, 1), bytes(2, message()), bytes(5, Buffer.alloc(4)));
  const value = message(bytes(1, `_hparams_/${name}`), bytes(8, tensor), bytes(9, metadata));
  return message(double(1, wallTime), bytes(5, message(bytes(1, value))));
}

/** google.protobuf.Value */
const encodeValue = (value: HyperparameterValue): Uint8Array =>
  typeof value === 'number'
    ? double(2, value)
    : typeof value === 'string'
      ? bytes(3, value)
      : integer(4, Number(value));
