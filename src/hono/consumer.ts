import type { Context } from "@opentelemetry/api";
import type { Handler } from "hono";
import { defined } from "../core/defined.ts";
import { type PerEnv, perEnv } from "../core/per_env.ts";
import { drainLimits, type DrainOptions } from "../queue/drain_options.ts";
import type { Queue } from "../queue/queue.ts";
import { bearerIs, checkSecret } from "./bearer.ts";

/** Options of {@link consumer}: those of a drain, and who may ask for one. */
export interface ConsumerOptions<Env = unknown> extends DrainOptions {
  /**
   * What the request must bring as `Authorization: Bearer …`, or a function that finds it in the host's environment.
   * Without one, whoever reaches the route makes your tasks run; nothing else is given away.
   *
   * @default {none}
   */
  readonly secret?: string | ((env: Env) => string | undefined);
}

/**
 * A route that drains the queue when it is called, for cron services that speak HTTP: `app.post("/drain", consumer(queue, { secret }))`.
 * It answers when the drain is over, with its report as JSON; 401 without the secret. A drain that fails is thrown, so the app's `onError` answers 500.
 *
 * @param queue The queue, or a function of the host's environment, which is called once for each environment object.
 * @throws {TypeError} If an option is unknown or of another type, or the secret is empty or holds what a header cannot carry, when the route is made; if the environment's is such a one, when it is called.
 * @throws {RangeError} If an option is out of its range, when the route is made.
 */
export function consumer<Env = unknown>(
  queue: PerEnv<Env, Queue>,
  options: ConsumerOptions<Env> = {},
): Handler {
  const { secret, ...given } = options;
  drainLimits(given, "of consumer()");
  const drainOptions = defined(given);
  if (secret !== undefined && typeof secret !== "function") checkSecret(secret);
  const queueOf = perEnv(queue);

  return async function drain(c): Promise<Response> {
    const env = c.env as Env;
    if (secret !== undefined) {
      const expected = typeof secret === "function" ? secret(env) : secret;
      checkSecret(expected);
      if (!await bearerIs(expected, c.req.header("authorization"))) {
        return c.text("Unauthorized", 401, { "WWW-Authenticate": "Bearer" });
      }
    }
    const context: Context | undefined = c.get("otel");
    const report = await queueOf(env).drain(
      context === undefined ? drainOptions : { context, ...drainOptions },
    );
    return c.json(report, 200, { "Cache-Control": "no-store" });
  };
}
