// A streaming resampler for any two rates, good enough for speech. No DOM: it runs in the worklets and in the tests.
//
// Each output sample is a windowed sinc over the input around its moment. Below the lower of the two Nyquist
// frequencies it passes sound unchanged; above it cuts, so that 48 kHz -> 24 kHz does not fold.

const LOBES = 12; // zero crossings on each side: a transition of about a tenth of the band
const PHASES = 256; // steps between two input samples; between steps the nearest one
const BAND = 0.94; // of the lower Nyquist frequency

export class Resampler {
  constructor(from, to) {
    this.step = from / to; // input samples to one output sample
    this.cutoff = BAND * Math.min(1, to / from);
    this.half = Math.ceil(LOBES / this.cutoff);
    this.table = from === to ? null : this.#kernels();
    this.reset();
  }

  reset() {
    this.input = new Float32Array(2 * this.half); // begins with silence, so that the first sample has neighbours
    this.at = this.half; // in `input`, of the next output sample
  }

  #kernels() {
    const width = 2 * this.half;
    const table = new Float32Array((PHASES + 1) * width);
    for (let phase = 0; phase <= PHASES; phase++) {
      for (let tap = 0; tap < width; tap++) {
        const x = tap - this.half + 1 - phase / PHASES;
        const angle = Math.PI * x * this.cutoff;
        const sinc = angle ? Math.sin(angle) / angle : 1;
        const window = Math.abs(x) < this.half ? 0.5 + 0.5 * Math.cos((Math.PI * x) / this.half) : 0;
        table[phase * width + tap] = this.cutoff * sinc * window;
      }
    }
    return table;
  }

  /** What `samples` lead to. The last few wait for their neighbours: `half` input samples, under a millisecond. */
  push(samples) {
    if (!this.table) return samples;
    const input = new Float32Array(this.input.length + samples.length);
    input.set(this.input);
    input.set(samples, this.input.length);
    const width = 2 * this.half;
    const count = Math.max(0, Math.ceil((input.length - this.half - this.at) / this.step));
    const out = new Float32Array(count);
    for (let i = 0; i < count; i++) {
      const whole = Math.floor(this.at);
      const row = Math.round((this.at - whole) * PHASES) * width;
      const first = whole - this.half + 1;
      let sum = 0;
      for (let tap = 0; tap < width; tap++) sum += input[first + tap] * this.table[row + tap];
      out[i] = sum;
      this.at += this.step;
    }
    const done = Math.max(0, Math.floor(this.at) - this.half);
    this.input = input.slice(done);
    this.at -= done;
    return out;
  }
}
