/** The same test of a queue on both brokers, whose clocks stand still but for `advance`. */
import { Queue, type QueueOptions, type WorkflowBroker } from "../../mod.ts";
import { MemoryBroker } from "../../src/broker/memory.ts";
import { gatewayBroker } from "./gateway_broker.ts";
import { inspectAll } from "./books.ts";
import { assertEquals } from "@std/assert";
import { recording, type RecordingBroker } from "./recording_broker.ts";
import { test } from "./suite.ts";

/** When every test begins. */
export const START = 1_763_800_000_000;

/** A broker that writes down what it is asked, and queues on it. */
export interface Place extends AsyncDisposable {
  readonly broker: RecordingBroker;
  /** A queue; those of one place are the same one. */
  queue(options?: Partial<QueueOptions>): Queue;
  advance(ms: number): Promise<void>;
}

const places: Readonly<Record<string, () => Promise<Place>>> = {
  "in memory"() {
    let now = START;
    const broker = new MemoryBroker({ clock: { now: () => now } });
    return Promise.resolve({
      ...on(broker, "default"),
      advance: (ms) => Promise.resolve(void (now += ms)),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    });
  },
  async "on Redis"() {
    const at = await gatewayBroker(START);
    return {
      ...on(at.broker, `both-${crypto.randomUUID()}`),
      advance: (ms) => at.advance(ms),
      [Symbol.asyncDispose]: () => at[Symbol.asyncDispose](),
    };
  },
};

function on(
  under: WorkflowBroker,
  name: string,
): Pick<Place, "broker" | "queue"> {
  const broker = recording(under);
  return {
    broker,
    queue: (options = {}) => new Queue({ name, ...options, broker }),
  };
}

/** Declares a test on both; after each, the books agree. */
export function onBoth(
  name: string,
  body: (place: Place) => Promise<void>,
): void {
  for (const [where, open] of Object.entries(places)) {
    test(`${name}, ${where}`, async () => {
      await using place = await open();
      await body(place);
      const { problems } = await inspectAll(place.broker, place.queue().name);
      assertEquals(problems, []);
    });
  }
}
