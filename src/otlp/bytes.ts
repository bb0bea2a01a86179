const INITIAL_BYTES = 2 ** 16;
const KEPT_BYTES = 2 ** 20;

/** Up to here a loop copies faster than the host does. */
const SHORT_BYTES = 48;

const utf8 = new TextEncoder();
const literals = new Map<string, Uint8Array>();

/** A growing buffer that an encoder writes into. */
export class Bytes {
  buffer: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  view: DataView<ArrayBuffer> = new DataView(this.buffer.buffer);
  at = 0;

  /** Makes sure that `count` more bytes fit. */
  room(count: number): void {
    if (this.at + count <= this.buffer.length) return;
    const length = Math.max(
      this.buffer.length * 2,
      this.at + count,
      INITIAL_BYTES,
    );
    const larger = new Uint8Array(length);
    larger.set(this.buffer.subarray(0, this.at));
    this.buffer = larger;
    this.view = new DataView(larger.buffer);
  }

  byte(value: number): void {
    this.room(1);
    this.buffer[this.at++] = value;
  }

  put(bytes: Uint8Array): void {
    const { length } = bytes;
    this.room(length);
    if (length > SHORT_BYTES) this.buffer.set(bytes, this.at);
    else {
      const { buffer, at } = this;
      for (let i = 0; i < length; i++) buffer[at + i] = bytes[i]!;
    }
    this.at += length;
  }

  /** Writes text that occurs in the code, encoded once. */
  literal(text: string): void {
    let bytes = literals.get(text);
    if (bytes === undefined) literals.set(text, bytes = utf8.encode(text));
    this.put(bytes);
  }

  /** Writes text that is known to be ASCII. */
  ascii(text: string): void {
    const { length } = text;
    this.room(length);
    const { buffer, at } = this;
    for (let i = 0; i < length; i++) buffer[at + i] = text.charCodeAt(i);
    this.at += length;
  }

  /** Writes any text in UTF-8; lone surrogates become U+FFFD. */
  utf8(text: string): void {
    this.room(text.length * 3);
    this.at += utf8.encodeInto(text, this.buffer.subarray(this.at)).written;
  }

  /** A copy of what was written since `start`. */
  since(start: number): Uint8Array<ArrayBuffer> {
    return this.buffer.slice(start, this.at);
  }

  /** What was written; the buffer starts anew, and is not kept when it grew large. */
  finish(): Uint8Array<ArrayBuffer> {
    const bytes = this.since(0);
    this.at = 0;
    if (this.buffer.length > KEPT_BYTES) {
      this.buffer = new Uint8Array(0);
      this.view = new DataView(this.buffer.buffer);
    }
    return bytes;
  }
}
