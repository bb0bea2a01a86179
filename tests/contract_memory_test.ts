import { contract } from "./support/contract.ts";
import { memoryBroker } from "./support/memory_broker.ts";

contract(
  "MemoryBroker",
  ({ startAt }) => Promise.resolve(memoryBroker(startAt)),
);
