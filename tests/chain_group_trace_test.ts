/** A chain with a map in it is one trace: PRODUCER to CONSUMER, link by link, through every element. */
import { ROOT_CONTEXT, SpanKind, trace } from "@opentelemetry/api";
import { assert, assertEquals } from "@std/assert";
import { defineTask, mapOf } from "../mod.ts";
import { onBoth } from "./support/both_brokers.ts";
import type { ReceivedSpan } from "./support/collector.ts";
import { exported, traced } from "./support/traced.ts";

const list = defineTask<void, readonly number[]>("list");
const square = defineTask<number, number>("square");
const publish = defineTask<void>("publish");

/** The spans of tasks, each under what it is a child of, with the names of their tasks. */
function tree(spans: readonly ReceivedSpan[], parent: ReceivedSpan): unknown {
  return spans.filter(({ parentSpanId }) => parentSpanId === parent.spanId)
    .map((span) => [
      `${span.kind} ${span.attributes["baton.task.name"]}`,
      tree(spans, span),
    ])
    .sort();
}

onBoth(
  "chain() of a map is one trace, in which the next link follows what joined its elements",
  async (place) => {
    const at = traced();
    const queue = place.queue({
      telemetry: at.telemetry,
      handlers: [
        list.handle(() => [1, 2]),
        square.handle((n) => n * n),
        publish.handle(() => {}),
      ],
    });
    const tracer = at.telemetry.tracerProvider.getTracer("app");
    const root = tracer.startSpan("GET /", { kind: SpanKind.SERVER });
    const context = trace.setSpan(ROOT_CONTEXT, root);
    const chain = await queue.within(context)
      .chain([list.with(), mapOf(square), publish.with()]);
    root.end();
    await queue.drain({ lingerMs: 0, concurrency: 1 });
    const spans = await exported(at);
    const request = spans.find(({ name }) => name === "GET /")!;
    const square_ = ["CONSUMER square", []];
    assertEquals(tree(spans, request), [
      ["PRODUCER list", [
        ["CONSUMER list", [
          ["PRODUCER baton.fork", [
            ["CONSUMER baton.fork", [
              ["PRODUCER square", [
                square_,
                square_,
                ["PRODUCER baton.join", [
                  ["CONSUMER baton.join", [
                    ["PRODUCER publish", [["CONSUMER publish", []]]],
                  ]],
                ]],
              ]],
            ]],
          ]],
        ]],
      ]],
    ]);
    const members = spans.filter(({ kind, attributes }) =>
      kind === "CONSUMER" && attributes["baton.task.name"] === "square"
    );
    for (const { attributes } of members) {
      assertEquals(attributes["baton.group"], chain.ids[1]);
    }
    const join = spans.find(({ kind, attributes }) =>
      kind === "CONSUMER" && attributes["baton.task.name"] === "baton.join"
    )!;
    assertEquals(join.attributes["baton.group"], chain.id);
    assert(
      join.links.some(({ spanId }) =>
        members.some((member) => member.spanId === spanId)
      ),
      "it is linked to the attempt that completed the group",
    );
  },
);
