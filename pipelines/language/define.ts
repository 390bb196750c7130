import type { z } from 'zod';
import type { ArtifactKind, ArtifactRef } from '../../contracts/artifacts.ts';
import { ContrailError } from '../../contracts/errors.ts';
import type { Json } from '../../contracts/json.ts';
import type { ProgramOutput } from '../../contracts/kinds/run.ts';
import type { ScheduleConfig } from '../../contracts/plan.ts';
import type { StepKindName, StepResult, stepKinds } from '../../contracts/step-kinds.ts';
import type { Defaults, StepDefinition } from './read/definition.ts';

declare const named: unique symbol;

/** Stands for a value that is known later: a param, a value of a matrix, or a result. In a pipeline it is `${…}`. */
export interface Reference<T> {
  /** Only for the compiler: what the reference names. */
  readonly [named]?: T;
  toJSON(): string;
  toString(): string;
}

/** A reference to a value, and to what is inside it. */
export type ReferenceTo<T> = Reference<T> & Fields<NonNullable<T>>;
type Fields<T> = T extends readonly unknown[]
  ? unknown
  : T extends object
    ? { readonly [K in keyof T]-?: ReferenceTo<T[K]> }
    : unknown;

/** A value, or a reference in its place or anywhere inside it. */
export type OrReference<T> =
  | Reference<T>
  | (T extends readonly (infer E)[]
      ? readonly OrReference<E>[] | Reference<readonly E[]>
      : T extends object
        ? { readonly [K in keyof T]: OrReference<T[K]> }
        : T);

type Kinds = typeof stepKinds;
type Artifact<K extends ArtifactKind> = Omit<ArtifactRef, 'kind'> & { readonly kind: K };
type InputsIn<I> = {
  readonly [N in keyof I]?: I[N] extends ArtifactKind ? Reference<Artifact<I[N]>> : never;
};
type Inputs<K extends StepKindName> = InputsIn<Kinds[K]['inputs']> &
  (Kinds[K] extends { readonly otherInputs: { readonly inputs: infer I } } ? InputsIn<I> : unknown);
type Parameters<K extends StepKindName> = {
  readonly [N in keyof z.input<Kinds[K]['parameters']>]: OrReference<z.input<Kinds[K]['parameters']>[N]>;
} & Inputs<K> &
  RecipeOf<Kinds[K]>;
type RecipeOf<Kind> = Kind extends { readonly recipes: infer R } ? { readonly recipe?: keyof R } : unknown;

/** The result of each of a matrix, together. */
type EachOf<T> = T extends readonly unknown[]
  ? T[]
  : T extends { readonly kind: ArtifactKind }
    ? T[]
    : T extends object
      ? { [K in keyof T]: EachOf<T[K]> }
      : T[];

/** A step that others can need, and whose result they can use. */
export interface Step<K extends StepKindName = StepKindName, R = StepResult<K>> {
  readonly id: string;
  readonly uses: K;
  readonly result: ReferenceTo<R>;
  /** In `when`: `done`, `failed`, `cancelled` or `skipped`. */
  readonly state: Reference<string>;
}

/** A step that runs once for each of a matrix: its result is the list of all. */
export interface MatrixStep<K extends StepKindName, M, R = StepResult<K>> extends Step<K, EachOf<R>> {
  /** For steps with the same matrix: their own one of these. */
  readonly each: Step<K, R>;
  /** Only for the compiler. */
  readonly [named]?: M;
}

/** Lists of values, or one list in the result of a step. */
type Axes = { readonly [name: string]: readonly unknown[] | Reference<readonly unknown[]> };
type ItemOf<L> = NonNullable<L> extends readonly (infer V)[] ? V : never;
type Followed = { readonly id: string; readonly each: object };
type MatrixValues<M> = M extends Followed
  ? M extends MatrixStep<infer _, infer Root, infer _R>
    ? MatrixValues<Root>
    : never
  : {
      readonly [N in Exclude<keyof M, 'include' | 'exclude'>]: M[N] extends readonly (infer V)[]
        ? ReferenceTo<V>
        : M[N] extends Reference<infer L>
          ? ReferenceTo<ItemOf<L>>
          : never;
    };

