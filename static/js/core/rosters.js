// The calls of one's rooms, as the server tells them: whole, with a count, so that frames may come late or twice.

/**
 * @typedef {{ peer: string, user: string, entry: number, at: number, away: boolean, muted: boolean, deafened: boolean,
 *   camera: boolean, shares: string[], hand: number | null, listening: boolean, speaking: boolean }} Guest
 * @typedef {{ user: string, state: "ringing" | "declined" | "busy" | "missed", until: number }} Ring
 * @typedef {{ room: string, call: string, term: number, n: number, mode: string, limit: number, at: number, by: string,
 *   people: Guest[], rings: Ring[] }} Roster
 */

/** Calls that are known to be over, so that a late roster doesn't bring one back. */
const OVER_AT_MOST = 100;

export class Rosters {
  /** @type {Map<string, Roster>} by room */ #calls = new Map();
  /** @type {Map<string, { term: number, n: number }>} by call */ #over = new Map();

  /** @param {string} room @returns {Roster | undefined} */
  in(room) {
    return this.#calls.get(room);
  }

  /** @returns {Roster[]} */
  all() {
    return [...this.#calls.values()];
  }

  /** @param {Roster} roster @returns {boolean} whether anything is newer now */
  take(roster) {
    const known = this.#calls.get(roster.room);
    const over = this.#over.get(roster.call);
    if (over && !newer(roster, over)) return false;
    if (known && known.call === roster.call && !newer(roster, known)) return false;
    if (known && known.call !== roster.call) {
      // Of two calls of a room the one that began later is on.
      if (known.at > roster.at) return false;
      this.#end(known);
    }
    this.#calls.set(roster.room, roster);
    return true;
  }

  /** @param {{ room: string, call: string, term: number, n: number }} end @returns {boolean} whether it was on */
  over(end) {
    const known = this.#calls.get(end.room);
    const on = known?.call === end.call && newer(end, known);
    if (on) this.#calls.delete(end.room);
    if (on || known?.call !== end.call) this.#end(end);
    return on;
  }

  /** All calls there are, told after a connect. @param {Roster[]} calls @returns {string[]} rooms in which something changed */
  heads(calls) {
    const rooms = new Set(calls.map(({ room }) => room));
    const changed = [];
    for (const [room, known] of this.#calls) {
      if (rooms.has(room)) continue;
      this.#calls.delete(room);
      this.#end(known);
      changed.push(room);
    }
    for (const roster of calls) if (this.take(roster)) changed.push(roster.room);
    return changed;
  }

  /** @param {{ room: string, call: string, peer: string, on: boolean }} word @returns {boolean} whether it changed */
  speaking({ room, call, peer, on }) {
    const known = this.#calls.get(room);
    const guest = known?.call === call ? known.people.find((one) => one.peer === peer) : undefined;
    if (!guest || guest.speaking === on) return false;
    guest.speaking = on;
    return true;
  }

  /** @param {{ call: string, term: number, n: number }} end */
  #end({ call, term, n }) {
    this.#over.delete(call);
    this.#over.set(call, { term, n });
    for (const old of this.#over.keys()) {
      if (this.#over.size <= OVER_AT_MOST) break;
      this.#over.delete(old);
    }
  }
}

/** @param {{ term: number, n: number }} a @param {{ term: number, n: number }} b */
const newer = (a, b) => a.term > b.term || (a.term === b.term && a.n > b.n);
