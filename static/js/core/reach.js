// What the ways that media could take mean together.

/**
 * @typedef {"works" | "blocked" | "absent"} Result `absent`: the server doesn't offer it
 * @param {{ host: Result, stun: Result, udp: Result, tcp: Result }} ways
 * @returns {"all" | "most" | "relay" | "straight" | "none"} `all`: calls work in any case; `most`: in most networks;
 * `relay`: only by way of the server; `straight`: only within one's own network
 */
export function verdict({ host, stun, udp, tcp }) {
  const relayed = udp === "works" || tcp === "works";
  const straight = host === "works" && stun === "works";
  if (relayed) return straight ? "all" : "relay";
  if (straight) return "most";
  return host === "works" ? "straight" : "none";
}