type Settings = Partial<Pick<StepDefinition, 'description' | 'queue' | 'priority' | 'retry' | 'timeout' | 'cache'>>;
interface Common<K extends StepKindName> extends Settings {
  readonly uses: K;
  readonly needs?: readonly { readonly id: string }[];
  /** A CEL expression; the tag `expression` writes one with references in it. */
  readonly when?: string;
}

/** Whether `with` must be there: where there is a parameter without a default. */
type WithFor<P, W> = Record<never, never> extends P ? { readonly with?: W } : { readonly with: W };

/** Parameters as they are written, also by a function of the matrix. */
type Written<P, M> = P | ((values: { readonly matrix: MatrixValues<M> }) => P);

/** Of a program, what `with` declares of its result is part of its type; other kinds have no such parameters. */
interface Declared<K extends StepKindName, R, O> {
  readonly result?: K extends 'run' ? R : never;
  readonly outputs?: K extends 'run' ? O & WithoutOthers<O> : never;
}
/** What is inferred from a value takes any member; these must be those of an output. */
type WithoutOthers<O> = {
  readonly [N in keyof O]: { readonly [Other in Exclude<keyof O[N], MembersOf<ProgramOutput>>]: never };
};
type MembersOf<T> = T extends unknown ? keyof T : never;

type StepOptions<K extends StepKindName, M, R, O> = Common<K> & {
  readonly matrix?: M;
  readonly maxParallel?: number;
  /** How many of the matrix may be lost: so many, or such a share of them. @default 0 */
  readonly tolerate?: number;
} & WithFor<z.input<Kinds[K]['parameters']>, Written<Parameters<K> & Declared<K, R, O>, M>>;

/** What the compiler knows nothing of, and so lets be anything. */
type Anything = z.infer<z.ZodAny>;
interface FieldValues {
  readonly number: number;
  readonly text: string;
  readonly boolean: boolean;
  readonly list: readonly Anything[];
  readonly mapping: { readonly [name: string]: Anything };
  readonly any: Anything;
}

/** The result of a program: the fields that it declares, or any where it declares none, and its outputs. */
type ProgramResult<R, O> = (unknown extends R
  ? { readonly [name: string]: Anything }
  : { readonly [N in keyof R]: R[N] extends keyof FieldValues ? FieldValues[R[N]] : Anything }) &
  (unknown extends O
    ? unknown
    : { readonly [N in keyof O]: Artifact<O[N] extends { readonly dataset: unknown } ? 'dataset' : 'files'> });
type ResultOf<K extends StepKindName, R, O> = K extends 'run' ? ProgramResult<R, O> : StepResult<K>;

/** A step of the user's own, as `typeof` of its file's default export gives it. */
interface OwnTyped {
  readonly types?: {
    readonly with: object;
    readonly result: object;
    readonly inputs: object;
    readonly outputs: object;
  };
}
type TypesOf<S extends OwnTyped> = NonNullable<S['types']>;
type OwnResult<T extends TypesOf<OwnTyped>> = T['result'] & {
  readonly [N in keyof T['outputs']]: T['outputs'][N] extends ArtifactKind ? Artifact<T['outputs'][N]> : never;
};
type OwnWith<T extends TypesOf<OwnTyped>> = {
  readonly [N in keyof T['with']]: OrReference<T['with'][N]>;
} & {
  readonly [N in keyof T['inputs']]?: T['inputs'][N] extends ArtifactKind ? Reference<Artifact<T['inputs'][N]>> : never;
};
type OwnOptions<S extends OwnTyped> = Omit<Common<'own'>, 'uses'> & { readonly uses: `./${string}` } & WithFor<
    TypesOf<S>['with'],
    OwnWith<TypesOf<S>>
  >;

/** Adds a step of the user's own: `own<typeof dedupe>('dedupe', { uses: './steps/dedupe.ts' })`, with `import type` for it. */
type AddOwn = <S extends OwnTyped>(id: string, options: OwnOptions<S>) => Step<'own', OwnResult<TypesOf<S>>>;

