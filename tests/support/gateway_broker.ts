import { Redis } from "@upstash/redis";
import { UpstashBroker } from "../../src/broker/upstash.ts";
import type { UpstashBrokerOptions } from "../../src/broker/runner.ts";
import { systemClock } from "../../src/core/clock.ts";
import type { ContractBroker } from "./contract.ts";
import { type Control, control } from "./gateway/control.ts";
import { gateway } from "./host.ts";

/** A broker through the shared gateway, in a lane of its own whose clock stands still and whose faults are its own. */
export interface GatewayBroker extends ContractBroker {
  readonly broker: UpstashBroker;
  readonly lane: Control;
}

/** The broker's options, and how long its client waits. */
export interface GatewayBrokerOptions extends UpstashBrokerOptions {
  readonly timeoutMs?: number;
}

/** An `UpstashBroker` through a new lane of the shared gateway. */
export async function gatewayBroker(
  startAt: number,
  { timeoutMs, ...options }: GatewayBrokerOptions = {},
): Promise<GatewayBroker> {
  const token = `${gateway.token}.${crypto.randomUUID().slice(0, 8)}`;
  const lane = control(gateway.url, token);
  const client = new Redis({
    url: gateway.url,
    token,
    automaticDeserialization: false,
    enableAutoPipelining: false,
    enableTelemetry: false,
    retry: { retries: 0 },
    // such a timer cannot be taken back, and workerd allows 10,000 at a time
    ...(timeoutMs === undefined
      ? {}
      : { signal: () => AbortSignal.timeout(timeoutMs) }),
  });
  let now = startAt;
  const clock = options.clock ?? { ...systemClock, monotonic: () => now };
  const tell = async () => {
    await lane.set({ clock: { atUs: now * 1000 } });
  };
  await tell();
  return {
    broker: new UpstashBroker(
      client,
      options.time === "caller" ? { ...options, clock } : options,
    ),
    lane,
    advance(ms) {
      now += ms;
      return tell();
    },
    async [Symbol.asyncDispose]() {
      await lane.clear();
    },
  };
}
