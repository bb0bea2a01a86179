/**
 * An app in a Deno with `OTEL_DENO=true`, whose own SDK is all of OpenTelemetry there is. It prints what it saw as a line of JSON.
 *
 * Arguments: a URL that the receipt's handler fetches, and the app once more by a `Telemetry`.
 */
import { Telemetry } from "../../../src/otlp/mod.ts";
import { apiOf } from "../official.ts";
import { registeredApp, runCascade } from "./cascade.ts";

const [url = ""] = Deno.args;

const seen = await runCascade({
  ...registeredApp(apiOf("1.9.1")),
  async onReceipt(ctx) {
    await (await ctx.fetch(url)).body?.cancel();
  },
});

const telemetry = Telemetry.fromEnv(Deno.env.toObject());
await (await telemetry.fetch(url)).body?.cancel();
const { spans, dropped } = await telemetry.flush();
console.log(JSON.stringify({ ...seen, own: spans + dropped }));
