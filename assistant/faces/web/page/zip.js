// A zip file without compression: a header for each file, its bytes, and a list of all at the end. No DOM.

const VERSION = 20;
const UTF8_NAMES = 0x0800;
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc >>> 0;
});

export function crc32(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ TABLE[(crc ^ byte) & 0xff];
  return (crc ^ 0xffffffff) >>> 0;
}

/** Parts for a Blob. `files`: [{name, text}]; a name that comes twice gets a number. */
export function zipParts(files, date = new Date()) {
  const encoder = new TextEncoder();
  const names = unique(files.map(({ name }) => name));
  const parts = [];
  const list = [];
  let offset = 0;
  files.forEach(({ text }, i) => {
    const [name, data] = [encoder.encode(names[i]), encoder.encode(text)];
    const facts = { name, size: data.length, crc: crc32(data), ...dosTime(date) };
    const head = header(0x04034b50, facts, null);
    parts.push(head, name, data);
    list.push(header(0x02014b50, facts, offset), name);
    offset += head.length + name.length + data.length;
  });
  const end = new DataView(new ArrayBuffer(22));
  end.setUint32(0, 0x06054b50, true);
  end.setUint16(8, files.length, true);
  end.setUint16(10, files.length, true);
  end.setUint32(12, list.reduce((sum, part) => sum + part.length, 0), true);
  end.setUint32(16, offset, true);
  return [...parts, ...list, new Uint8Array(end.buffer)];
}

/** The local header, or with an `offset` the one in the list at the end. */
function header(signature, { name, size, crc, day, time }, offset) {
  const listed = offset !== null;
  const view = new DataView(new ArrayBuffer(listed ? 46 : 30));
  const shift = listed ? 2 : 0;
  view.setUint32(0, signature, true);
  view.setUint16(4, VERSION, true);
  if (listed) view.setUint16(6, VERSION, true);
  view.setUint16(6 + shift, UTF8_NAMES, true);
  view.setUint16(10 + shift, time, true);
  view.setUint16(12 + shift, day, true);
  view.setUint32(14 + shift, crc, true);
  view.setUint32(18 + shift, size, true);
  view.setUint32(22 + shift, size, true);
  view.setUint16(26 + shift, name.length, true);
  if (listed) view.setUint32(42, offset, true);
  return new Uint8Array(view.buffer);
}

function dosTime(date) {
  return {
    day: ((date.getFullYear() - 1980) << 9) | ((date.getMonth() + 1) << 5) | date.getDate(),
    time: (date.getHours() << 11) | (date.getMinutes() << 5) | (date.getSeconds() >> 1),
  };
}

function unique(names) {
  const taken = new Set();
  return names.map((name) => {
    const dot = name.lastIndexOf(".");
    const [stem, end] = dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, ""];
    let free = name;
    for (let number = 2; taken.has(free); number++) free = `${stem} (${number})${end}`;
    taken.add(free);
    return free;
  });
}
