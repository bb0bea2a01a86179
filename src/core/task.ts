import type { HandlerContext } from "./context.ts";
import { checkKnown, checkName, checkOptions } from "./check.ts";
import { defined } from "./defined.ts";
import type { EnqueueOptions, TaskOptions } from "./options.ts";
import type { StandardSchema } from "./schema.ts";

/**
 * The contract of a kind of task: its name, what goes in, what comes out.
 *
 * @typeParam Input What the caller gives. It travels as JSON: without a schema that makes more of it, the handler of a task whose input holds a `Date` gets its text.
 * @typeParam Parsed What the handler gets: `Input` as the schema parsed it.
 * @typeParam Output What the handler returns.
 */
export interface Task<Input = unknown, Parsed = Input, Output = unknown> {
  /** The name that finds the handler. */
  readonly name: string;
  /** What checks the input, if anything does. */
  readonly input: StandardSchema<Input, Parsed> | undefined;
  /** What the definition says of each of its tasks. */
  readonly options: TaskOptions;
  /** The handler given with the definition, if one was. */
  readonly run: Run<Parsed, Output> | undefined;
  /** Only a type: what the handler returns. */
  readonly "~output"?: Output;
  /** The rule given with that handler. */
  readonly retryIf?: RetryIf | undefined;
  /**
   * The handler of this task, for `new Queue({ handlers })`: so that a producer's bundle need not hold it.
   *
   * @throws {TypeError} If `run` is no function, or an option is unknown or of another type.
   */
  handle(run: Run<Parsed, Output>, options?: HandlerOptions): Handler;
  /** This task with its input, for `enqueueMany`; a task without input takes none. An option that is `undefined` leaves the definition's as it is. */
  with(...call: CallArguments<Input>): Call<Output>;
}

/** What a handler is: a function of the parsed input and of what the attempt offers. */
export type Run<Parsed, Output> = (
  input: Parsed,
  ctx: HandlerContext,
) => Output | Promise<Output>;

/** How a handler's failures are taken. */
export interface HandlerOptions {
  /** Whether an attempt that failed is worth another one; where not, the task is dead at once. Not asked about a `NonRetryableError`, nor about a `RetryAfterError`, which say it themselves. @default {every failure is} */
  readonly retryIf?: RetryIf;
}

/** Whether an error is worth another attempt, if any are left. It is, too, if this function throws. */
export type RetryIf = (
  error: unknown,
  ctx: Pick<HandlerContext, "id" | "name" | "attempt" | "maxAttempts">,
) => boolean;

/** The arguments after the task: none are needed where the handler takes none, or none but `undefined`. */
export type CallArguments<Input> = undefined extends Input
  ? [input?: Input, options?: EnqueueOptions]
  : [input: Input, options?: EnqueueOptions];

/** A task to enqueue, with its input and options. */
export interface Call<Output = unknown> {
  /** The task's name. */
  readonly name: string;
  /** What checks the input, if anything does. */
  readonly schema: StandardSchema<unknown, unknown> | undefined;
  /** The input as the caller gave it. */
  readonly input: unknown;
  /** The definition's options under the caller's. */
  readonly options: EnqueueOptions;
  /** Only a type: what the handler returns. */
  readonly "~output"?: Output;
}

/** A task's name and the function that runs it, as a consumer holds them. */
export interface Handler {
  /** The task's name. */
  readonly name: string;
  /** What parses the input before the run, if anything does. */
  readonly schema: StandardSchema<unknown, unknown> | undefined;
  /** The function. */
  readonly run: Run<unknown, unknown>;
  /** Whether an error is worth another attempt. */
  readonly retryIf?: RetryIf | undefined;
}

/** What a definition may say, with a schema. */
export interface SchemaDefinition<Input, Parsed, Output> extends TaskOptions {
  /** Any Standard Schema: checks the input when a task is enqueued, parses it before the run. */
  readonly input: StandardSchema<Input, Parsed>;
  /** Only read for its type: what the handler returns. */
  readonly output?: StandardSchema<unknown, Output>;
}