/** Kinds that have a function of their own here, and the one that only a sweep makes. */
type NotByName = 'own' | 'sweep' | 'trial';

/** Adds a step. With a `matrix`, of lists or of another step, it is one for each combination. */
type AddStep = <
  K extends Exclude<StepKindName, NotByName>,
  const M extends Axes | Followed | undefined = undefined,
  const R = unknown,
  const O = unknown,
>(
  id: string,
  options: StepOptions<K, M, R, O>,
) => M extends undefined ? Step<K, ResultOf<K, R, O>> : MatrixStep<K, M, ResultOf<K, R, O>>;

type Range = readonly [number, number] | Reference<readonly [number, number]>;
/** What a sweep tries, by name: a list of values, or a range of numbers. */
type Space = {
  readonly [name: string]:
    | readonly unknown[]
    | Reference<readonly unknown[]>
    | { readonly linear: Range; readonly whole?: boolean }
    | { readonly log: Range; readonly whole?: boolean };
};
/** What is behind a name in one trial. */
type Tried<D> = D extends readonly (infer V)[]
  ? V extends Reference<infer R>
    ? NonNullable<R>
    : V
  : D extends Reference<infer L>
    ? ItemOf<L>
    : number;

type TrialStepOptions<K extends StepKindName, R, O> = Omit<Common<K>, 'when'> &
  WithFor<z.input<Kinds[K]['parameters']>, Parameters<K> & Declared<K, R, O>>;

/** What the steps of a trial are built with. They can need each other, and steps of the pipeline before the sweep. */
export interface TrialBuilder<S> {
  /** The values of a trial, by the names of `over`; `seed` is that of a replicate, `trial` a number from 0. */
  readonly sweep: { readonly [N in keyof S]: ReferenceTo<Tried<S[N]>> } & {
    readonly seed: Reference<number>;
    readonly trial: Reference<number>;
  };
  readonly step: <K extends Exclude<StepKindName, NotByName>, const R = unknown, const O = unknown>(
    id: string,
    options: TrialStepOptions<K, R, O>,
  ) => Step<K, ResultOf<K, R, O>>;
  readonly own: AddOwn;
}

/** The number that decides, of a step of the trial. */
type Objective =
  | { readonly maximise: Reference<number | null>; readonly minimise?: never }
  | { readonly minimise: Reference<number | null>; readonly maximise?: never };

type SweepOptions<S> = Omit<Common<'sweep'>, 'uses'> & {
  readonly with: Omit<Parameters<'sweep'>, 'over' | 'objective' | 'steps' | 'takes' | 'ended'> & { readonly over: S };
};

/** The winner: its settings by name, and its artifacts. Which it has, follows from the steps of a trial. */
type Swept<S> = Omit<StepResult<'sweep'>, 'parameters'> & {
  readonly parameters: { readonly [N in keyof S]: Tried<S[N]> };
} & { readonly [K in ArtifactKind]: Artifact<K> };

/** Adds a sweep; the function adds the steps of a trial, and says what decides. */
type AddSweep = <const S extends Space>(
  id: string,
  options: SweepOptions<S>,
  trial: (builder: TrialBuilder<S>) => Objective,
) => Step<'sweep', Swept<S>>;

/** What a pipeline is built with. */
export interface Builder<P> {
  readonly params: ReferenceTo<P>;
  /** `id` is there in every step of `onFailure` and `finally`; `error` is null where nothing failed. */
  readonly run: ReferenceTo<{ id: string; state: string; error: string | null }>;
  readonly step: AddStep;
  readonly own: AddOwn;
  readonly sweep: AddSweep;
  readonly onFailure: AddStep;
  readonly finally: AddStep;
}

export interface PipelineOptions<P> {
  readonly name: string;
  readonly description?: string;
  readonly params?: P;
  readonly defaults?: Defaults;
  readonly schedule?: Partial<ScheduleConfig>;
  readonly include?: readonly {
    readonly file: string;
    readonly as?: string;
    readonly with?: Record<string, unknown>;
  }[];
}

/** A pipeline as a YAML file has it. */
export type PipelineValue = { readonly name: string; readonly [key: string]: Json };

