// Put into the page before its own scripts: a microphone whose first sample is known, and an ear at what is played.
//
// The microphone is an AudioContext of its own, as a device has a clock of its own; it takes the place of
// getUserMedia's, so Chromium's echo canceller is not in the way. The ear gets whatever is connected to the destination
// of the page's context. Times are seconds since 1970.
//
// A context renders a block of 10 ms at once. A microphone has a block when its last sample was in the air, a
// loudspeaker begins to play it when it gets it: so the earliest of the recent times is taken for what is said, and the
// latest for what is heard. Both make the measured latency longer, by up to a block.

((noise, audibleFrom) => {
  const WORKLET = `
    const RECENT = 100; // quanta of 128 samples: 0.3 s
    class Clock {
      constructor() { this.offsets = []; }
      tick() {
        this.offsets.push(Date.now() / 1000 - currentTime);
        if (this.offsets.length > RECENT) this.offsets.shift();
      }
      inTheAir(at) { return at + Math.min(...this.offsets) - 128 / sampleRate; }
      played(at) { return at + Math.max(...this.offsets); }
    }
    class Voice extends AudioWorkletProcessor {
      constructor({ processorOptions }) {
        super();
        this.clock = new Clock();
        this.noise = processorOptions.noise;
        this.said = new Float32Array(0);
        this.at = 0;
        this.port.onmessage = ({ data }) => { this.said = data; this.at = 0; };
      }
      process(_inputs, [[out]]) {
        this.clock.tick();
        if (this.at === 0 && this.said.length) this.port.postMessage(this.clock.inTheAir(currentTime));
        for (let i = 0; i < out.length; i++) {
          const gaussian = Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
          out[i] = this.noise * gaussian + (this.at < this.said.length ? this.said[this.at++] : 0);
        }
        return true;
      }
    }
    class Ear extends AudioWorkletProcessor {
      constructor({ processorOptions }) {
        super();
        this.clock = new Clock();
        this.audibleFrom = processorOptions.audibleFrom;
        this.heardUntil = 0;
      }
      process([[heard]]) {
        this.clock.tick();
        for (let i = 0; heard && i < heard.length; i++) {
          const at = currentTime + i / sampleRate;
          if (Math.abs(heard[i]) > this.audibleFrom && at >= this.heardUntil) {
            this.heardUntil = at + 0.010;
            this.port.postMessage(this.clock.played(at));
          }
        }
        return true;
      }
    }
    registerProcessor("benchmark-voice", Voice);
    registerProcessor("benchmark-ear", Ear);`;
  const url = URL.createObjectURL(new Blob([WORKLET], { type: "text/javascript" }));
  const { connect } = AudioNode.prototype;
  const { addModule } = AudioWorklet.prototype;
  const ears = new WeakMap();
  const bench = { audible: [], arrived: [], buffers: {}, microphone: null };

  AudioWorklet.prototype.addModule = async function (...args) {
    await addModule.call(this, url);
    return addModule.apply(this, args);
  };

  AudioNode.prototype.connect = function (to, ...rest) {
    if (to === this.context.destination) connect.call(this, earOf(this.context));
    return connect.call(this, to, ...rest);
  };

  function earOf(context) {
    if (!ears.has(context)) {
      const ear = new AudioWorkletNode(context, "benchmark-ear", { channelCount: 1, channelCountMode: "explicit", processorOptions: { audibleFrom } });
      ear.port.onmessage = ({ data }) => bench.audible.push(data);
      connect.call(ear, context.destination); // silence: a node that leads nowhere is not run
      ears.set(context, ear);
    }
    return ears.get(context);
  }

  // What the page's own worklets say of their buffers.
  globalThis.AudioWorkletNode = class extends AudioWorkletNode {
    constructor(context, name, options) {
      super(context, name, options);
      this.port.addEventListener("message", ({ data }) => {
        if (name === "huiyin-capture") bench.buffers.packet = data.samples.length;
        if (data.bufferMs) Object.assign(bench.buffers, { playoutMs: data.bufferMs, underruns: data.underruns });
      });
      if (name === "huiyin-playback") this.port.postMessage = (message, transfer) => {
        if (message.type === "add") bench.arrived.push(Date.now() / 1000);
        MessagePort.prototype.postMessage.call(this.port, message, transfer);
      };
    }
  };

  navigator.mediaDevices.getUserMedia = async () => {
    const context = new AudioContext({ latencyHint: "interactive" });
    await addModule.call(context.audioWorklet, url);
    bench.microphone = new AudioWorkletNode(context, "benchmark-voice", { numberOfInputs: 0, outputChannelCount: [1], processorOptions: { noise } });
    const out = new MediaStreamAudioDestinationNode(context, { channelCount: 1 });
    connect.call(bench.microphone, out);
    bench.rate = context.sampleRate;
    return out.stream;
  };

  /** Says samples of the microphone's rate, float32 in base64; when the first was in the air. */
  bench.say = (base64) => {
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    bench.audible = [];
    bench.arrived = [];
    bench.microphone.port.postMessage(new Float32Array(bytes.buffer));
    return new Promise((begun) => { bench.microphone.port.onmessage = ({ data }) => begun(data); });
  };

  globalThis.bench = bench;
})
