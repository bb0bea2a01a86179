/** Takes a request for a receiver and writes its body, which is OTLP's JSON, to the console. */
export async function writeToConsole(
  _receiver: unknown,
  init?: RequestInit,
): Promise<Response> {
  // deno-lint-ignore no-console
  console.log(await new Response(init?.body).text());
  return new Response();
}
