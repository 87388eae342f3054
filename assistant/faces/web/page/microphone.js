// The microphone: opened with wishes, never demands, and why there is none in a word that i18n.js has a sentence for.

/** A reason that people can act on: its `code` names the sentence in i18n.js ("mic.denied"). */
export class NoMicrophone extends Error {
  constructor(code) {
    super(code);
    this.code = code;
  }
}

const REASONS = {
  NotAllowedError: "denied",
  SecurityError: "denied",
  NotFoundError: "missing",
  OverconstrainedError: "missing",
  NotReadableError: "busy",
  AbortError: "busy",
};

/** The code for what getUserMedia threw. */
export function reasonOf(error) {
  return REASONS[error?.name] ?? "unknown";
}

/** A MediaStream of the microphone `deviceId` ("": the system's choice). Raises NoMicrophone. */
export async function openMicrophone(deviceId = "") {
  if (!globalThis.isSecureContext || !navigator.mediaDevices?.getUserMedia) throw new NoMicrophone("insecure");
  const wishes = {
    echoCancellation: { ideal: true },
    noiseSuppression: { ideal: true },
    autoGainControl: { ideal: true },
    channelCount: { ideal: 1 },
  };
  if (deviceId) wishes.deviceId = { ideal: deviceId };
  try {
    return await navigator.mediaDevices.getUserMedia({ audio: wishes });
  } catch (error) {
    throw new NoMicrophone(reasonOf(error));
  }
}

/** {inputs, outputs}: [{id, label}]; labels are empty until a microphone was allowed. */
export async function listDevices() {
  const devices = (await navigator.mediaDevices?.enumerateDevices?.()) ?? [];
  const of = (kind) => devices.filter((d) => d.kind === kind && d.deviceId).map((d) => ({ id: d.deviceId, label: d.label }));
  return { inputs: of("audioinput"), outputs: of("audiooutput") };
}
