import { Redis } from "@upstash/redis/cloudflare";
import { checkKnown } from "../core/check.ts";

/** Where a database is and what opens it; Upstash's console shows both under "REST API". */
export interface UpstashCredentials {
  /** Begins with `https://`. */
  readonly url: string;
  /** The token that may write. */
  readonly token: string;
}

/** The variables that Upstash and its integrations set, as a worker's `env` has them; `Deno.env.toObject()` and `process.env` do as well. */
export interface UpstashEnv {
  /** Where the database is. */
  readonly UPSTASH_REDIS_REST_URL?: string | undefined;
  /** What opens it. */
  readonly UPSTASH_REDIS_REST_TOKEN?: string | undefined;
}

/** Where {@link connect} finds a database: in `{ url, token }`, or in an environment. */
export type UpstashSource =
  | UpstashCredentials
  | UpstashEnv
  | Readonly<Record<string, string | undefined>>;

/** Options of {@link connect}. */
export interface ConnectOptions {
  /** How long one request may take, in milliseconds; a broker repeats it within its own deadline. @default {4000} */
  readonly timeoutMs?: number;
}

/** `setTimeout` takes no more. */
const LONGEST_MS = 2 ** 31 - 1;

/**
 * A client for {@linkcode UpstashBroker}: it sends each request once and alone, gives up after `timeoutMs`,
 * hands on what the server said as it is, and tells Upstash nothing of the host. Does no I/O and starts no timer.
 *
 * It is made for the queue. What else you do in Redis is better served by a client with its usual options.
 *
 * @param source The environment, or `{ url, token }`.
 * @throws {TypeError} If the URL or the token is missing or cannot be one; the message names the variable, never its value.
 * @throws {TypeError} If an option is unknown.
 * @throws {RangeError} If `timeoutMs` is not a whole number of milliseconds from 1.
 */
export function connect(
  source: UpstashSource,
  options: ConnectOptions = {},
): Redis {
  checkKnown("of connect()", options, ["timeoutMs"]);
  const { timeoutMs = 4_000 } = options;
  if (
    !Number.isSafeInteger(timeoutMs) || timeoutMs < 1 || timeoutMs > LONGEST_MS
  ) {
    throw new RangeError(
      `timeoutMs must be a whole number from 1 to ${LONGEST_MS}: current value is ${timeoutMs}`,
    );
  }
  return new Redis({
    ...credentialsIn(source),
    // the broker repeats requests, within its deadline and with jitter
    retry: { retries: 0 },
    // given as a signal, an abort would be answered like a success
    signal: () => AbortSignal.timeout(timeoutMs),
    // each verb is one script: nothing to gather, and nothing to wait for
    enableAutoPipelining: false,
    // scripts run on the primary, which has read its own writes
    readYourWrites: false,
    // replies are text that only Baton reads; base64 would make them a third longer
    responseEncoding: false,
    automaticDeserialization: false,
    latencyLogging: false,
    enableTelemetry: false,
  });
}

/** The credentials in a source, checked. */
export function credentialsIn(
  source: UpstashSource,
): UpstashCredentials {
  if (typeof source !== "object" || source === null) {
    throw new TypeError(
      "Cannot connect to Upstash: pass the environment, or { url, token }",
    );
  }
  const isGiven = "url" in source || "token" in source;
  const { url, token } = isGiven ? source as Partial<UpstashCredentials> : {
    url: source.UPSTASH_REDIS_REST_URL,
    token: source.UPSTASH_REDIS_REST_TOKEN,
  };
  const names = isGiven
    ? { url: "'url'", token: "'token'" }
    : { url: "UPSTASH_REDIS_REST_URL", token: "UPSTASH_REDIS_REST_TOKEN" };
  return {
    url: checkUrl(names.url, present(names.url, url)),
    token: checkToken(names.token, present(names.token, token)),
  };
}

function present(name: string, value: unknown): string {
  if (typeof value === "string" && value !== "") return value;
  throw new TypeError(
    `Cannot connect to Upstash: ${name} is ${
      value === "" ? "empty" : value === undefined ? "missing" : "no string"
    }; the console shows it under "REST API"`,
  );
}

function checkUrl(name: string, value: string): string {
  const { protocol } = URL.parse(value) ?? {};
  if (protocol === "redis:" || protocol === "rediss:") {
    throw new TypeError(
      `Cannot connect to Upstash: ${name} is the address for TCP clients; take the one that begins with https://`,
    );
  }
  const isWeb = protocol === "https:" || protocol === "http:";
  if (isWeb && !/\s/.test(value)) return value;
  throw new TypeError(
    `Cannot connect to Upstash: ${name} must be a URL that begins with https://, without spaces or line breaks`,
  );
}

/** What a header can carry: a token pasted with its line break or its quotes fails at every request. */
function checkToken(name: string, value: string): string {
  if (/^[\x21-\x7e]+$/.test(value) && !/^["']/.test(value)) return value;
  throw new TypeError(
    `Cannot connect to Upstash: ${name} must be the bare token, without quotes, spaces or line breaks`,
  );
}
