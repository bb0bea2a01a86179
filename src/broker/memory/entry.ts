import type { NewTask, TaskStanding } from "../broker.ts";

/** A group's callback, until the group is complete. */
export interface Waiting {
  readonly id: string;
  readonly state: "waiting";
  readonly enqueuedAt: number;
  readonly task: NewTask;
  /** It was asked to stop meanwhile. */
  cancelled: boolean;
}

/** What is left of a task that ended, until the instant `score`. */
export interface Ended {
  readonly id: string;
  readonly state: "ended";
  readonly score: number;
  readonly standing: Extract<TaskStanding, { readonly endedAt: number }>;
  /** Until when the payload of a completed one is kept. */
  readonly payloadUntil: number;
}

/** How a group (`id`) stands, until it is closed, or else forgotten, at `score`. */
export interface Group {
  readonly id: string;
  readonly score: number;
  readonly total: number | undefined;
  readonly completed: number;
  readonly dead: number;
  readonly cancelled: number;
  readonly expired: number;
  readonly callback: string | undefined;
  readonly closed: boolean;
  readonly lost: boolean;
  readonly ttlMs: number;
  readonly sealMs: number;
  readonly idleMs: number;
}

/** Who holds a dedupe key (`id`), and until when (`score`). */
export interface Hold {
  readonly id: string;
  readonly score: number;
  readonly task: string;
}

/** The last step of a consumer (`id`) that did something, remembered until `score`. */
export interface Memory {
  readonly id: string;
  readonly score: number;
  readonly seq: number;
  readonly stale: readonly string[];
  readonly claimed: readonly string[];
}
