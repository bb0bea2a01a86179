import type { WorkflowBroker } from "../broker/broker.ts";
import type { Clock } from "../core/clock.ts";
import { imported } from "../core/imported.ts";
import { lazyBroker } from "./lazy.ts";

/** A MemoryBroker that is loaded with its first call. */
export function lazyMemory(clock: Clock): WorkflowBroker {
  return lazyBroker("baton.MemoryBroker", async () => {
    const { MemoryBroker } = await imported(() =>
      import("../broker/memory.ts")
    );
    return new MemoryBroker({ clock });
  });
}
