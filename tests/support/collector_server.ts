/** The collector behind a port of this host. */
import { Collector } from "./collector.ts";

/** A collector that listens. */
export interface ServedCollector extends AsyncDisposable {
  readonly collector: Collector;
  /** The base URL, what `OTEL_EXPORTER_OTLP_ENDPOINT` takes. */
  readonly endpoint: string;
}

/** Serves a collector on a free port until it is disposed of. */
export function serveCollector(
  collector: Collector = new Collector(),
): ServedCollector {
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    (request) => collector.handle(request),
  );
  return {
    collector,
    endpoint: `http://127.0.0.1:${server.addr.port}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}
