import { writeJson } from "../../codec/json.ts";
import type { Follower } from "../../codec/plan.ts";
import {
  checkContext,
  checkEffect,
  checkName,
  checkOptions,
  ENQUEUE_OPTIONS,
} from "../../core/check.ts";
import { isGroupLink } from "../../core/link.ts";
import type { EnqueueOptions, Hook } from "../../core/options.ts";
import { parse } from "../../core/schema.ts";
import type { Call } from "../../core/task.ts";
import type { QueueParts } from "../parts.ts";

/** How deep hooks may have hooks. */
const MAX_HOOKS_DEPTH = 8;

/** A call by name only. */
interface NamedCall extends Call {
  readonly defined: false;
}

/** A call whose name and options hold and whose input is JSON. */
export interface CheckedCall {
  readonly name: string;
  readonly options: EnqueueOptions;
  readonly input: string | undefined;
  readonly defined: boolean;
  readonly hooks: readonly CheckedHook[];
}

/** A hook whose options hold. */
export interface CheckedHook {
  readonly on: Follower["on"];
  readonly call: CheckedCall;
  /** Whether its input is what came of the task before it. */
  readonly takesPrevious: boolean;
}

/** A call for a task without a definition, across services. */
export function callNamed(
  name: string,
  input?: unknown,
  options: EnqueueOptions = {},
): Call {
  const call: NamedCall = {
    name,
    schema: undefined,
    input,
    options,
    defined: false,
  };
  return call;
}

/**
 * A list of calls, told from the bare inputs and the definitions that are easily taken for some; `isOther` takes what may stand among them.
 *
 * @throws {TypeError} If it is none; `verb` says of what.
 */
export function checkCalls(
  verb: string,
  calls: readonly unknown[],
  isOther: (call: unknown) => boolean = () => false,
): void {
  if (!Array.isArray(calls)) {
    throw new TypeError(
      `${verb} takes a list of calls, each as task.with(input) gives it`,
    );
  }
  calls.forEach((call: unknown, index) => {
    if (isOther(call)) return;
    const { name, options } = (call ?? {}) as Partial<Call>;
    const isCall = typeof name === "string" && typeof options === "object" &&
      !("handle" in (call as object));
    if (isCall) return;
    refuseLink(call);
    throw new TypeError(
      `${verb} takes calls: pass task.with(input) as element ${index} of the list`,
    );
  });
}

/** A list as it is now: its caller may change it before all of it is read. */
export function asGiven<List>(list: List): List {
  return Array.isArray(list) ? [...list] as List : list;
}

/** A link that is many tasks at a time stands in a chain, where what comes after it does. */
function refuseLink(call: unknown): void {
  if (!isGroupLink(call)) return;
  throw new TypeError(
    "What mapOf() or groupOf() gives is a link of a chain and of nothing else: a map or a group holds calls, and no chain. Use queue.map() or ctx.map()",
  );
}

/** Whether a call is of a definition. */
export function isDefined(
  call: Pick<Call, "name"> & { defined?: boolean },
): boolean {
  return call.defined !== false;
}

/**
 * Checks a call and its hooks, and writes its input.
 *
 * @throws {TypeError} If it is no call, or an option is of the wrong type or unknown.
 * @throws {RangeError} If an option is out of its range.
 * @throws {PayloadError} If the input is refused by its schema, cannot be JSON, or is over the limit.
 */
export async function check(
  parts: QueueParts,
  call: Call,
  depth: number = 0,
): Promise<CheckedCall> {
  refuseLink(call);
  if (typeof call !== "object" || call === null || "handle" in call) {
    throw new TypeError(
      "Cannot enqueue what is no call: pass task.with(input), as defineTask() gives it",
    );
  }
  const { name, input, options } = call;
  const subject = `payload of task '${name}'`;
  // first, as the caller or the schema may change it from here on
  const json = writeJson(
    input,
    `The ${subject}`,
    parts.limits.maxPayloadBytes,
  );
  const hooks = await checkOwn(parts, name, options, depth);
  const schema = call.schema ?? parts.handlers.get(name)?.schema;
  if (schema !== undefined) await parse(schema, input, `the ${subject}`);
  return { name, options, input: json, defined: isDefined(call), hooks };
}

/** Checks all of a call but its input. */
export async function checkOwn(
  parts: QueueParts,
  name: string,
  options: EnqueueOptions,
  depth: number,
): Promise<readonly CheckedHook[]> {
  checkName("task's name", name);
  checkOptions(options, ENQUEUE_OPTIONS, `of task '${name}'`);
  checkContext(options.context);
  const { onSettled, onSuccess, onFailure } = options;
  const checking = [
    ["settled", onSettled] as const,
    ["success", onSuccess] as const,
    ["failure", onFailure] as const,
  ];
  const hooks: CheckedHook[] = [];
  for (const [on, hook] of checking) {
    if (hook === undefined) continue;
    if (depth >= MAX_HOOKS_DEPTH) {
      throw new RangeError(
        `Hooks have hooks at most ${MAX_HOOKS_DEPTH} deep: those of task '${name}' are one too many`,
      );
    }
    hooks.push({ on, ...await checkHook(parts, hook, depth + 1) });
  }
  return hooks;
}

/** A hook, checked. */
export async function checkHook(
  parts: QueueParts,
  hook: Hook,
  depth: number = 1,
): Promise<Omit<CheckedHook, "on">> {
  const { name, options } = hook;
  checkEffect(`on a hook, '${name}'`, options, ["context", "maxBacklog"]);
  if (!("with" in hook)) {
    return { call: await check(parts, hook, depth), takesPrevious: false };
  }
  const hooks = await checkOwn(parts, name, options, depth);
  const call = { name, options, input: undefined, defined: true, hooks };
  return { call, takesPrevious: true };
}
