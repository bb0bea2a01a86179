import type { Context } from "@opentelemetry/api";
import type { Backoff } from "./backoff.ts";
import { checkFlow } from "./flow.ts";
import { scheduleName } from "./id.ts";
import type { Dedupe, EnqueueOptions, Hook } from "./options.ts";
import { checkInteger, checkKnown, checkName, quote } from "./shape.ts";

export { checkRate } from "./flow.ts";
export { checkInteger, checkKnown, checkName } from "./shape.ts";

const YEAR_MS = 366 * 86_400_000;

/** Every option an `enqueue` takes. */
export const ENQUEUE_OPTIONS: readonly (keyof EnqueueOptions)[] = [
  "id",
  "delayMs",
  "runAt",
  "priority",
  "label",
  "group",
  "dedupe",
  "concurrency",
  "rate",
  "maxAttempts",
  "backoff",
  "timeoutMs",
  "expiresInMs",
  "resultTtlMs",
  "onSettled",
  "onSuccess",
  "onFailure",
  "maxBacklog",
  "context",
];

/** The options that name hooks. */
export const HOOKS = ["onSettled", "onSuccess", "onFailure"] as const;

/**
 * Refuses options that exist but do nothing here: whoever gives one expects something of it.
 *
 * @throws {TypeError} If one of `idle` is given.
 */
export function checkEffect(
  where: string,
  options: EnqueueOptions,
  idle: readonly (keyof EnqueueOptions)[],
): void {
  for (const name of idle) {
    if (options[name] === undefined) continue;
    throw new TypeError(
      `The option '${name}' has no effect ${where}: leave it out`,
    );
  }
}

/**
 * The option `signal`.
 *
 * @throws {TypeError} If it is there and no AbortSignal.
 */
export function checkSignal(signal: unknown): void {
  if (signal === undefined) return;
  const { addEventListener } = (signal ?? {}) as Partial<AbortSignal>;
  if (typeof addEventListener !== "function") {
    throw new TypeError("The option 'signal' must be an AbortSignal");
  }
}

/**
 * The option `context`.
 *
 * @throws {TypeError} If it is there and no OpenTelemetry Context.
 */
export function checkContext(context: unknown): void {
  if (context === undefined) return;
  if (typeof (context as Partial<Context> | null)?.getValue !== "function") {
    throw new TypeError(
      "The option 'context' must be an OpenTelemetry Context, such as context.active()",
    );
  }
}

/** The name of a queue, which is part of its keys. */
export function checkQueueName(name: unknown): asserts name is string {
  if (typeof name !== "string" || !/^[A-Za-z0-9_.-]{1,64}$/.test(name)) {
    throw new RangeError(
      `The queue's name must be 1 to 64 of A–Z a–z 0–9 _ . -: current value is ${
        quote(name)
      }`,
    );
  }
}

/**
 * Options by their names and values, before anything is sent; `allowed` are the names that exist here.
 *
 * @throws {TypeError} If an option is unknown, of another type, or two exclude each other.
 * @throws {RangeError} If a value is out of its range.
 */
export function checkOptions(
  options: EnqueueOptions,
  allowed: readonly string[],
  where: string,
): void {
  checkKnown(where, options, allowed);
  const { delayMs, runAt, expiresInMs, priority, maxAttempts } = options;
  if (options.id !== undefined) checkId(options.id);
  if (options.label !== undefined) checkName("label", options.label);
  if (options.group !== undefined) checkName("group", options.group);
  if (delayMs !== undefined) checkInteger("delayMs", delayMs, 0, 10 * YEAR_MS);
  if (runAt !== undefined) checkRunAt(runAt);
  if (delayMs !== undefined && runAt !== undefined) {
    throw new TypeError("Pass 'delayMs' or 'runAt', not both");
  }
  if (priority !== undefined) checkInteger("priority", priority, -10, 10);
  if (maxAttempts !== undefined) {
    checkInteger("maxAttempts", maxAttempts, 1, 1_000_000);
  }
  if (options.timeoutMs !== undefined) {
    checkInteger("timeoutMs", options.timeoutMs, 1, 2 ** 31 - 1);
  }
  if (expiresInMs !== undefined) {
    checkInteger("expiresInMs", expiresInMs, 1, 10 * YEAR_MS);
  }
  if (options.resultTtlMs !== undefined) {
    checkInteger("resultTtlMs", options.resultTtlMs, 0, 10 * YEAR_MS);
  }
  if (options.maxBacklog !== undefined) {
    checkInteger("maxBacklog", options.maxBacklog, 1);
  }
  if (options.backoff !== undefined) checkBackoff(options.backoff);
  if (options.dedupe !== undefined) checkDedupe(options.dedupe);
  checkFlow(options);
  for (const option of HOOKS) checkHookShape(option, options[option]);
}

/**
 * An option that names a hook.
 *
 * @throws {TypeError} If it is there, and neither a task nor a call.
 */
export function checkHookShape(option: string, hook: Hook | undefined): void {
  if (hook === undefined) return;
  const { name, options } = (hook ?? {}) as Partial<Hook>;
  if (typeof name === "string" && typeof options === "object") return;
  throw new TypeError(
    `${option} must be a task, as defineTask() gives it, or a call, as task.with(input) gives it`,
  );
}

function checkId(id: unknown): void {
  checkName("id", id);
  if (scheduleName(id) === undefined) return;
  throw new RangeError(
    `The id ${quote(id)} begins as those of schedules do: choose another`,
  );
}

function checkRunAt(runAt: unknown): void {
  const at = runAt instanceof Date ? runAt.getTime() : runAt;
  if (typeof at !== "number") {
    throw new TypeError(`runAt must be a Date or a number, not ${typeof at}`);
  }
  checkInteger("runAt", at, 0, 4_102_444_800_000 * 2);
}

function checkBackoff(backoff: Backoff): void {
  if (typeof backoff !== "object" || backoff === null) {
    throw new TypeError(
      "backoff must be data, as exponential() or fixed() give it: it travels with the task",
    );
  }
  switch (backoff.kind) {
    case "fixed":
      checkInteger("backoff.delayMs", backoff.delayMs, 0, YEAR_MS);
      break;
    case "exponential":
      checkInteger("backoff.baseMs", backoff.baseMs, 0, YEAR_MS);
      checkInteger("backoff.maxMs", backoff.maxMs, backoff.baseMs, YEAR_MS);
      break;
    default:
      throw new TypeError(
        `backoff.kind must be 'fixed' or 'exponential': current value is ${
          quote((backoff as { kind?: unknown }).kind)
        }`,
      );
  }
  const { jitter } = backoff;
  if (typeof jitter !== "number" || !(jitter >= 0 && jitter <= 1)) {
    throw new RangeError(
      `backoff.jitter must be a number from 0 to 1: current value is ${jitter}`,
    );
  }
}

function checkDedupe(dedupe: Dedupe): void {
  if (typeof dedupe !== "object" || dedupe === null) {
    throw new TypeError("dedupe must be an object with a 'key'");
  }
  checkKnown("of dedupe", dedupe, ["key", "until", "ttlMs"]);
  const { key, until = "ended", ttlMs } = dedupe;
  checkName("dedupe.key", key);
  if (until !== "ended" && until !== "expired") {
    throw new TypeError(
      `dedupe.until must be 'ended' or 'expired': current value is ${
        quote(until)
      }`,
    );
  }
  if (ttlMs !== undefined) checkInteger("dedupe.ttlMs", ttlMs, 1, YEAR_MS);
}
