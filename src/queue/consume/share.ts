import type { StepReply, StepRequest } from "../../broker/broker.ts";
import type { StoppedBy } from "./course.ts";
import type { Pace } from "./pace.ts";

/** The part that one queue has in a consumer of several. */
export interface Share {
  /** How its queue is consumed as things stand. */
  readonly pace: Pace;
  /** How many queues are still consumed. */
  readonly open: number;
  /** Whether nothing is to be claimed, since another queue's task has to be alone. */
  readonly isBarred: boolean;
  /** Whether a task may be claimed that has to be alone. */
  readonly mayBeAlone: boolean;
  /** Takes the consumer of the queue in. */
  enter(member: Member): void;
  /** Takes it out: it has ended. */
  leave(): void;
  /** Starts what fits, of all queues. */
  fill(): void;
  /** Sends a step, together with those of other queues. */
  step(request: StepRequest): Promise<StepReply>;
  /** It found nothing and would end: it does if no other has anything either, else it rests for so long. */
  endOrRest(by: StoppedBy): StoppedBy | number;
  /** It goes on after so long, which is given back. */
  goesOn(ms: number): number;
}

/** The consumer of one queue, as those beside it see it. */
export interface Member {
  /** Tasks that wait for a lane. */
  readonly waiting: number;
  /** Lanes that are not free. */
  readonly lanes: number;
  /** Tasks that it holds, or may be given by the step that is under way. */
  readonly held: number;
  /** Whether its line may hold more than was claimed. */
  readonly isBacklogged: boolean;
  /** Whether a task that has to be alone runs or is asked for, or others are to make room for one. */
  readonly solitude: "none" | "wanted" | "taken";
  /** Whether a task waits and may be started. */
  readonly canStart: boolean;
  /** Starts one. */
  start(): void;
  /** Lets it look how it stands. */
  wake(): void;
  /** A request goes out: a step that is due soon may go with it. */
  join(): void;
  /** Steps now, though its line rests. */
  hurry(): void;
  /** Ends it, since no queue has anything left. */
  finish(by: StoppedBy): void;
}
