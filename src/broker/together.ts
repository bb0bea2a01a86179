import type { StepReply, StepRequest } from "./broker.ts";

/** One of several steps that are sent together. */
export interface QueueStep {
  /** The queue's name. */
  readonly queue: string;
  /** The step. */
  readonly request: StepRequest;
}

/** What a broker may offer to a consumer of several queues. */
export interface SharedSteps {
  /**
   * As {@linkcode Broker.step} for each, in as few requests as the broker can, in order and of any number of queues. A broker without it is asked step by step.
   * Each promise settles as soon as its own step is answered or has failed, whatever becomes of the others; a request that several share is counted with the first of them.
   */
  steps?(steps: readonly QueueStep[]): readonly Promise<StepReply>[];
}
