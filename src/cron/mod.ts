/**
 * Drains by the clock: `Deno.cron` and Cloudflare's cron triggers.
 *
 * On Deno a drain each minute is `Deno.cron("drain", "* * * * *", cron(queue))`.
 *
 * @example A Cloudflare Worker that drains when its cron trigger fires
 * ```ts
 * import { defineTask, Queue, UpstashBroker } from "@baton/queue";
 * import { scheduled } from "@baton/queue/cron";
 * import { connect } from "@baton/queue/upstash";
 *
 * interface Env {
 *   readonly UPSTASH_REDIS_REST_URL: string;
 *   readonly UPSTASH_REDIS_REST_TOKEN: string;
 * }
 *
 * const greet = defineTask("greet", { run: (name: string) => `Hello ${name}` });
 *
 * function makeQueue(env: Env): Queue {
 *   return new Queue({
 *     broker: new UpstashBroker(connect(env)),
 *     handlers: [greet],
 *   });
 * }
 *
 * export default { scheduled: scheduled(makeQueue) };
 * ```
 *
 * @module
 */

export {
  cron,
  type CronRunOptions,
  scheduled,
  type ScheduledContext,
  type ScheduledHandler,
} from "./cron.ts";
export type { PerEnv } from "../core/per_env.ts";
