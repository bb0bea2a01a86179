import {
  type AttributeList,
  type AttributeValue,
  isInt64,
} from "./attributes.ts";
import { repeat, since, size } from "./bytes.ts";
import * as w from "./writer.ts";

/** Writes attributes, unless there are none. */
export function writeAttributes(
  field: number,
  { keys, values }: AttributeList,
): void {
  if (keys.length === 0) return;
  const start = w.list("attributes");
  for (let i = 0; i < keys.length; i++) {
    writeAttribute(field, i, keys[i]!, values[i]!);
  }
  w.endList(start);
}

function writeAttribute(
  field: number,
  place: number,
  key: string,
  value: AttributeValue,
): void {
  const known = w.cache.get(key, place);
  const encoded = known?.with(value);
  if (encoded) return w.element(field, encoded);
  const start = w.open(field);
  if (known) repeat(known.encoded);
  else {
    w.string(1, "key", key);
    w.cache.remember(key, since(start));
  }
  writeMember(value);
  w.close(start);
  if (known?.accepts(size() - start)) {
    known.remember(value, since(start - 1));
  }
}

/** Writes the value of a key. */
function writeMember(value: AttributeValue): void {
  const start = w.open(2, "value");
  writeValue(value);
  w.close(start);
}

/** Writes the one member of an `AnyValue` that says what the value is; none of the empty value. */
function writeValue(value: AttributeValue): void {
  switch (typeof value) {
    case "string":
      return w.string(1, "stringValue", value);
    case "boolean":
      return w.bool(2, "boolValue", value);
    case "bigint":
      return w.int64(3, "intValue", value);
    case "number":
      return isInt64(value)
        ? w.int64(3, "intValue", value)
        : w.double(4, "doubleValue", value);
  }
  if (value === null) return;
  if (value instanceof Uint8Array) return w.binary(7, "bytesValue", value);
  const isList = Array.isArray(value);
  const start = isList ? w.open(5, "arrayValue") : w.open(6, "kvlistValue");
  const list = w.list("values");
  for (const [key, item] of Object.entries<AttributeValue>(value)) {
    const element = w.open(1);
    if (isList) writeValue(item);
    else {
      w.string(1, "key", key);
      writeMember(item);
    }
    w.close(element);
  }
  w.endList(list);
  w.close(start);
}
