// What is new in each room: the last message, the last one read, and how many call for this person. Pure.

/**
 * @typedef {{ seq: number, read: number, mentions: number }} Count
 */

export class Unread {
  /** @type {Map<string, Count>} */ #rooms = new Map();
  #me;
  #changed;

  /** @param {string} me @param {(room: string, count: Count) => void} [changed] */
  constructor(me, changed = () => {}) {
    this.#me = me;
    this.#changed = changed;
  }

  /** @param {string} room @returns {Count} */
  of(room) {
    return this.#rooms.get(room) ?? { seq: 0, read: 0, mentions: 0 };
  }

  get rooms() {
    return [...this.#rooms.keys()];
  }

  /** All that is new, over all rooms: [messages, mentions]. */
  get total() {
    let messages = 0;
    let mentions = 0;
    for (const count of this.#rooms.values()) {
      messages += Math.max(0, count.seq - count.read);
      mentions += count.mentions;
    }
    return { messages, mentions };
  }

  /** The server's word. @param {string} room @param {Count} count */
  set(room, { seq, read, mentions }) {
    const known = this.#rooms.get(room);
    // A mark never goes back; a local one may be ahead of what the server has heard.
    const ahead = !!known && known.read > read;
    const count = { seq: Math.max(seq, known?.seq ?? 0), read: ahead ? known.read : read, mentions };
    if (ahead) count.mentions = Math.min(mentions, known.mentions);
    this.#put(room, count);
  }

  /**
   * A message was posted.
   * @param {string} room
   * @param {{ seq: number, author?: string, mentions?: string[], everyone?: boolean }} message
   */
  posted(room, { seq, author, mentions = [], everyone = false }) {
    const known = this.of(room);
    if (seq <= known.seq) return;
    const own = author === this.#me;
    const calls = !own && (everyone || mentions.includes(this.#me));
    this.#put(room, {
      seq,
      // Whoever writes at the end of what they have read has read their own words too.
      read: own && known.read >= seq - 1 ? seq : known.read,
      mentions: known.mentions + (calls && seq > known.read ? 1 : 0),
    });
  }

  /** Read up to here, on this device or another. @param {string} room @param {number} read @param {number} [mentions] */
  read(room, read, mentions = 0) {
    const known = this.of(room);
    if (read < known.read) return;
    this.#put(room, { seq: Math.max(known.seq, read), read, mentions: read >= known.seq ? 0 : mentions });
  }

  /** @param {string} room */
  gone(room) {
    this.#rooms.delete(room);
  }

  /** @param {string} room @param {Count} count */
  #put(room, count) {
    this.#rooms.set(room, count);
    this.#changed(room, count);
  }
}
