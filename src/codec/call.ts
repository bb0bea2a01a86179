import { HOOKS } from "../core/check.ts";
import { defined } from "../core/defined.ts";
import type { EnqueueOptions, Hook, HookTask } from "../core/options.ts";
import type { Call } from "../core/task.ts";

/** A call as JSON takes it, its hooks with it; for a task that is to be made of it by whoever runs another one. */
export function writeCall({ name, input, options }: Call): unknown {
  return defined({ n: name, i: input, o: writeOptions(options) });
}

/** The call that was written so; without a schema, which is the consumer's. */
export function readCall(value: unknown): Call | undefined {
  const { n: name, i: input, o: options = {} } = recordOf(value);
  if (typeof name !== "string") return undefined;
  return { name, schema: undefined, input, options: readOptions(options) };
}

function writeOptions({ runAt, ...options }: EnqueueOptions): unknown {
  const hooks = HOOKS.map((on) => [on, writeHook(options[on])]);
  const at = runAt === undefined ? undefined : Number(runAt);
  return defined({ ...options, ...Object.fromEntries(hooks), runAt: at });
}

function readOptions(value: unknown): EnqueueOptions {
  const options = recordOf(value);
  const hooks = HOOKS.map((on) => [on, readHook(options[on])]);
  return defined({ ...options, ...Object.fromEntries(hooks) });
}

/** A definition takes what came of the task before, and says so. */
function writeHook(hook: Hook | undefined): unknown {
  if (hook === undefined) return undefined;
  if (!("with" in hook)) return writeCall(hook);
  return { n: hook.name, o: writeOptions(hook.options), t: 1 };
}

function readHook(value: unknown): Hook | undefined {
  const call = readCall(value);
  if (call === undefined || recordOf(value).t !== 1) return call;
  const task: HookTask = {
    name: call.name,
    options: call.options,
    with: (input) => ({ ...call, input }),
  };
  return task;
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null
    ? value as Readonly<Record<string, unknown>>
    : {};
}
