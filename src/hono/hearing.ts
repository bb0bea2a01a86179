import type { Ring } from "../codec/ring.ts";

/** The signing keys that QStash's console shows. */
export interface QStashKeys {
  /** `QSTASH_CURRENT_SIGNING_KEY`. */
  readonly currentSigningKey: string;
  /** `QSTASH_NEXT_SIGNING_KEY`, which takes its place when keys are rolled. */
  readonly nextSigningKey: string;
  /** The route's URL as QStash calls it, where the host sees another one, as behind a proxy. @default {that of the request} */
  readonly url?: string;
}

/** What a route asks of its callers: one of the two at least. */
export interface Guard {
  readonly secret: string | undefined;
  readonly qstash: QStashKeys | undefined;
  /** In milliseconds since the epoch. */
  readonly now: number;
}

/** Who called, and the ring that it brought. */
export interface Caller {
  readonly by: "anyone" | "bearer" | "ring" | "qstash";
  readonly ring: Ring | undefined;
}
