// Names for changes: a repeat bears the same, so that it is harmless.

/** @returns {string} a UUID of version 7: the time, and random bits. What was made in one moment lies together in the store */
export function nonce() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const clock = new DataView(bytes.buffer);
  const now = Date.now();
  clock.setUint16(0, Math.floor(now / 2 ** 32));
  clock.setUint32(2, now % 2 ** 32);
  bytes[6] = 0x70 | (bytes[6] & 0x0f);
  bytes[8] = 0x80 | (bytes[8] & 0x3f);
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
