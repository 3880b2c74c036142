// How loud the microphone is, told some times a second from the audio's own thread: timers sleep in a hidden page, this doesn't.

/** Blocks of 128 samples between two words: about 20 a second. */
const BLOCKS = 18;

/** What this thread has, and a page has not. */
const { AudioWorkletProcessor, registerProcessor } = /** @type {any} */ (globalThis);

class Level extends AudioWorkletProcessor {
  #sum = 0;
  #count = 0;
  #blocks = 0;

  /** @param {Float32Array[][]} inputs */
  process(inputs) {
    const samples = inputs[0]?.[0];
    for (const sample of samples ?? []) this.#sum += sample * sample;
    this.#count += samples?.length ?? 0;
    if (++this.#blocks === BLOCKS) {
      /** @type {any} */ (this).port.postMessage(this.#count ? Math.sqrt(this.#sum / this.#count) : 0);
      this.#sum = this.#count = this.#blocks = 0;
    }
    return true;
  }
}

registerProcessor("level", Level);
