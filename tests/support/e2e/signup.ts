/** A signup over real HTTP, by a caller that is part of a trace. */
import type { Queue } from "../../../mod.ts";
import type { Shop } from "./shop.ts";

/** The caller's trace. */
export const caller = {
  traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
  spanId: "00f067aa0ba902b7",
  /** Sampled, and of a random id. */
  flags: 0x03,
  traceState: "vendor=t61rcWkgMzE,other=00f067aa0ba902b7",
} as const;

/** What was answered. */
export interface Answer {
  readonly status: number;
  /** The id of the task that the signup enqueued. */
  readonly id: Parameters<Queue["result"]>[0];
}

/** Serves the shop on a free port for as long as one signup takes. */
export async function signUp({ app }: Shop): Promise<Answer> {
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    app.fetch,
  );
  try {
    const { traceId, spanId, traceState } = caller;
    const response = await fetch(
      `http://127.0.0.1:${server.addr.port}/signup`,
      {
        method: "POST",
        headers: {
          "content-type": "application/json",
          traceparent: `00-${traceId}-${spanId}-03`,
          tracestate: traceState,
        },
        body: JSON.stringify({ email: "ada@example.test" }),
      },
    );
    const { id } = await response.json();
    return { status: response.status, id };
  } finally {
    await server.shutdown();
  }
}
