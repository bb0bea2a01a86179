const CHUNK = 0x2000;

/** Bytes as base64url without padding. */
export function writeBase64url(bytes: Uint8Array): string {
  let binary = "";
  for (let at = 0; at < bytes.length; at += CHUNK) {
    const codes: ArrayLike<number> = bytes.subarray(at, at + CHUNK);
    binary += String.fromCharCode.apply(undefined, codes as number[]);
  }
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_")
    .replace(/={1,2}$/, "");
}

/** The bytes that `writeBase64url` wrote as `text`; `undefined` for any other text, also one that means the same bytes. */
export function readBase64url(
  text: string,
): Uint8Array<ArrayBuffer> | undefined {
  if (!/^[\w-]*$/.test(text) || text.length % 4 === 1) return undefined;
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < bytes.length; at++) bytes[at] = binary.charCodeAt(at);
  const rest = bytes.length % 3;
  const last = writeBase64url(bytes.subarray(bytes.length - rest));
  return text.endsWith(last) ? bytes : undefined;
}
