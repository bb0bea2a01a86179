import type { RingOptions } from "./ring.ts";
import { RingError } from "./ring_error.ts";

/** Whatever rings: a POST that has to be answered with 2xx, or with 409 where another has answered the ring. */
export async function post(
  { fetch: given }: Pick<RingOptions, "fetch">,
  timeoutMs: number,
  url: string,
  init: { readonly body: string; readonly headers: Record<string, string> },
): Promise<void> {
  const send = given ?? fetch;
  const signal = AbortSignal.timeout(timeoutMs);
  let response: Response;
  try {
    response = await send(url, { method: "POST", signal, ...init });
  } catch (cause) {
    const why = signal.aborted ? `no answer in ${timeoutMs} ms` : "no answer";
    throw new RingError(`The ring was not heard: ${why}`, undefined, { cause });
  }
  const { ok, status } = response;
  // it is over, whatever becomes of the rest of it
  await response.body?.cancel().catch(() => {});
  if (ok || status === 409) return;
  throw new RingError(`The ring was not heard: HTTP ${status}`, status);
}
