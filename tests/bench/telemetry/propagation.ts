/** What a service does to each request's trace: read its fields, and write them for the next. */
import {
  defaultTextMapGetter,
  defaultTextMapSetter,
  ROOT_CONTEXT,
  type TextMapPropagator,
} from "@opentelemetry/api";
import { W3CPropagator } from "../../../src/w3c/mod.ts";
import type { Classes } from "../../support/official.ts";
import type { Contest } from "./contest.ts";

type Carrier = Record<string, string>;

/** Both propagators of trace context alone. */
export function propagationContest(classes: Classes): Contest {
  return {
    operation: "extract and inject",
    goal: 1.8,
    floor: 1.2,
    baton: propagationWork(new W3CPropagator({ baggage: false })),
    official: propagationWork(new classes.W3CTraceContextPropagator()),
  };
}

function propagationWork(propagator: TextMapPropagator): () => number {
  const carriers = Array.from({ length: 1_024 }, (_, i) => carrier(i));
  return () => {
    for (const sent of carriers) {
      const context = propagator.extract(
        ROOT_CONTEXT,
        sent,
        defaultTextMapGetter,
      );
      const received: Carrier = {};
      propagator.inject(context, received, defaultTextMapSetter);
      if (received.tracestate !== sent.tracestate) {
        throw new Error(`${sent.tracestate} became ${received.tracestate}`);
      }
    }
    return carriers.length;
  };
}

/** No two are alike. */
function carrier(ordinal: number): Carrier {
  const id = (ordinal + 1).toString(16).padStart(16, "0");
  return {
    traceparent: `00-4bf92f3577b34da6${id}-${id}-01`,
    tracestate: `vendor=${id},other=t61rcWkgMzE${ordinal}`,
  };
}
