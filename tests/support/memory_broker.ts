import { MemoryBroker } from "../../src/broker/memory.ts";
import type { ContractBroker } from "./contract.ts";

/** A broker in memory whose clock stands still, but for `advance`. */
export function memoryBroker(startAt: number): ContractBroker {
  let now = startAt;
  return {
    broker: new MemoryBroker({ clock: { now: () => now } }),
    advance(ms) {
      now += ms;
      return Promise.resolve();
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
