// Packets of 20 ms at 24 kHz: the microphone, and beside it what is being played (for the recording), in step.

import { levelDbfs, PACKET_MS, RATE_HZ, toInt16 } from "./pcm.js";
import { Resampler } from "./resample.js";

const SAMPLES = (RATE_HZ * PACKET_MS) / 1000;

class Channel {
  constructor() {
    this.resampler = new Resampler(sampleRate, RATE_HZ);
    this.packet = new Float32Array(SAMPLES);
    this.filled = 0;
  }

  /** Adds a block; calls `full` with each packet that it fills. */
  push(block, full) {
    for (const sample of this.resampler.push(block)) {
      this.packet[this.filled++] = sample;
      if (this.filled === SAMPLES) {
        full(this.packet);
        this.filled = 0;
      }
    }
  }
}

class Capture extends AudioWorkletProcessor {
  constructor() {
    super();
    this.microphone = new Channel();
    this.loudspeaker = new Channel();
    this.muted = false;
    this.played = [];
    this.port.onmessage = ({ data }) => { this.muted = data.muted; };
  }

  process([microphone, loudspeaker], [out]) {
    const length = out[0].length;
    this.loudspeaker.push(loudspeaker[0] ?? new Float32Array(length), (packet) => {
      this.played.push([toInt16(packet), levelDbfs(packet)]);
    });
    // A muted microphone sends silence: a server takes a client that sends nothing for gone.
    const heard = !this.muted && microphone[0] ? microphone[0] : new Float32Array(length);
    this.microphone.push(heard, (packet) => {
      const samples = toInt16(packet);
      const [played, playedDbfs] = this.played.shift();
      this.port.postMessage(
        { samples, level: levelDbfs(packet), played, playedDbfs, at: currentTime, connected: !this.muted && microphone.length > 0 },
        [samples.buffer, played.buffer],
      );
    });
    return true;
  }
}

registerProcessor("huiyin-capture", Capture);
