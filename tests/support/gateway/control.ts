/** The gateway's controls over HTTP, for suites in another process or on another runtime. Portable: needs `fetch` only. */
import type {
  Fault,
  LaneOrder,
  RedisOrder,
  RedisReport,
  Report,
  Settings,
} from "./fault.ts";

/** Controls the lane of one token. */
export interface Control {
  /** Adds faults. */
  add(...faults: Fault[]): Promise<Report>;
  /** Changes clock, log and record limit. */
  set(settings: Partial<Settings>): Promise<Report>;
  /** Back to good behaviour, counts at 0. */
  clear(): Promise<Report>;
  /** Runs the held requests now. */
  release(): Promise<Report>;
  /** What the lane is set to, and what has happened. */
  report(): Promise<Report>;
  /** Restarts, limits, empties Redis, or resets its counters; then reads them. For all lanes. */
  redis(order?: RedisOrder): Promise<RedisReport>;
}

/** The controls of the lane whose token this is. They reject with an Error that says what the gateway refused. */
export function control(url: string, token: string): Control {
  async function post<T>(what: string, order: unknown): Promise<T> {
    const response = await fetch(`${url}/_gateway/${what}`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}` },
      body: JSON.stringify(order),
    });
    const answer = await response.json();
    if (!response.ok) throw new Error(answer.error);
    return answer;
  }

  const lane = (order: LaneOrder) => post<Report>("faults", order);
  return {
    add: (...add) => lane({ add }),
    set: (set) => lane({ set }),
    clear: () => lane({ clear: true }),
    release: () => lane({ release: true }),
    report: () => lane({}),
    redis: (order = {}) => post("redis", order),
  };
}
