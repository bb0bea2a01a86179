import type { Context } from "@opentelemetry/api";
import type { Backoff } from "./backoff.ts";
import { scheduleName } from "./id.ts";
import type { Concurrency, Dedupe, EnqueueOptions, Hook } from "./options.ts";

const utf8 = new TextEncoder();
// deno-lint-ignore no-control-regex
const CONTROL = /[\u0000-\u001f\u007f]/;
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
const HOOKS = ["onSettled", "onSuccess", "onFailure"] as const;

/**
 * Options by their names alone; `where` says whose they are, as in "of drain()".
 *
 * @throws {TypeError} If they are no object, or one of them is unknown.
 */
export function checkKnown(
  where: string,
  given: object,
  allowed: readonly string[],
): void {
  if (typeof given !== "object" || given === null) {
    throw new TypeError(`The options ${where} must be an object`);
  }
  for (const name of Object.keys(given)) {
    if (allowed.includes(name)) continue;
    throw new TypeError(
      `Unknown option '${name}' ${where}: the options are ${
        allowed.join(", ")
      }`,
    );
  }
}

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

/**
 * A name that people read: of a task, a label, a key.
 *
 * @throws {TypeError} If it is no string.
 * @throws {RangeError} If it is empty, over 200 bytes, malformed or has control characters.
 */
export function checkName(what: string, name: unknown): asserts name is string {
  if (typeof name !== "string") {
    throw new TypeError(`The ${what} must be a string, not ${typeof name}`);
  }
  if (name === "") throw new RangeError(`The ${what} must not be empty`);
  if (CONTROL.test(name) || !name.isWellFormed()) {
    throw new RangeError(
      `The ${what} ${
        quote(name)
      } must be well-formed text without control characters`,
    );
  }
  const bytes = utf8.encode(name).length;
  if (bytes > 200) {
    throw new RangeError(
      `The ${what} ${quote(name)} must be at most 200 bytes: it is ${bytes}`,
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
 * A whole number between `min` and `max`.
 *
 * @throws {TypeError} If it is no number.
 * @throws {RangeError} If it is fractional, NaN or outside.
 */
export function checkInteger(
  what: string,
  value: unknown,
  min: number,
  max: number = Number.MAX_SAFE_INTEGER,
): asserts value is number {
  if (typeof value !== "number") {
    throw new TypeError(`${what} must be a number, not ${typeof value}`);
  }
  if (!Number.isSafeInteger(value) || value < min || value > max) {
    throw new RangeError(
      `${what} must be a whole number from ${min} to ${max}: current value is ${value}`,
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
  if (options.concurrency !== undefined) checkConcurrency(options.concurrency);
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

function checkConcurrency(concurrency: Concurrency): void {
  if (typeof concurrency !== "object" || concurrency === null) {
    throw new TypeError("concurrency must be an object with a 'key'");
  }
  checkKnown("of concurrency", concurrency, ["key", "limit"]);
  checkName("concurrency.key", concurrency.key);
  checkInteger("concurrency.limit", concurrency.limit, 1, 1_000);
}

function quote(value: unknown): string {
  if (typeof value !== "string") return String(value);
  return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value);
}