/**
 * Declares a pipeline in TypeScript. What it gives is what the same pipeline in YAML holds; a file's default export is
 * taken wherever a YAML file is.
 *
 * @param build adds the steps; a step gives references to its result, which the compiler checks where they are used
 * @throws ContrailError InvalidPipeline where two steps have the same id
 */
export function definePipeline<const P extends { readonly [name: string]: unknown }>(
  options: PipelineOptions<P>,
  build: (builder: Builder<P>) => void,
): PipelineValue {
  const sections: Record<'steps' | 'onFailure' | 'finally', Record<string, unknown>> = {
    steps: {},
    onFailure: {},
    finally: {},
  };
  const adding =
    (section: string, into: Record<string, unknown>, among = Object.values(sections)) =>
    (id: string, { needs, with: given, matrix, ...rest }: LooseStep) => {
      if (among.some((steps) => Object.hasOwn(steps, id)))
        throw new ContrailError('InvalidPipeline', `${section}.${id}: there is a step ${id} already`);
      into[id] = {
        ...rest,
        ...(needs ? { needs: needs.map((step) => step.id) } : {}),
        ...(matrix === undefined ? {} : { matrix: isStep(matrix) ? matrix.id : matrix }),
        ...(given === undefined
          ? {}
          : { with: typeof given === 'function' ? given({ matrix: reference(['matrix']) }) : given }),
      };
      const step = {
        id,
        uses: rest.uses,
        result: reference(['steps', id, 'result']),
        state: reference(['steps', id, 'state']),
      };
      return { ...step, each: step };
    };
  const addSweep = (id: string, { with: given, ...rest }: LooseSweep, trial: (builder: unknown) => unknown) => {
    const inner: Record<string, unknown> = {};
    const step = adding(`steps.${id}.with.steps`, inner, [inner]);
    const objective = trial({ sweep: reference(['sweep']), step, own: step });
    return adding('steps', sections.steps)(id, { ...rest, uses: 'sweep', with: { ...given, objective, steps: inner } });
  };
  build({
    params: reference(['params']),
    run: reference(['run']),
    step: adding('steps', sections.steps),
    own: adding('steps', sections.steps),
    sweep: addSweep,
    onFailure: adding('onFailure', sections.onFailure),
    finally: adding('finally', sections.finally),
  } as unknown as Builder<P>);
  const { onFailure, finally: last, steps } = sections;
  const value = {
    ...options,
    steps,
    ...(Object.keys(onFailure).length > 0 ? { onFailure } : {}),
    ...(Object.keys(last).length > 0 ? { finally: last } : {}),
  };
  return JSON.parse(JSON.stringify(value)) as PipelineValue;
}

interface LooseStep {
  readonly uses: string;
  readonly needs?: readonly { readonly id: string }[];
  readonly with?: unknown;
  readonly matrix?: unknown;
}

type LooseSweep = Omit<LooseStep, 'uses' | 'with'> & { readonly with: object };

const isStep = (value: unknown): value is { readonly id: string } =>
  typeof value === 'object' && value !== null && 'each' in value && 'id' in value && typeof value.id === 'string';

/** An object that is `${a.b.c}` as JSON and as text, and whose members are the references below it. */
function reference(path: readonly string[]): unknown {
  const text = `\${${path.join('.')}}`;
  return new Proxy(
    { toJSON: () => text, toString: () => text },
    {
      get: (own, name) =>
        typeof name === 'symbol'
          ? name === Symbol.toPrimitive
            ? () => text
            : undefined
          : Object.hasOwn(own, name)
            ? own[name as keyof typeof own]
            : reference([...path, name]),
    },
  );
}

/** Writes an expression for `when`: references become the names that it knows them by, other values literals. */
export function expression(texts: TemplateStringsArray, ...values: readonly unknown[]): string {
  const written = values.map((value) => {
    const [, path] = /^\$\{(.*)\}$/.exec(String(value)) ?? [];
    return path ?? JSON.stringify(value);
  });
  return texts.reduce((text, part, index) => `${text}${part}${written[index] ?? ''}`, '');
}
