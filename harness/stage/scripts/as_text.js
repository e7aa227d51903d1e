// Returns the content of any value as text, as far as it can be serialized.
(value) => {
  if (typeof value === "string") return value;
  const LISTS = [Map, Set, Headers, URLSearchParams, FormData];
  const seen = new WeakSet();
  try {
    return JSON.stringify(value, (_, part) => {
      if (!part || typeof part !== "object") return typeof part === "bigint" ? String(part) : part;
      if (seen.has(part)) return undefined;
      seen.add(part);
      if (ArrayBuffer.isView(part)) return new TextDecoder("latin1").decode(part);
      if (part instanceof ArrayBuffer) return new TextDecoder("latin1").decode(new Uint8Array(part));
      if (part instanceof Error) return { ...part, stack: String(part.stack), cause: part.cause };
      return LISTS.some((list) => part instanceof list) ? [...part] : part;
    });
  } catch {
    return String(value);
  }
}
