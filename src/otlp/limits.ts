/** How much one span may hold; what exceeds it is left out and counted. */
export interface SpanLimits {
  /** Attributes of a span. */
  readonly attributes: number;
  /** Events of a span. */
  readonly events: number;
  /** Links of a span. */
  readonly links: number;
  /** Attributes of an event. */
  readonly eventAttributes: number;
  /** Attributes of a link. */
  readonly linkAttributes: number;
  /** Characters of a string, bytes of a byte array, in an attribute. */
  readonly valueLength: number;
}

/** The specification's defaults: 128 of each, of any length. */
export const DEFAULT_LIMITS: SpanLimits = {
  attributes: 128,
  events: 128,
  links: 128,
  eventAttributes: 128,
  linkAttributes: 128,
  valueLength: Infinity,
};
