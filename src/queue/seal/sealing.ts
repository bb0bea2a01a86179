import type { WorkflowBroker } from "../../broker/broker.ts";
import { type SealOptions, sealSettings } from "../../codec/secrets.ts";
import { imported } from "../../core/imported.ts";
import { lazyBroker } from "../lazy.ts";

/**
 * What puts a broker behind a seal, whose code is loaded with the first call.
 *
 * @throws {TypeError} If an option of the seal is unknown or of another type.
 * @throws {RangeError} If there is no key, an id is malformed or given twice, or a secret has less than 32 bytes.
 */
export function sealing(
  options: SealOptions,
): (broker: WorkflowBroker) => WorkflowBroker {
  const settings = sealSettings(options);
  return (broker) => ({
    ...lazyBroker(broker.type, async () => {
      const { sealedBroker } = await imported(() => import("./sealed.ts"));
      return sealedBroker(broker, settings);
    }),
    // what a look answers is not sealed
    ...(broker.peek && { peek: (queue) => broker.peek!(queue) }),
  });
}
