import { readBase64url } from "./base64url.ts";
import { hmacKey } from "./ring.ts";

const utf8 = new TextEncoder();

/** The claims of a JSON Web Token that was signed with one of the secrets by HS256 (RFC 7515, RFC 7519); undefined for any other. */
export async function openJwt(
  secrets: readonly string[],
  token: string,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  const [head = "", claims = "", signature = "", ...more] = token.split(".");
  const mac = readBase64url(signature);
  if (more.length > 0 || mac === undefined) return undefined;
  if (readObject(head)?.["alg"] !== "HS256") return undefined;
  const text = utf8.encode(`${head}.${claims}`);
  for (const secret of secrets) {
    const key = await hmacKey(secret, "verify");
    if (await crypto.subtle.verify("HMAC", key, mac, text)) {
      return readObject(claims);
    }
  }
  return undefined;
}

function readObject(
  part: string,
): Readonly<Record<string, unknown>> | undefined {
  const bytes = readBase64url(part);
  if (bytes === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return typeof value === "object" && value !== null
      ? value as Record<string, unknown>
      : undefined;
  } catch {
    return undefined;
  }
}
