/** HTTP requests as Upstash reads them: who asks, which commands, how to answer. */
import { type Args, RespError } from "../resp.ts";
import { type Command, toCommand } from "./command.ts";
import type { Format } from "./reply.ts";

/** An HTTP request, read in full. */
export interface HttpRequest {
  readonly method: string;
  /** Path and query as they came. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Empty beyond the limit. */
  readonly body: Uint8Array<ArrayBuffer>;
  /** Bytes of the body as sent. */
  readonly length: number;
}

/** What a request asks for. */
export type Ask =
  | { readonly kind: "single"; readonly commands: readonly [Command] }
  | {
    readonly kind: "pipeline" | "transaction";
    readonly commands: readonly Command[];
  }
  | {
    readonly kind: "stream";
    readonly args: Args;
    readonly commands: readonly [Command];
  };

const STREAMS: ReadonlySet<string> = new Set([
  "SUBSCRIBE",
  "PSUBSCRIBE",
  "MONITOR",
]);
const utf8 = new TextDecoder();

/** Splits a URL into path segments and query words, decoded; `_token` apart. */
export function split(
  url: string,
): { path: string[]; query: string[]; token: string | undefined } {
  const [path = "", search = ""] = url.split(/\?(.*)/s);
  let token: string | undefined;
  const query: string[] = [];
  for (const pair of search.split("&").filter((pair) => pair !== "")) {
    const [name = "", ...value] = pair.split("=");
    const words = [name, value.join("=")].map((word) =>
      unescape(word.replaceAll("+", " "))
    );
    if (words[0] === "_token") token = words[1];
    else query.push(...words.filter((word, i) => i === 0 || word !== ""));
  }
  return {
    path: path.split("/").slice(1).filter((part, i, all) =>
      part !== "" || i < all.length - 1
    ).map(unescape),
    query,
    token,
  };
}

function unescape(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a bare % stands for itself
  }
}

/** The token a request carries. */
export function tokenOf({ headers, url }: HttpRequest): string | undefined {
  const header = headers.authorization;
  if (typeof header === "string") {
    return /^Bearer\s+(.*)$/i.exec(header)?.[1] ?? "";
  }
  return split(url).token;
}

/** How the request wants its answer, or why not. */
export function formatOf({ headers }: HttpRequest): Format | RespError {
  const format = headers["upstash-response-format"] ?? "json";
  const base64 = headers["upstash-encoding"] === "base64";
  if (format === "resp2" && !base64) return "resp2";
  if (format === "resp2") {
    return new RespError(
      "ERR Upstash-Encoding: base64 cannot be used with the resp2 response format",
    );
  }
  if (format !== "json") {
    return new RespError(`ERR Unsupported response format: '${format}'`);
  }
  return base64 ? "base64" : "json";
}

/** What the request asks for, or why that cannot be read. */
export function read(request: HttpRequest): Ask | RespError {
  const { path, query } = split(request.url);
  const [first = ""] = path;
  if (first === "pipeline") return severalFrom(request.body, "pipeline");
  if (first === "multi-exec") return severalFrom(request.body, "transaction");
  if (first === "") return singleFrom(request.body);
  const command = toCommand(path);
  if (STREAMS.has(command.name)) {
    return { kind: "stream", args: command.args, commands: [command] };
  }
  const body = request.body.length === 0 || request.method === "GET"
    ? []
    : [request.body];
  return {
    kind: "single",
    commands: [toCommand([...path, ...body, ...query])],
  };
}

function singleFrom(body: Uint8Array): Ask | RespError {
  const args = words(parse(body));
  if (args === undefined) {
    return new RespError(
      "ERR failed to parse command: it must be a JSON array of strings and numbers",
    );
  }
  if (args.length === 0) return new RespError("ERR empty command");
  return { kind: "single", commands: [toCommand(args)] };
}

function severalFrom(
  body: Uint8Array,
  kind: "pipeline" | "transaction",
): Ask | RespError {
  const rows = parse(body);
  const commands = Array.isArray(rows) ? rows.map(words) : [undefined];
  if (commands.some((args) => args === undefined)) {
    return new RespError(
      "ERR failed to parse pipeline request: it must be a JSON array of JSON arrays of strings and numbers",
    );
  }
  if (commands.length === 0) return new RespError("ERR empty pipeline request");
  if (commands.some((args) => args?.length === 0)) {
    return new RespError("ERR empty command");
  }
  return { kind, commands: commands.map((args) => toCommand(args ?? [])) };
}

function parse(body: Uint8Array): unknown {
  try {
    return JSON.parse(utf8.decode(body));
  } catch {
    return undefined;
  }
}

function words(row: unknown): string[] | undefined {
  if (!Array.isArray(row)) return undefined;
  const args: string[] = [];
  for (const word of row) {
    if (typeof word === "object" && word !== null) return undefined;
    args.push(String(word));
  }
  return args;
}
