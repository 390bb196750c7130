import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Tensor, tf } from '../tensorflow.ts';
import { backend, type NativeTensor } from './backend.ts';
import { CaptureError } from './errors.ts';
import type { StepState } from './execution.ts';
import { graphTag } from './saved-model.ts';
import { type SessionSettings, withSessionSettings } from './sessions.ts';
import type { Slot, Slots } from './slots.ts';

/** Where the values of a state are. */
type Values =
  | { readonly are: 'eager'; readonly state: StepState }
  | { readonly are: 'in a session'; readonly session: number }
  | { readonly are: 'gone' };

/**
 * The values of variables and resident tensors, which are either tensors of tfjs or in a session of TensorFlow's.
 *
 * Owns: the tensors, or the session. Nobody else closes or disposes of them.
 */
export interface GraphState {
  /** The session that holds the values; null where they are tensors. @throws CaptureError after `dispose` */
  readonly session: () => number | null;
  /** Hands the tensors over to a new session, whose graph this is. */
  readonly enter: (savedModel: Uint8Array) => number;
  /** The values as tensors: brought out of the session, which is closed, where they are in one. @throws CaptureError after `dispose` */
  readonly leave: () => StepState;
  readonly dispose: () => void;
}

/**
 * Takes over a state: its tensors are disposed of when they are no longer needed.
 *
 * @param settings of the sessions
 */
export function createGraphState(state: StepState, slots: Slots, settings?: SessionSettings): GraphState {
  const { binding } = backend();
  const learned = [...state.variables].map(([name, { trainable }]) => ({ name, trainable }));
  const residentNames = Object.keys(state.resident);
  let values: Values = { are: 'eager', state };
  const disposed = () => new CaptureError('The graph has been disposed of.');
  return {
    session: () => {
      if (values.are === 'gone') throw disposed();
      return values.are === 'in a session' ? values.session : null;
    },
    enter: (savedModel) => {
      if (values.are !== 'eager') throw disposed();
      const { variables, resident } = values.state;
      const session = withSessionSettings(settings, () => loadGraph(savedModel));
      const tensors = [...variables.values(), ...residentNames.map((name) => resident[name] as Tensor)];
      assign(session, slots.all, backend().getInputTensorIds(tensors));
      disposeState(values.state);
      values = { are: 'in a session', session };
      return session;
    },
    leave: () => {
      if (values.are === 'gone') throw disposed();
      if (values.are === 'eager') return values.state;
      const tensors = fetch(values.session, slots.all).map((tensor) => backend().createOutputTensor(tensor));
      binding.deleteSavedModel(values.session);
      values = { are: 'gone' };
      const variables = new Map(
        learned.map(({ name, trainable }, index) => {
          const value = tensors[index] as Tensor;
          const variable = tf.variable(value, trainable);
          value.dispose();
          return [name, variable];
        }),
      );
      const resident = Object.fromEntries(
        residentNames.map((name, index) => [name, tensors[variables.size + index] as Tensor]),
      );
      const left = { variables, resident };
      values = { are: 'eager', state: left };
      return left;
    },
    dispose: () => {
      if (values.are === 'in a session') binding.deleteSavedModel(values.session);
      if (values.are === 'eager') disposeState(values.state);
      values = { are: 'gone' };
    },
  };
}

/** Puts native tensors into slots of a session. */
export function assign(session: number, targets: readonly Slot[], tensors: readonly number[]): void {
  const { binding } = backend();
  const feeds = targets.map(({ feed }) => `${feed}:0`).join(',');
  const assigned = targets.map(({ assigned }) => `${assigned}:0`).join(',');
  for (const done of binding.runSavedModel(session, tensors, feeds, assigned)) binding.deleteTensor(done.id);
}

/** Native tensors with the values of slots; the caller deletes them. */
export const fetch = (session: number, sources: readonly Slot[]): NativeTensor[] =>
  backend().binding.runSavedModel(session, [], '', sources.map(({ value }) => `${value}:0`).join(','));

function disposeState({ variables, resident }: StepState): void {
  for (const variable of variables.values()) variable.dispose();
  for (const tensor of Object.values(resident)) tensor.dispose();
}

/** TensorFlow reads a graph from a folder; it is needed while it loads and no longer. */
function loadGraph(content: Uint8Array): number {
  const folder = mkdtempSync(join(tmpdir(), 'contrail-graph-'));
  try {
    writeFileSync(join(folder, 'saved_model.pb'), content);
    return backend().binding.loadSavedModel(folder, graphTag);
  } catch (error) {
    throw new CaptureError(
      `TensorFlow does not accept the captured graph: ${error instanceof Error ? error.message : String(error)}`,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
