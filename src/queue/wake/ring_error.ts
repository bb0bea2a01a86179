/** A ring that nobody heard. */
export class RingError extends Error {
  /** What it is called, also where names are minified. */
  override readonly name = "RingError";
  /** What the route answered, if it did. */
  readonly status: number | undefined;

  /** Says why, and in `options` because of what. */
  constructor(
    message: string,
    status: number | undefined,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.status = status;
  }
}
