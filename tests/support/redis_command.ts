import { gateway } from "./host.ts";

/** Runs one command on the shared gateway's database, past the library: to look at it, or to harm it. */
export async function redisCommand<T = unknown>(
  words: readonly (string | number)[],
): Promise<T> {
  const reply = await fetch(gateway.url, {
    method: "POST",
    headers: { authorization: `Bearer ${gateway.token}` },
    body: JSON.stringify(words),
  });
  const { result, error } = await reply.json();
  if (error !== undefined) throw new Error(error);
  return result;
}
