import { assert, assertEquals } from "@std/assert";
import { Redis } from "@upstash/redis";
import { UpstashBroker } from "../../src/broker/upstash.ts";
import type { ContractBroker, MakeBroker } from "../support/contract.ts";
import { type Gateway, startGateway } from "../support/gateway/mod.ts";
import { memoryBroker } from "../support/memory_broker.ts";
import { compare, explain, type Failure } from "../support/model.ts";
import { gatewayBroker } from "../support/gateway_broker.ts";
import { again, failing, once, whole } from "../support/model/mishaps.ts";
import { test } from "../support/suite.ts";

/** Which seeds to run; `BATON_MODEL_SEEDS=1-500` runs others. */
const [FIRST = 1, LAST = FIRST] = (Deno.env.get("BATON_MODEL_SEEDS") ?? "1-12")
  .split("-").map(Number);
/** How many operations each seed makes. */
const LENGTH = 120;

const memory: MakeBroker = ({ startAt }) =>
  Promise.resolve(memoryBroker(startAt));

/** Brokers over a gateway, each in a lane whose clock stands still. */
function upstash(gateway: Gateway): MakeBroker {
  let lanes = 0;
  return ({ startAt }) => {
    const name = `model${++lanes}`;
    const lane = gateway.faults(name);
    let now = startAt;
    const tell = () => void lane.set({ clock: { atUs: now * 1000 } });
    tell();
    const client = new Redis({
      url: gateway.url,
      token: gateway.tokenOf(name),
      automaticDeserialization: false,
      enableTelemetry: false,
    });
    return Promise.resolve({
      broker: new UpstashBroker(client),
      advance(ms) {
        now += ms;
        tell();
        return Promise.resolve();
      },
      [Symbol.asyncDispose]: () => Promise.resolve(),
    });
  };
}

function fail(failure: Failure | undefined): void {
  assert(failure === undefined, failure && explain(failure));
}

test("UpstashBroker does what MemoryBroker does, whatever is asked of both", async () => {
  await using gateway = await startGateway();
  const right = upstash(gateway);
  for (let seed = FIRST; seed <= LAST; seed++) {
    fail(await compare(seed, LENGTH, [memory, right]));
  }
});

test("MemoryBroker does the same when the same is asked of it", async () => {
  for (let seed = 1; seed <= 40; seed++) {
    fail(await compare(seed, LENGTH, [memory, memory]));
  }
});

test("MemoryBroker ends the same, whatever comes to it again, at once or late", async () => {
  for (let seed = 1; seed <= 40; seed++) {
    fail(await compare(seed, LENGTH, [once(memory), again(memory, seed)]));
  }
});

test("UpstashBroker ends the same, whatever comes to it again, at once or late", async () => {
  await using gateway = await startGateway();
  const right = upstash(gateway);
  for (let seed = FIRST; seed <= LAST; seed += 4) {
    fail(await compare(seed, LENGTH, [once(right), again(right, seed)]));
  }
});

test("UpstashBroker ends the same, whichever commands inside failed, once the request is repeated", async () => {
  const make: Parameters<typeof failing>[0] = ({ startAt }) =>
    gatewayBroker(startAt, { attempts: 1 });
  for (let seed = FIRST; seed <= LAST; seed += 4) {
    fail(await compare(seed, LENGTH, [whole(make), failing(make, seed)]));
  }
});

test("compare() finds a broker that forgets to cancel, and shows a short way there", async () => {
  const flawed: MakeBroker = ({ startAt }) => {
    const made = memoryBroker(startAt);
    const { broker } = made;
    const cancel = broker.cancel.bind(broker);
    broker.cancel = (queue, request) =>
      cancel(queue, { ...request, id: `not ${request.id}` });
    return Promise.resolve<ContractBroker>(made);
  };
  const failure = await compare(1, LENGTH, [memory, flawed]);
  assert(failure !== undefined);
  assertEquals(failure.operations.map((each) => each.kind).slice(-1), [
    "cancel",
  ]);
  assert(failure.operations.length <= 3, explain(failure));
});
