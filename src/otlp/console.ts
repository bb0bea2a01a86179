const text = new TextDecoder();

/** Takes a request for a receiver and writes its body, which is OTLP's JSON, to the console. */
export function writeToConsole(
  _receiver: unknown,
  init?: RequestInit,
): Promise<Response> {
  // deno-lint-ignore no-console
  console.log(text.decode(init?.body as BufferSource));
  return Promise.resolve(new Response());
}
