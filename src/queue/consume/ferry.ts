import type { StepReply, WorkflowBroker } from "../../broker/broker.ts";
import type { QueueStep } from "../../broker/together.ts";
import type { Clock } from "../../core/clock.ts";

/** A step that waits to be sent. */
type Boarded = QueueStep & PromiseWithResolvers<StepReply>;

/** Sends steps to one broker together: those that are asked for in the same turn, or while others are under way. */
export class Ferry {
  readonly #broker: WorkflowBroker;
  readonly #clock: Clock;
  readonly #invite: () => void;
  #boarded: readonly Boarded[] = [];
  #isSet = false;
  #isAway = false;
  #trips = 0;

  /** `invite` is called before each departure: who asks for a step then is taken along. */
  constructor(broker: WorkflowBroker, clock: Clock, invite: () => void) {
    this.#broker = broker;
    this.#clock = clock;
    this.#invite = invite;
  }

  /** Takes a step along. */
  board(step: QueueStep): Promise<StepReply> {
    const boarded = { ...step, ...Promise.withResolvers<StepReply>() };
    this.#boarded = [...this.#boarded, boarded];
    this.#set();
    return boarded.promise;
  }

  #set(): void {
    if (this.#isSet || this.#isAway || this.#boarded.length === 0) return;
    this.#isSet = true;
    this.#clock.after(0, () => this.#depart());
  }

  #depart(): void {
    this.#invite();
    const boarded = this.#boarded;
    this.#boarded = [];
    this.#isSet = false;
    const trip = ++this.#trips;
    this.#isAway = true;
    const back = () => {
      if (this.#trips === trip) this.#isAway = false;
      this.#set();
    };
    const answers = send(this.#broker, boarded);
    boarded.forEach(({ resolve, reject }, i) =>
      void answers[i]!.then(resolve, reject).then(back)
    );
  }
}

function send(
  broker: WorkflowBroker,
  boarded: readonly Boarded[],
): readonly Promise<StepReply>[] {
  const steps = boarded.map(({ queue, request }) => ({ queue, request }));
  if (broker.steps === undefined || steps.length === 1) {
    return steps.map(async ({ queue, request }) =>
      await broker.step(queue, request)
    );
  }
  try {
    return broker.steps(steps);
  } catch (error) {
    return steps.map(() => Promise.reject(error));
  }
}
