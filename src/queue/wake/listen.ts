/** What a worker gives to its {@linkcode Listen}. */
export interface ListenFor {
  /** The queue's name. */
  readonly queue: string;
  /** Aborts when the worker stops. */
  readonly signal: AbortSignal;
  /** To be called with `true` once it hears rings, and with `false` when it no longer does: the worker then polls as it does without it. */
  connected(isConnected: boolean): void;
  /** To be called at each ring. */
  called(): void;
  /** To be told of what goes wrong; the worker's `onError` hears of it. */
  failed(error: unknown): void;
}

/** Listens for rings until its signal aborts, and reconnects by itself: `subscribe({ url, token })` of `@baton/queue/upstash`, or a function of your own. Its promise resolves when it has ended; a worker that stops waits for that, 5 s at most. */
export type Listen = (listener: ListenFor) => Promise<void>;

/** The ear of a worker. */
export class Ear {
  readonly #listen: Listen | undefined;
  readonly #queue: string;
  readonly #failed: (error: unknown) => void;
  #isConnected = false;
  #ended: Promise<void> = Promise.resolve();

  constructor(
    listen: Listen | undefined,
    queue: string,
    failed: (error: unknown) => void,
  ) {
    this.#listen = listen;
    this.#queue = queue;
    this.#failed = failed;
  }

  /** Whether it hears rings, so that nobody has to look. */
  get isConnected(): boolean {
    return this.#isConnected;
  }

  /** When it has ended. */
  get ended(): Promise<void> {
    return this.#ended;
  }

  /** Begins to listen, and gives what ends it. What came while nobody listened is looked for once it hears. */
  open(call: () => void): () => void {
    if (this.#listen === undefined) return () => {};
    const control = new AbortController();
    this.#ended = this.#hear(this.#listen, control.signal, call);
    return () => control.abort();
  }

  async #hear(
    listen: Listen,
    signal: AbortSignal,
    call: () => void,
  ): Promise<void> {
    const connected = (isConnected: boolean) => {
      if (signal.aborted) return;
      const isNews = isConnected || this.#isConnected;
      this.#isConnected = isConnected;
      if (isNews) call();
    };
    try {
      await listen({
        queue: this.#queue,
        signal,
        connected,
        called: () => signal.aborted || call(),
        failed: (error) => signal.aborted || this.#failed(error),
      });
    } catch (error) {
      if (!signal.aborted) this.#failed(error);
    }
    connected(false);
  }
}
