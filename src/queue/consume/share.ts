import type { StepReply, StepRequest } from "../../broker/broker.ts";
import type { StoppedBy } from "./course.ts";
import type { Pace } from "./pace.ts";

/** The part that one queue has in a consumer of several. Its functions need no `this`. */
export interface Share {
  /** How its queue is consumed as things stand. */
  readonly pace: Pace;
  /** How many queues are still consumed. */
  readonly open: number;
  /** In how many milliseconds to look again, where nothing is to be claimed since another queue's task has to be alone. */
  readonly barredMs: number | undefined;
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
  /** It would rest for so many milliseconds, or end. It ends only if no other has anything left either; says what it does instead. */
  restOrEnd(found: number | StoppedBy): number | StoppedBy;
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
