import type { Context } from "@opentelemetry/api";
import type { Handler } from "hono";
import { defined } from "../core/defined.ts";
import { imported } from "../core/imported.ts";
import { type PerEnv, perEnv } from "../core/per_env.ts";
import type { Consumer } from "../queue/consumer.ts";
import { drainLimits, type DrainOptions } from "../queue/drain_options.ts";
import type { Queue } from "../queue/queue.ts";
import { checkKeys, checkSecret } from "./bearer.ts";
import type { QStashKeys } from "./hearing.ts";

/** Options of {@link consumer}: those of a drain, and who may ask for one. */
export interface ConsumerOptions<Env = unknown>
  extends Omit<DrainOptions, "rung"> {
  /**
   * What the request must bring as `Authorization: Bearer …`, or be signed with as the rings of `ring({ url, secret })` are; or a function that finds it in the host's environment.
   * Without one, and without `qstash`, whoever reaches the route makes your tasks run; nothing else is given away.
   *
   * @default {none}
   */
  readonly secret?: string | ((env: Env) => string | undefined);
  /** The keys that QStash's deliveries are signed with, or a function that finds them in the host's environment; their `Upstash-Signature` then lets them in. @default {QStash is not let in} */
  readonly qstash?: QStashKeys | ((env: Env) => QStashKeys | undefined);
}

/**
 * A route that drains the queue when it is called, by cron services that speak HTTP, by rings and by QStash: `app.post("/drain", consumer(queue, { secret }))`.
 *
 * It answers when the drain is over, with its report as JSON; a ring as soon as the broker has said that it still stands, with 202, unless it asks to wait; one that another has answered with 409.
 * Who is not let in gets 401: without the secret, and with a signature that is forged, expired, or made for another route or queue. A drain that fails is thrown, so the app's `onError` answers 500; behind an answer that was given, it is told through `diag`.
 *
 * @param queue The queue, or a `Consumer` of several, of which a ring drains the one that it is for; or a function of the host's environment, which is called once for each environment object.
 * @throws {TypeError} If an option is unknown or of another type, or the secret is empty or holds what a header cannot carry, when the route is made; if the environment's is such a one, when it is called.
 * @throws {RangeError} If an option is out of its range, when the route is made.
 */
export function consumer<Env = unknown>(
  queue: PerEnv<Env, Queue | Consumer>,
  options: ConsumerOptions<Env> = {},
): Handler {
  drainLimits(options, "of consumer()", ["secret", "qstash"]);
  const { secret, qstash, ...given } = options;
  const drainOptions: DrainOptions = defined(given);
  // a variable that is not set must not open the route
  if ("secret" in options && typeof secret !== "function") checkSecret(secret);
  if ("qstash" in options && typeof qstash !== "function") checkKeys(qstash);
  const queueOf = perEnv(queue);

  return async function drain(c): Promise<Response> {
    const env = c.env as Env;
    const guard = {
      secret: told(secret, env, checkSecret),
      qstash: told(qstash, env, checkKeys),
      now: Date.now(),
    };
    const context: Context | undefined = c.get("otel");
    const asked = context === undefined
      ? drainOptions
      : { context, ...drainOptions };
    const { serve } = await imported(() => import("./rung.ts"));
    return await serve(c, guard, () => queueOf(env), asked);
  };
}

/** What is given, or what a function finds in the environment, checked: a route that asks for something is never open. */
function told<Env, Value extends object | string>(
  given: Value | ((env: Env) => Value | undefined) | undefined,
  env: Env,
  check: (value: unknown) => asserts value is Value,
): Value | undefined {
  if (typeof given !== "function") return given;
  const value: unknown = given(env);
  check(value);
  return value;
}
