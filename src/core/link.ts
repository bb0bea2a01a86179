import { checkInteger, checkKnown } from "./check.ts";
import { defined } from "./defined.ts";
import type {
  GroupOptions,
  MapOptions,
  MemberOutput,
  MemberResult,
} from "./group.ts";
import type { EnqueueOptions } from "./options.ts";
import type { Call, CallArguments, Task } from "./task.ts";

/** The options of a map that are those of its tasks. */
export const MEMBER_OPTIONS:
  readonly (keyof Omit<MapOptions, keyof GroupOptions>)[] = [
    "delayMs",
    "runAt",
    "priority",
    "label",
    "concurrency",
    "rate",
    "maxAttempts",
    "backoff",
    "timeoutMs",
    "expiresInMs",
    "resultTtlMs",
  ];

const LINK_OPTIONS: readonly (keyof GroupLinkOptions)[] = [
  "onFailure",
  "ttlMs",
];
const YEAR_MS = 366 * 86_400_000;

/** How a map or a group stands in its chain. */
export interface GroupLinkOptions {
  /** `stop`: the link is dead when one of its elements ended without a result. `continue`: it completes all the same, and the next link reads what came of each. @default {the chain's} */
  readonly onFailure?: "stop" | "continue";
  /** How long each element and its result are remembered after its end, in milliseconds, as of any group: longer than the whole of it takes. @default {86400000, and the delay of the elements} */
  readonly ttlMs?: number;
}

/** How a map stands in its chain, and the options of every one of its tasks. */
export interface MapLinkOptions
  extends GroupLinkOptions, Omit<MapOptions, keyof GroupOptions> {}

/**
 * A link of a chain that is many tasks at a time, as {@linkcode mapOf} and {@linkcode groupOf} make it. The next link is enqueued once when all of them have ended.
 *
 * @typeParam Output What the next link reads as `ctx.previous.value`: what came of each, in order.
 */
export interface GroupLink<Output = unknown> {
  /** What its tasks are made of. */
  readonly elements: Elements;
  /** How it stands in its chain. */
  readonly options: GroupLinkOptions;
  /** Only a type: what came of the tasks. */
  readonly "~output"?: Output;
}

/** What the tasks of a link are made of: calls, or one call for each input; without inputs, for each element of the list that the link before returned. */
export type Elements =
  | { readonly kind: "calls"; readonly calls: readonly Call[] }
  | {
    readonly kind: "map";
    /** The call, without its input. */
    readonly each: Call;
    /** The inputs, where they are known. */
    readonly inputs: readonly unknown[] | undefined;
  };

/**
 * A link of a chain: a task, or many at a time.
 *
 * @typeParam Output What the next link reads of it.
 */
export type ChainLink<Output = unknown> = Call<Output> | GroupLink<Output>;

/**
 * A link of a chain that is one task for each input, all of them at once. The next link runs once, when all have ended, and reads as `ctx.previous.value` what came of each, in the order of the inputs: `{ ok: true, value }` or `{ ok: false, error }`.
 * Left out, the inputs are the list that the link before returned. Of an empty list the link completes at once, with an empty list.
 *
 * @example Fan-out and fan-in
 * ```ts
 * import { defineTask, mapOf, type MemberResult, Queue } from "@baton/queue";
 *
 * const pages = defineTask("pages", { run: (book: string) => [`${book}-1`, `${book}-2`] });
 * const scan = defineTask("scan", { run: (page: string) => page.length });
 * const bind = defineTask("bind", {
 *   run(_: void, ctx) {
 *     const scans = ctx.previous?.status === "completed" ? ctx.previous.value : [];
 *     return (scans as MemberResult<number>[]).length;
 *   },
 * });
 *
 * const queue = Queue.inMemory({ handlers: [pages, scan, bind] });
 * await queue.chain([pages.with("atlas"), mapOf(scan), bind.with()]);
 * ```
 *
 * @param task What `defineTask` gave.
 * @param inputs Up to 100,000, which travel with the chain: within `maxPayloadBytes` in all.
 * @throws {TypeError} If it is no task, the inputs are no list, or an option is unknown or of another type.
 * @throws {RangeError} If an option is out of its range.
 */
export function mapOf<Input, Parsed, Output>(
  task: Task<Input, Parsed, Output>,
  inputs?: readonly Input[],
  options: MapLinkOptions = {},
): GroupLink<readonly MemberResult<Output>[]> {
  if (typeof (task as Partial<typeof task> | null)?.with !== "function") {
    throw new TypeError(
      "mapOf() takes a task, as defineTask() gives it, and its inputs",
    );
  }
  if (inputs !== undefined && !Array.isArray(inputs)) {
    throw new TypeError(
      "mapOf() takes its inputs as a list; left out, they are the list that the link before returned",
    );
  }
  checkKnown("of mapOf()", options, [...LINK_OPTIONS, ...MEMBER_OPTIONS]);
  const own: EnqueueOptions = defined(Object.fromEntries(
    MEMBER_OPTIONS.map((name) => [name, options[name]]),
  ));
  const call = [undefined, own] as unknown as CallArguments<Input>;
  const all = inputs && [...inputs];
  const elements: Elements = {
    kind: "map",
    each: task.with(...call),
    inputs: all,
  };
  return { elements, options: linkOptions("mapOf()", options) };
}

/**
 * A link of a chain that is several tasks at a time, of whatever kinds: as {@linkcode mapOf}, the results in the order of the calls.
 *
 * @param calls What `task.with(input, options)` gave, each with options of its own but `id`, `group`, `dedupe`, `maxBacklog` and `context`.
 * @throws {TypeError} If the calls are no list, or an option is unknown or of another type.
 * @throws {RangeError} If an option is out of its range.
 */
export function groupOf<const Calls extends readonly Call[]>(
  calls: Calls,
  options: GroupLinkOptions = {},
): GroupLink<readonly MemberResult<MemberOutput<Calls>>[]> {
  if (!Array.isArray(calls)) {
    throw new TypeError(
      "groupOf() takes a list of calls, each as task.with(input) gives it",
    );
  }
  checkKnown("of groupOf()", options, LINK_OPTIONS);
  return {
    elements: { kind: "calls", calls: [...calls] },
    options: linkOptions("groupOf()", options),
  };
}

/** Whether a link is many tasks at a time. */
export function isGroupLink(link: unknown): link is GroupLink {
  const { elements } = (link ?? {}) as Partial<GroupLink>;
  return typeof elements === "object";
}

function linkOptions(
  verb: string,
  { onFailure, ttlMs }: GroupLinkOptions,
): GroupLinkOptions {
  if (onFailure !== undefined && !["stop", "continue"].includes(onFailure)) {
    throw new TypeError(
      `onFailure of ${verb} must be 'stop' or 'continue': current value is ${onFailure}`,
    );
  }
  if (ttlMs !== undefined) checkInteger("ttlMs", ttlMs, 1_000, YEAR_MS);
  return {
    ...(onFailure === undefined ? {} : { onFailure }),
    ...(ttlMs === undefined ? {} : { ttlMs }),
  };
}
