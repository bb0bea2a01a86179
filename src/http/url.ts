import type { Attributes } from "@opentelemetry/api";
import { clip } from "./methods.ts";

/** The parameters that the conventions call secret, in any case and after any vendor's prefix. */
const SECRET = /(^|-)(sig(nature)?|credential|security-token|awsaccesskeyid)$/i;

/** A URL without what is secret in it, and without its fragment, which is not sent. */
export function redact(url: URL): string {
  const told = new URL(url);
  told.hash = "";
  if (told.username || told.password) {
    told.username = told.password = "REDACTED";
  }
  for (const name of url.searchParams.keys()) {
    if (SECRET.test(name)) told.searchParams.set(name, "REDACTED");
  }
  return clip(told.href);
}

/** Who is asked. */
export function serverAttributes(url: URL): Attributes {
  return {
    "server.address": url.hostname.replace(/[[\]]/g, ""),
    "server.port": Number(url.port) || (url.protocol === "https:" ? 443 : 80),
  };
}
