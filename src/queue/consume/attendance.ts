import type { Context } from "@opentelemetry/api";
import type { Rung, StepReply } from "../../broker/broker.ts";
import { safely } from "../../core/safely.ts";
import type { QueueParts } from "../parts.ts";
import type { RungBy } from "../wake/wake.ts";
import { leavingOf, wakeFor } from "../wake/waker.ts";

/** How long a present consumer leaves a line alone that it has emptied, in milliseconds: what comes meanwhile needs no ring. */
const LOOK_MS = 20;

/** How a consumer stands to rings: which one brought it, whether it is taken for present, and for whom it rings when it leaves. */
export class Attendance {
  readonly #parts: QueueParts;
  readonly #rung: RungBy | undefined;
  readonly #context: () => Context;
  #isHeard = false;
  #mark: string | undefined;
  #lookAt = -Infinity;
  #isCalled = false;

  constructor(
    parts: QueueParts,
    rung: RungBy | undefined,
    context: () => Context,
  ) {
    this.#parts = parts;
    this.#rung = rung;
    this.#context = context;
  }

  /** Until when the last settlements wait, to go with the next look. */
  get lookAt(): number {
    return this.#lookAt;
  }

  /** What a step has to do with rings. */
  asks(isLeaving: boolean): Rung | undefined {
    const mark = this.#isHeard ? undefined : this.#rung?.mark;
    if (mark === undefined && !isLeaving) return undefined;
    const leaving = isLeaving ? leavingOf(this.#parts) : undefined;
    return { mark, leaving };
  }

  /** Takes an answer, and says whether the ring that brought it still stood; rings for what is left behind. */
  hears({ status, mark }: StepReply): boolean {
    const stands = status !== "answered";
    if (!this.#isHeard) safely(() => this.#rung?.heard?.(stands));
    this.#isHeard = true;
    this.#lookAt = -Infinity;
    if (mark !== this.#mark) wakeFor(this.#parts, mark, this.#context());
    this.#mark = mark;
    return stands;
  }

  /** How long an emptied line is left alone: by a consumer that is taken for present, not for long; by one that was called meanwhile, not at all. */
  restMs({ isPresent }: StepReply, restMs: number): number {
    const { clock } = this.#parts;
    const isCalled = this.#isCalled;
    this.#isCalled = false;
    if (isCalled) return 0;
    if (!isPresent || clock.stands) return restMs;
    const ms = Math.min(restMs, LOOK_MS);
    this.#lookAt = clock.now() + ms;
    return ms;
  }

  /** Somebody called: a step that is under way may have missed what for. */
  call(isStepping: boolean): void {
    this.#isCalled = isStepping;
  }
}
