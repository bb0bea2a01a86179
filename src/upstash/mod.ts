/**
 * An `@upstash/redis` client with the options that suit a queue; and rings by Redis PUBLISH, for workers that listen instead of polling.
 *
 * @example
 * ```ts
 * import { Queue, UpstashBroker } from "@baton/queue";
 * import { connect } from "@baton/queue/upstash";
 *
 * interface Env {
 *   readonly UPSTASH_REDIS_REST_URL: string;
 *   readonly UPSTASH_REDIS_REST_TOKEN: string;
 * }
 *
 * export function makeQueue(env: Env): Queue {
 *   return new Queue({ name: "images", broker: new UpstashBroker(connect(env)) });
 * }
 * ```
 *
 * @module
 */

export { connect } from "./connect.ts";
export type {
  ConnectOptions,
  UpstashCredentials,
  UpstashEnv,
  UpstashSource,
} from "./connect.ts";
export { publish, type Publisher, type PublishOptions } from "./publish.ts";
export {
  subscribe,
  type SubscribeOptions,
  SubscriptionError,
} from "./subscribe.ts";
