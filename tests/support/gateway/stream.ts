/** SUBSCRIBE, PSUBSCRIBE and MONITOR as Server-Sent Events. */
import { decode, type Reply, RespError } from "../resp.ts";
import type { RespClient } from "../redis.ts";
import type { Command } from "./command.ts";

/** Sends what Redis says to `write`, one event each, until the connection to Redis ends. */
export function stream(
  { name, args }: Command,
  client: RespClient,
  write: (event: string) => void,
): void {
  client.listen(args, (reply) => write(`data: ${line(name, reply)}\n\n`));
}

function line(name: string, reply: Reply): string {
  if (reply instanceof RespError) return reply.message;
  const value = decode(reply);
  if (Array.isArray(value)) return value.join(",");
  return name === "MONITOR" && value === "OK" ? '"OK"' : `${value}`;
}