/**
 * Defines a kind of task: its name, its schema, its options and, if you like, its handler.
 * Does no I/O and takes no time, so it may stand at the top of a module.
 *
 * @throws {TypeError} If the name or an option is not of its type, or an option is unknown.
 * @throws {RangeError} If the name or an option is out of its range.
 */
export function defineTask<Input, Parsed, Output>(
  name: string,
  definition: SchemaDefinition<Input, Parsed, Output> & HandlerOptions & {
    readonly run: Run<Parsed, Output>;
  },
): Task<Input, Parsed, Output> & { readonly run: Run<Parsed, Output> };
/** Defines a contract with a schema; `handle` adds the handler. */
export function defineTask<Input, Parsed, Output = unknown>(
  name: string,
  definition: SchemaDefinition<Input, Parsed, Output> & {
    readonly run?: never;
  },
): Task<Input, Parsed, Output>;
/** Defines a task without a schema, its input typed by the handler; it has none where the handler takes none. */
export function defineTask<Input = void, Output = unknown>(
  name: string,
  definition: TaskOptions & HandlerOptions & {
    readonly input?: never;
    readonly run: Run<Input, Output>;
  },
): Task<Input, Input, Output> & { readonly run: Run<Input, Output> };
/** Defines a contract without a schema, its types given as arguments. */
export function defineTask<Input = void, Output = unknown>(
  name: string,
  definition?: TaskOptions & { readonly input?: never; readonly run?: never },
): Task<Input, Input, Output>;
export function defineTask(
  name: string,
  definition: TaskOptions & {
    readonly input?: StandardSchema<unknown, unknown>;
    readonly output?: StandardSchema<unknown, unknown>;
    readonly run?: Run<unknown, unknown>;
    readonly retryIf?: RetryIf;
  } = {},
): Task<unknown, unknown, unknown> {
  checkName("task's name", name);
  if (typeof definition !== "object" || definition === null) {
    throw new TypeError(
      `Cannot define task '${name}': pass its definition as an object, the handler as its 'run'`,
    );
  }
  const { input: schema, output: _, run, retryIf, ...options } = definition;
  checkOptions(options, DEFINITION_OPTIONS, `of task '${name}'`);
  if (
    schema !== undefined && typeof schema["~standard"]?.validate !== "function"
  ) {
    throw new TypeError(
      `Cannot define task '${name}': its 'input' is no Standard Schema (it has no '~standard'.validate)`,
    );
  }
  if (run !== undefined) checkRun(name, run);
  checkRetryIf(name, retryIf);
  if (run === undefined && retryIf !== undefined) {
    throw new TypeError(
      `Cannot define task '${name}': 'retryIf' belongs to its handler: give it with 'run', or to handle()`,
    );
  }
  const own = defined(options);
  return {
    name,
    input: schema,
    options: own,
    run,
    ...(retryIf && { retryIf }),
    handle(run, options: HandlerOptions = {}) {
      checkRun(name, run);
      checkKnown(`of the handler of '${name}'`, options, ["retryIf"]);
      checkRetryIf(name, options.retryIf);
      return { name, schema, run, ...defined(options) };
    },
    with(input?: unknown, more: EnqueueOptions = {}) {
      if (typeof more !== "object" || more === null) {
        throw new TypeError(`The options of task '${name}' must be an object`);
      }
      return { name, schema, input, options: { ...own, ...defined(more) } };
    },
  };
}

const DEFINITION_OPTIONS: readonly (keyof TaskOptions)[] = [
  "maxAttempts",
  "backoff",
  "timeoutMs",
  "resultTtlMs",
  "expiresInMs",
  "onSettled",
  "onSuccess",
  "onFailure",
];

function checkRetryIf(name: string, retryIf: unknown): void {
  if (retryIf === undefined || typeof retryIf === "function") return;
  throw new TypeError(
    `Cannot handle task '${name}': 'retryIf' must be a function, not ${typeof retryIf}`,
  );
}

function checkRun(name: string, run: unknown): void {
  if (typeof run !== "function") {
    throw new TypeError(
      `Cannot handle task '${name}': the handler must be a function, not ${typeof run}`,
    );
  }
}
