// Names for changes: a repeat bears the same, so that it is harmless.

/** @returns {string} 22 characters of `A-Z a-z 0-9 _ -`: 128 random bits */
export function nonce() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
