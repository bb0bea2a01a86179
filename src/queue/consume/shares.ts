import type { StepReply, StepRequest } from "../../broker/broker.ts";
import type { Clock } from "../../core/clock.ts";
import type { StoppedBy } from "./course.ts";
import { LaneTime } from "./lane_time.ts";
import type { Pace } from "./pace.ts";
import type { Member, Share } from "./share.ts";

/** How long the line of a queue that has nothing is left alone while others are at work. */
const COMPANY_MS = 2_000;
/** How soon a queue that is to claim nothing looks whether it may again. */
const BARRED_MS = 100;

/** One queue's part, and how its consumer stands. */
interface Part {
  readonly weight: number;
  /** None when it has left. */
  member: Member | undefined;
  /** What it found at its end, where it waits for the others'. */
  verdict: StoppedBy | undefined;
  /** How much had happened when it last asked. */
  asked: number;
}

/** One that is not there yet, and is counted on. */
const AWAITED: Member = {
  waiting: 0,
  lanes: 0,
  held: 0,
  isBacklogged: true,
  solitude: "none",
  canStart: false,
  start() {},
  wake() {},
  join() {},
  hurry() {},
  finish() {},
};

/** What is fixed of a part. */
export interface ShareOptions {
  readonly weight: number;
  /** Sends a step, with others that are asked for at the same time. */
  readonly send: (request: StepRequest) => Promise<StepReply>;
}

/** What the consumers of several queues have in common: lanes and leases by weight, of which an idle one's are lent to the others; an end, which comes when no queue has anything left. */
export class Shares {
  readonly #total: Pace;
  readonly #lanes: LaneTime;
  readonly #barredMs: number;
  readonly #parts: Part[] = [];
  /** How often something happened that may have filled another queue. */
  #events = 0;

  constructor(total: Pace, clock: Clock) {
    this.#total = total;
    this.#lanes = new LaneTime(clock);
    // by a clock that stands no pause ends
    this.#barredMs = clock.stands ? 0 : BARRED_MS;
  }

  /** Lets every consumer look whether it has a step to send along. */
  invite(): void {
    for (const { member } of this.#parts) member?.join();
  }

  /** The part of one more queue. */
  add({ weight, send }: ShareOptions): Share {
    const part: Part = {
      weight,
      member: AWAITED,
      verdict: undefined,
      asked: 0,
    };
    this.#parts.push(part);
    const paceOf = () => this.#paceOf(part);
    const openOf = () => this.#open;
    const barredMs = () => this.#isBarred(part) ? this.#barredMs : undefined;
    const mayBeAlone = () => this.#others(part).every(({ held }) => held === 0);
    return {
      get pace() {
        return paceOf();
      },
      get open() {
        return openOf().length;
      },
      get barredMs() {
        return barredMs();
      },
      get mayBeAlone() {
        return mayBeAlone();
      },
      enter: (member) => {
        part.member = member;
        this.#lanes.open(member, weight);
      },
      leave: () => {
        part.member = undefined;
        this.#endTogether();
      },
      fill: () => this.#fill(part.member),
      step: (request) => this.#step(part, send(request), request),
      restOrEnd: (found) => this.#restOrEnd(part, found),
    };
  }

  get #open(): readonly Part[] {
    return this.#parts.filter(({ member }) => member !== undefined);
  }

  #others(part: Part): readonly Member[] {
    return this.#parts.flatMap(({ member }) =>
      member === undefined || member === part.member ? [] : [member]
    );
  }

  /** All that is neither held for others nor kept for what they may claim. */
  #paceOf(part: Part): Pace {
    const { batchSize, concurrency } = this.#total;
    const open = this.#open;
    const busy = open.filter((one) => one === part || one.member!.isBacklogged);
    const weights = busy.reduce((sum, { weight }) => sum + weight, 0);
    const due = ({ weight }: Part, of: number) =>
      Math.max(1, Math.floor(of * weight / weights));
    let left = batchSize;
    for (const one of open) {
      if (one === part) continue;
      const claim = busy.includes(one) ? due(one, batchSize) : 1;
      left -= Math.max(claim, one.member!.held);
    }
    return {
      ...this.#total,
      batchSize: Math.max(1, left),
      concurrency: due(part, concurrency),
    };
  }

  /** Of those that want to be alone the first is, unless another one already is. */
  #isBarred(part: Part): boolean {
    let isFirst = part.member?.solitude === "wanted";
    for (const one of this.#parts) {
      if (one === part) isFirst = false;
      else if (one.member?.solitude === "taken") return true;
      else if (one.member?.solitude === "wanted" && !isFirst) return true;
    }
    return false;
  }

  #fill(asking: Member | undefined): void {
    while (this.#lanes.taken < this.#total.concurrency) {
      const started = this.#lanes.startNext();
      if (started === undefined) return;
      if (started !== asking) started.wake();
    }
  }

  async #step(
    part: Part,
    answer: Promise<StepReply>,
    { settle }: StepRequest,
  ): Promise<StepReply> {
    if (settle.length > 0) this.#events++;
    part.asked = this.#events;
    const reply = await answer;
    if (reply.deliveries.length > 0) {
      this.#events++;
      part.verdict = undefined;
    }
    return reply;
  }

  #restOrEnd(part: Part, found: number | StoppedBy): number | StoppedBy {
    part.verdict = typeof found === "number" ? undefined : found;
    if (part.verdict === undefined) return found;
    const open = this.#open;
    if (open.some(({ verdict }) => verdict === undefined)) return COMPANY_MS;
    const late = open.filter(({ asked }) => asked < this.#events);
    for (const { member } of late) {
      if (member !== part.member) member!.hurry();
    }
    if (late.length > 0) return late.includes(part) ? 0 : COMPANY_MS;
    for (const { member, verdict } of open) {
      if (member !== part.member) member!.finish(verdict!);
    }
    return found;
  }

  /** One has left; it may have been the one that the others waited for. */
  #endTogether(): void {
    const [part] = this.#open;
    if (part?.verdict === undefined) return;
    const end = this.#restOrEnd(part, part.verdict);
    if (end === 0) part.member!.hurry();
    else if (typeof end === "string") part.member!.finish(end);
  }
}
