// Opus packets as an Ogg file (RFC 3533, RFC 7845). No DOM.

const PACKETS_A_PAGE = 50; // a second of sound
const SERIAL = 0x48756979;
const [FIRST, LAST] = [2, 4];
const PRE_SKIP = 312; // 6.5 ms at 48 kHz, the encoder's own delay
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 24;
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x80000000 ? (crc << 1) ^ 0x04c11db7 : crc << 1;
  return crc >>> 0;
});

/** Collects packets; `parts()` is the file. */
export class OggOpus {
  #parts = [];
  #packets = [];
  #pages = 0;
  #granule = 0; // samples at 48 kHz, as Ogg counts them for Opus

  constructor(rate) {
    const head = new DataView(new ArrayBuffer(19));
    ascii("OpusHead").forEach((byte, i) => head.setUint8(i, byte));
    head.setUint8(8, 1); // version
    head.setUint8(9, 1); // mono
    head.setUint16(10, PRE_SKIP, true);
    head.setUint32(12, rate, true);
    const vendor = ascii("huiyin");
    const tags = new DataView(new ArrayBuffer(16 + vendor.length));
    ascii("OpusTags").forEach((byte, i) => tags.setUint8(i, byte));
    tags.setUint32(8, vendor.length, true);
    vendor.forEach((byte, i) => tags.setUint8(12 + i, byte));
    this.#page([new Uint8Array(head.buffer)], FIRST, 0);
    this.#page([new Uint8Array(tags.buffer)], 0, 0);
  }

  /** A packet (bytes) that lasts `us` microseconds. */
  add(packet, us) {
    if (this.#packets.length === PACKETS_A_PAGE) this.#flush(0);
    this.#packets.push(packet);
    this.#granule += Math.round((us * 48) / 1000);
  }

  parts() {
    this.#flush(LAST);
    return this.#parts;
  }

  #flush(flags) {
    this.#page(this.#packets, flags, this.#granule);
    this.#packets = [];
  }

  #page(packets, flags, granule) {
    // A packet's length is a row of 255s and what is left: here none is longer than 1275 bytes
    const lacing = packets.flatMap(({ length }) => [...Array(Math.floor(length / 255)).fill(255), length % 255]);
    const page = new Uint8Array(27 + lacing.length + packets.reduce((sum, { length }) => sum + length, 0));
    const view = new DataView(page.buffer);
    page.set(ascii("OggS"));
    page[5] = flags;
    view.setBigUint64(6, BigInt(granule), true);
    view.setUint32(14, SERIAL, true);
    view.setUint32(18, this.#pages++, true);
    page[26] = lacing.length;
    page.set(lacing, 27);
    let at = 27 + lacing.length;
    for (const packet of packets) {
      page.set(packet, at);
      at += packet.length;
    }
    view.setUint32(22, crc(page), true);
    this.#parts.push(page);
  }
}

function crc(bytes) {
  let sum = 0;
  for (const byte of bytes) sum = ((sum << 8) ^ TABLE[(sum >>> 24) ^ byte]) >>> 0;
  return sum;
}

function ascii(text) {
  return [...text].map((letter) => letter.charCodeAt(0));
}
