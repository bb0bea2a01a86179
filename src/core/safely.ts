/** What `call` returns; `fallback` if it throws, or returns nothing against its type. For what must not reach the work, as a telemetry's faults. */
export function safely<T>(call: () => T): T | undefined;
export function safely<T>(call: () => T, fallback: T): T;
export function safely<T>(call: () => T, fallback?: T): T | undefined {
  try {
    return call() ?? fallback;
  } catch {
    return fallback;
  }
}
