// What uploads need of the browser: requests that tell how far they are, and pictures made smaller off the main thread.
import { Upload } from "../core/upload.js";

/** A request that moves no byte for this long is given up, and tried again: in milliseconds. */
const STILL_MS = 30_000;
/** The server looks into what it has got: that may take longer. */
const LOOKING_MS = 180_000;

/**
 * @param {Blob} source @param {import("../core/upload.js").What} what @param {(upload: Upload) => void} changed
 * @returns {Upload}
 */
export function uploadOf(source, what, changed) {
  const upload = new Upload(what, {
    ask: (request) => ask(source, request),
    changed: (one) => {
      if (one.over) under.delete(one);
      else under.add(one);
      changed(one);
    },
  });
  return upload;
}

/** Those that may have to go on. @type {Set<Upload>} */
const under = new Set();
addEventListener("online", () => under.forEach((upload) => upload.online()));

/** One that was done before. @param {import("../core/upload.js").Stored} file */
export const doneUpload = (file) => Upload.done(file, { ask: (request) => ask(new Blob(), request) });

/** @param {Blob} source @param {import("../core/upload.js").Request} request @returns {Promise<import("../core/upload.js").Answer>} */
function ask(source, { method, path, headers, from, progress, signal }) {
  return new Promise((done, failed) => {
    const request = new XMLHttpRequest();
    /** @type {any} */
    let timer = 0;
    const patience = (/** @type {number} */ ms) => {
      clearTimeout(timer);
      timer = setTimeout(() => request.abort(), ms);
    };
    request.open(method, path);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    if (from !== undefined) {
      request.upload.onprogress = ({ loaded }) => {
        patience(STILL_MS);
        progress?.(loaded);
      };
      request.upload.onload = () => patience(LOOKING_MS);
    }
    request.onload = () => {
      clearTimeout(timer);
      done({ status: request.status, header: (name) => request.getResponseHeader(name), json: parsed(request.responseText) });
    };
    request.onerror = request.onabort = () => {
      clearTimeout(timer);
      failed(new Error("cut"));
    };
    signal?.addEventListener("abort", () => request.abort(), { once: true });
    patience(STILL_MS);
    request.send(from === undefined ? null : source.slice(from));
  });
}

/** @param {string} text */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/**
 * @typedef {{ thumb: Blob | null, small: Blob | null }} Made
 */

/** @type {Worker | null} */
let worker = null;
/** @type {Map<number, (made: Made) => void>} */
const waiting = new Map();
let asked = 0;

/**
 * A look at a picture, and a smaller one of it where that is worth it.
 * @param {Blob} file @param {boolean} shrink
 * @returns {Promise<Made>} neither for what isn't a picture
 */
export function picture(file, shrink) {
  if (!worker) {
    worker = new Worker(new URL("../workers/picture.js", import.meta.url), { type: "module" });
    worker.onmessage = ({ data }) => {
      waiting.get(data.id)?.(data);
      waiting.delete(data.id);
    };
    worker.onerror = () => {
      worker = null;
      for (const done of waiting.values()) done({ thumb: null, small: null });
      waiting.clear();
    };
  }
  const id = ++asked;
  return new Promise((done) => {
    waiting.set(id, done);
    worker?.postMessage({ id, file, shrink });
  });
}

/** How long a video may take to say how large it is. */
const FRAME_MS = 3000;

/** Width and height of a video, as `1920x1080`; empty when it doesn't say. @param {Blob} file @returns {Promise<string>} */
export function frameOf(file) {
  const video = document.createElement("video");
  const url = URL.createObjectURL(file);
  return new Promise((done) => {
    const tell = () => {
      clearTimeout(timer);
      const { videoWidth: width, videoHeight: height } = video;
      done(width && height ? `${width}x${height}` : "");
      video.removeAttribute("src");
      URL.revokeObjectURL(url);
    };
    const timer = setTimeout(tell, FRAME_MS);
    video.onloadedmetadata = video.onerror = tell;
    video.preload = "metadata";
    video.src = url;
  });
}
