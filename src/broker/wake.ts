/** For how long a ring is waited for before another enqueue asks for one, in milliseconds. */
export const RING_MS = 5_000;
/** How long a step that claimed something is taken for present: by then it has looked again, or it is gone. */
export const PRESENT_MS = 2_000;

/**
 * Waking: an enqueue learns from its own reply whether a consumer has to be rung for.
 *
 * The broker keeps one mark of a queue, an instant and what it is the end of: a *ring* that an enqueue was told to make, or the *presence* of a consumer that claimed something and will look again. While it holds, nobody needs to ring.
 *
 * - An enqueue of a due task that finds no mark, or one that is over, sets a ring and is told it. The same enqueue again, whose reply was lost, finds its task known and the ring outstanding, and is told it again: to ring twice is harmless, never is not.
 * - A step that claims turns presence on where there is a mark: in the place of its own ring, never of another's, whose ring is still to come and to be heard.
 * - A step that had room and found nothing takes the mark away in the same script. So an enqueue that comes after a drain's last look always rings.
 * - A step that is `leaving` looks whether anything is left behind that came while it was present; if so it sets a ring, and is told it.
 * - A step that brings the mark of a ring does nothing once no such ring is outstanding: whoever came meanwhile has seen all that it rang for. So a ring is good once.
 *
 * A producer that dies before it rings costs {@link RING_MS} of silence, a consumer that dies {@link PRESENT_MS}; then the next enqueue rings. A queue without a mark pays nothing; one with it a command for each enqueue, one more for each ring, and one for each change of the mark by a step.
 */
export interface Asking {
  /** Whether the caller rings if it is told to. @default {false} */
  readonly rings?: boolean | undefined;
}

/** Who is to ring. */
export interface Told {
  /** The mark of the ring that the caller is to make; absent where somebody else has made it, or is there. */
  readonly mark?: string | undefined;
}

/** What a step has to do with rings. */
export interface Rung {
  /** The mark of the ring that brought this consumer. */
  readonly mark?: string | undefined;
  /** The consumer claims nothing any more; whether it rings for what it leaves behind. */
  readonly leaving?: "silently" | "ringing" | undefined;
}

/** What a step learns about rings. */
export interface Presence extends Told {
  /** Whether the consumer is taken for present, and so has to look again soon. */
  readonly isPresent?: boolean;
}
