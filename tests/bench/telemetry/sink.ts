/** An OTLP receiver that takes everything and keeps nothing. */

/** Where it listens. */
export interface Sink extends AsyncDisposable {
  readonly endpoint: string;
}

/** Serves it on a free port. */
export function serveSink(): Sink {
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    async (request) => {
      await request.arrayBuffer();
      return new Response(null, {
        headers: { "content-type": "application/x-protobuf" },
      });
    },
  );
  return {
    endpoint: `http://127.0.0.1:${server.addr.port}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}
