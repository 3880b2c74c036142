// The small sounds of calls, made here: a ring, somebody comes, somebody goes. Quiet sines with soft edges.

/** @type {AudioContext | null} */
let context = null;

/** The one audio context of the page; browsers allow few. */
export function audio() {
  context ??= new AudioContext({ latencyHint: "interactive" });
  if (context.state === "suspended") context.resume().catch(() => {});
  return context;
}

/** @param {number} hertz @param {number} after in seconds @param {number} lasts in seconds @param {number} loud 0 to 1 @param {AudioNode} into */
function note(hertz, after, lasts, loud, into) {
  const { currentTime } = audio();
  const tone = new OscillatorNode(audio(), { type: "sine", frequency: hertz });
  const edge = new GainNode(audio(), { gain: 0 });
  const at = currentTime + after;
  edge.gain.setValueAtTime(0, at);
  edge.gain.linearRampToValueAtTime(loud, at + 0.02);
  edge.gain.setTargetAtTime(0, at + lasts * 0.5, lasts * 0.18);
  tone.connect(edge).connect(into);
  tone.start(at);
  tone.stop(at + lasts + 0.3);
}

const SOUNDS = {
  came: [[523.25, 0, 0.16], [659.25, 0.1, 0.22]],
  went: [[659.25, 0, 0.16], [523.25, 0.1, 0.22]],
  hand: [[783.99, 0, 0.2]],
};

/** @param {keyof typeof SOUNDS} name */
export function play(name) {
  for (const [hertz, after, lasts] of SOUNDS[name]) note(hertz, after, lasts, 0.06, audio().destination);
}

/** A phrase and a pause, again and again. */
const PHRASE_MS = 3000;

/** @param {boolean} called  whether one is called, or hears that it rings at the other end @returns {() => void} ends it */
export function ring(called) {
  const out = new GainNode(audio(), { gain: 1 });
  out.connect(audio().destination);
  const phrase = () => {
    const loud = called ? 0.14 : 0.05;
    const notes = called ? [659.25, 783.99, 987.77, 783.99] : [440, 440];
    notes.forEach((hertz, i) => note(hertz, i * (called ? 0.18 : 0.5), called ? 0.3 : 0.4, loud, out));
  };
  phrase();
  const timer = setInterval(phrase, PHRASE_MS);
  return () => {
    clearInterval(timer);
    out.disconnect();
  };
}
