import type { QueueParts } from "../parts.ts";
import type { Instrument } from "../trace/instrument.ts";

/** The parts for one consumer, which tell of each request that its handlers send: to the broker, repeats included, and with `ctx.fetch`. */
export function countingRequests(
  parts: QueueParts,
  sent: (requests: number) => void,
): QueueParts {
  const { instrument } = parts;
  const counting: Instrument = {
    ...instrument,
    spent(verb, cost) {
      sent(cost.requests);
      instrument.spent(verb, cost);
    },
    fetchIn(context) {
      const send = instrument.fetchIn(context);
      return (input, init) => {
        sent(1);
        return send(input, init);
      };
    },
  };
  return { ...parts, instrument: counting };
}
