// Plays the assistant's voice and says how far: see playout.js.

import { Playout } from "./playout.js";

const REPORT_S = 0.1;

class Playback extends AudioWorkletProcessor {
  constructor() {
    super();
    this.playout = new Playout(sampleRate, (event) => this.#post(event));
    this.reportedAt = 0;
    this.port.onmessage = ({ data }) => {
      if (data.type === "add") this.playout.add(data.id, data.samples);
      else if (data.type === "end") this.playout.end(data.id);
      else if (data.type === "stop") this.playout.stop(data.why);
      else if (data.type === "resume") this.playout.resume(data.id, data.played);
    };
  }

  #post(event) {
    const { bufferMs, underruns } = this.playout;
    this.port.postMessage({ ...event, bufferMs, underruns, at: currentTime });
  }

  process(_inputs, [[out]]) {
    this.playout.fill(out);
    if (this.playout.playing && currentTime - this.reportedAt >= REPORT_S) {
      this.reportedAt = currentTime;
      this.#post({ type: "progress", ...this.playout.position });
    }
    return true;
  }
}

registerProcessor("huiyin-playback", Playback);
