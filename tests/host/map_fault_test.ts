/** 50 maps of 40 through 3 consumer processes while replies are cut, requests come late or twice and consumers are killed: each member and each callback is settled once, by the database's own log. */
import { assert, assertEquals } from "@std/assert";
import {
  BrokerError,
  GroupMissingError,
  Queue,
  UpstashBroker,
} from "../../mod.ts";
import { connect } from "../../src/upstash/mod.ts";
import { inspectAll } from "../support/books.ts";
import { forgetAll, leftovers } from "../support/fault_run/leftovers.ts";
import { closed, double, QUEUE } from "../support/fault_run/maps.ts";
import { newWitness, type Witness } from "../support/fault_run/witness.ts";
import { type Fault, startGateway } from "../support/gateway/mod.ts";
import { test } from "../support/suite.ts";

const MAPS = 50;
const MEMBERS = 40;
const CONSUMERS = 3;
const LONGEST_MS = 120_000;
const root = new URL("../../", import.meta.url);

/** What a network does, again and again. */
const FAULTS: readonly Fault[] = [
  { kind: "delay", ms: 20, probability: 0.05 },
  { kind: "status", status: 500, probability: 0.01 },
  { kind: "status", status: 503, when: "after", probability: 0.02 },
  { kind: "cut", when: "before", probability: 0.02 },
  { kind: "cut", when: "after", probability: 0.08 },
  { kind: "cut", when: "during", probability: 0.02 },
  { kind: "truncate", probability: 0.02 },
  { kind: "late", after: 3, probability: 0.03 },
  { kind: "again", after: 3, probability: 0.05 },
];

test("50 maps of 40 fire 50 callbacks, once each, while replies are lost and consumers are killed", async () => {
  await using gateway = await startGateway({ seed: 11 });
  const { port } = gateway.redis;
  const token = gateway.tokenOf("faulty");
  const quiet = new UpstashBroker(
    connect({ url: gateway.url, token: gateway.token }),
  );
  const queue = new Queue({ name: QUEUE, broker: quiet });
  const witness = newWitness(QUEUE);
  await witness.watch(port);
  const lane = gateway.faults("faulty");
  lane.add(...FAULTS);

  const consumers: Deno.ChildProcess[] = [];
  let kills = 0;
  try {
    while (consumers.length < CONSUMERS) {
      consumers.push(startConsumer(gateway.url, token));
    }
    const producing = produce(gateway.url, token);
    const deadline = Date.now() + LONGEST_MS;
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      if (await isDone(queue)) break;
      assert(Date.now() < deadline, `not done after ${LONGEST_MS} ms`);
      await kill(consumers.shift()!);
      consumers.push(startConsumer(gateway.url, token));
      kills++;
    }
    await producing;
  } finally {
    await Promise.all(consumers.map(kill));
  }
  const { struck } = lane.report();
  lane.clear();
  console.log(`${kills} consumers killed; faults: ${JSON.stringify(struck)}`);

  assertEquals((await inspectAll(quiet, QUEUE)).problems, []);
  for (let map = 0; map < MAPS; map++) {
    const group = queue.group<number>(idOf(map));
    const { results, ...counts } = await group.results();
    assertEquals(counts, {
      status: "complete",
      total: MEMBERS,
      pending: 0,
      completed: MEMBERS,
      dead: 0,
      cancelled: 0,
      expired: 0,
    });
    assertEquals(
      results.map((one) => one.ok && one.value),
      inputsOf(map).map((n) => 2 * n),
    );
    const found = await quiet.group(QUEUE, idOf(map));
    assert(found.status === "complete" && found.callback !== undefined);
    const callback = await queue.result(found.callback);
    assert(callback.status === "completed");
    assertEquals(callback.value, { group: idOf(map), ...counts });
    for (const id of [found.callback, ...results.map(({ id }) => id)]) {
      assertSettledOnce(witness, id);
    }
  }
  await witness.leave();
  await forgetAll(gateway.faults(), quiet, QUEUE);
  assertEquals(await leftovers(port), [], "records left after all TTLs");
});

const idOf = (map: number) => `map-${map}`;
const inputsOf = (map: number) =>
  Array.from({ length: MEMBERS }, (_, n) => map * MEMBERS + n);

/** Makes all maps, each again until it is made, through the faults. */
async function produce(url: string, token: string): Promise<void> {
  const broker = new UpstashBroker(connect({ url, token }));
  const queue = new Queue({ name: QUEUE, broker });
  for (let map = 0; map < MAPS; map++) {
    for (;;) {
      try {
        await queue.map(double, inputsOf(map), {
          id: idOf(map),
          onSettled: closed,
        });
        break;
      } catch (error) {
        if (!(error instanceof BrokerError)) throw error;
      }
    }
  }
}

async function isDone(queue: Queue): Promise<boolean> {
  try {
    const { status } = await queue.group(idOf(MAPS - 1)).counts();
    if (status !== "complete") return false;
  } catch (error) {
    if (error instanceof GroupMissingError) return false;
    throw error;
  }
  const { ready, scheduled, leased } = await queue.stats();
  return ready + scheduled + leased === 0;
}

function assertSettledOnce({ claims, endings }: Witness, id: string): void {
  const ended = endings.get(id) ?? 0;
  assert(ended <= 1, `${id}: ${ended} accepted settlements`);
  assert(claims.has(id), `${id} was never claimed`);
}

function startConsumer(url: string, token: string): Deno.ChildProcess {
  const script = "tests/support/fault_run/map_consumer.ts";
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-lock", script, url, token],
    cwd: root,
    stdout: "null",
    stderr: "inherit",
  }).spawn();
}

async function kill(consumer: Deno.ChildProcess): Promise<void> {
  try {
    consumer.kill("SIGKILL");
  } catch { /* it ended by itself */ }
  await consumer.status;
}
