/** A bare client of the REST protocol, to see exactly what comes back. Portable: needs `fetch` only. */

/** An answer as it came. */
export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The JSON body; undefined when it is none. */
  // deno-lint-ignore no-explicit-any -- tests look into it freely
  readonly body: any;
}

/** Sends requests with one token. */
export interface Rest {
  /** `POST /` with the command as its body. */
  command(...args: (string | number)[]): Promise<Answered>;
  /** Any request; a body that is not a string is sent as JSON. */
  send(path: string, body?: unknown, init?: RequestInit): Promise<Answered>;
  /** The result of a command; throws an Error with what the server said. */
  result(...args: (string | number)[]): Promise<unknown>;
}

/** A client of the REST API at `url`. Every request that got no whole answer rejects, as `fetch` does. */
export function rest(url: string, token: string): Rest {
  async function send(
    path: string,
    body?: unknown,
    init: RequestInit = {},
  ): Promise<Answered> {
    const response = await fetch(url + path, {
      method: "POST",
      body: body === undefined || typeof body === "string"
        ? body ?? null
        : JSON.stringify(body),
      ...init,
      headers: { authorization: `Bearer ${token}`, ...init.headers },
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: parsed(text),
    };
  }

  const command: Rest["command"] = (...args) => send("/", args);
  return {
    command,
    send,
    async result(...args) {
      const { body, status } = await command(...args);
      if (status !== 200 || body === undefined || "error" in body) {
        throw new Error(body?.error ?? `HTTP ${status}`);
      }
      return body.result;
    },
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
