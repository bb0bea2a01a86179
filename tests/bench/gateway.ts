/** The gateway in a thread of its own, as a database is elsewhere: what it computes is not the benchmarks' time. */
import { startGateway } from "../support/gateway/mod.ts";

/** Where it listens. */
export interface Remote extends Disposable {
  readonly url: string;
  readonly token: string;
}

/** Starts the thread, over the Redis at `port`. */
export async function startRemote(port: number): Promise<Remote> {
  const worker = new Worker(import.meta.url, { type: "module" });
  const { promise, resolve, reject } = Promise.withResolvers<
    { readonly url: string; readonly token: string }
  >();
  worker.onmessage = ({ data }) => resolve(data);
  worker.onerror = ({ message }) => reject(new Error(message));
  worker.postMessage(port);
  const { url, token } = await promise;
  return { url, token, [Symbol.dispose]: () => worker.terminate() };
}

interface WorkerScope {
  onmessage: (event: MessageEvent<number>) => void;
  postMessage(message: unknown): void;
}

if ("WorkerGlobalScope" in globalThis) {
  const scope = globalThis as unknown as WorkerScope;
  scope.onmessage = async ({ data: port }) => {
    const { url, token } = await startGateway({ redis: { port } });
    scope.postMessage({ url, token });
  };
}
