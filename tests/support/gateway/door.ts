/** Who may come in, and where a request goes. */
import { RespError } from "../resp.ts";
import { administer, type Backend } from "./admin.ts";
import type { Caller, Engine } from "./engine.ts";
import type { Handler, Outcome } from "./http.ts";
import type { Lanes } from "./lane.ts";
import { type Answer, failure, tooLarge, UNAUTHORIZED } from "./reply.ts";
import {
  type Ask,
  formatOf,
  type HttpRequest,
  read,
  split,
  tokenOf,
} from "./request.ts";
import { serve } from "./serve.ts";
import { stream } from "./stream.ts";

/** What the door needs to know. */
export interface House {
  readonly engine: Engine;
  readonly backend: Backend;
  readonly lanes: Lanes;
  readonly token: string;
  readonly readOnlyToken: string | undefined;
  readonly requestBytes: number;
  readonly replyBytes: number;
  readonly closing: AbortSignal;
}

const METHODS: readonly string[] = ["GET", "HEAD", "POST", "PUT"];

/** Answers every request to the gateway. */
export class Door implements Handler {
  readonly #house: House;
  readonly requestBytes: number;

  constructor(house: House) {
    this.#house = house;
    this.requestBytes = house.requestBytes;
  }

  async handle(request: HttpRequest): Promise<Outcome> {
    if (!METHODS.includes(request.method)) {
      return refused(405, `ERR Method ${request.method} is not allowed`);
    }
    const caller = this.#callerOf(tokenOf(request));
    if (caller === undefined) return refused(401, UNAUTHORIZED);
    const [own, what = ""] = split(request.url).path;
    if (own === "_gateway" && !caller.readOnly) {
      const answer = await administer(
        what,
        request.body,
        caller.lane,
        this.#house.backend,
      );
      return { kind: "answer", answer: this.#signed(answer) };
    }
    const outcome = await this.#serve(request, caller);
    if (outcome.kind === "cut" || outcome.kind === "stream") return outcome;
    return { ...outcome, answer: this.#signed(outcome.answer) };
  }

  #callerOf(token: string | undefined): Caller | undefined {
    const { token: full, readOnlyToken, lanes } = this.#house;
    for (
      const [known, readOnly] of [[full, false], [readOnlyToken, true]] as const
    ) {
      if (
        known === undefined || token === undefined || !token.startsWith(known)
      ) continue;
      const lane = /^(?:|\.([\w-]{1,64}))$/.exec(token.slice(known.length));
      if (lane !== null) return { lane: lanes.get(lane[1] ?? ""), readOnly };
    }
    return undefined;
  }

  async #serve(request: HttpRequest, caller: Caller): Promise<Outcome> {
    const { engine, requestBytes, replyBytes, closing } = this.#house;
    if (request.length > requestBytes) {
      return refused(400, tooLarge(requestBytes, request.length).message);
    }
    const format = formatOf(request);
    if (format instanceof RespError) return refused(400, format.message);
    const ask = read(request);
    if (ask instanceof RespError) return refused(400, ask.message);
    if (ask.kind === "stream") return await this.#stream(ask, caller);
    return await serve({ ask, caller, format, replyBytes, closing }, engine);
  }

  async #stream(
    { commands: [command] }: Extract<Ask, { kind: "stream" }>,
    { lane }: Caller,
  ): Promise<Outcome> {
    lane.receive({ names: [command.name], scripts: [] });
    const client = await this.#house.backend.link.open();
    return {
      kind: "stream",
      open(write) {
        stream(command, client, write);
        return () => client.close();
      },
    };
  }

  #signed(answer: Answer): Answer {
    const headers = {
      "upstash-sync-token": this.#house.engine.syncToken,
      ...answer.headers,
    };
    return { ...answer, headers };
  }
}

function refused(status: number, message: string): Outcome {
  return { kind: "answer", answer: failure(status, message) };
}
