import type { Context } from "@opentelemetry/api";
import { imported } from "../core/imported.ts";
import type { Providers } from "../queue/trace/providers.ts";

/** A `fetch` whose CLIENT spans belong to `current`: the telemetry's own, else one whose code is loaded when it is called. */
export function fetchLater(
  providers: Providers,
  current: Context,
): typeof fetch {
  const { given } = providers.fetching;
  return given(current) ?? (async (...call) => {
    const { fetchIn } = await imported(() =>
      import("../queue/trace/fetching.ts")
    );
    return await fetchIn(providers, current)(...call);
  });
}
