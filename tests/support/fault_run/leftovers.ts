import { assert } from "@std/assert";
import type { WorkflowBroker } from "../../../mod.ts";
import type { Lane } from "../gateway/mod.ts";
import { RespClient } from "../resp_client.ts";

/** Lets everything be forgotten: the clock moves past all TTLs, and steps sweep until nothing is left. */
export async function forgetAll(
  lane: Lane,
  broker: WorkflowBroker,
  queue: string,
): Promise<void> {
  lane.set({ clock: { offsetMs: 8 * 86_400_000 } });
  for (let seq = 1;; seq++) {
    const { sweeping } = await broker.step(queue, {
      consumer: "janitor",
      seq,
      leaseMs: 1_000,
      limit: 0,
      maxBytes: 1,
      alone: true,
      settle: [],
      extend: [],
    });
    if (!sweeping) return;
    assert(seq < 1_000, "the sweep never ends");
  }
}

/** Every member and field that is no canary. */
export async function leftovers(port: number): Promise<string[]> {
  await using redis = await RespClient.connect({ port });
  const keys = await redis.command("KEYS", "*") as string[];
  const left: string[] = [];
  for (const key of keys.sort()) {
    if (key.endsWith(":meta")) continue;
    const hash = /:(state|body\.\d)$/.test(key);
    const members = await redis.command(
      ...(hash ? ["HKEYS", key] : ["ZRANGE", key, "0", "-1"]),
    ) as string[];
    left.push(
      ...members.filter((member) => member !== "!canary").map((member) =>
        `${key} ${member}`
      ),
    );
  }
  return left;
}
