// The level ring around the button: the last seconds of both voices, spreading from the top down both sides.

const TICKS = 72; // on each side
const PACKETS_A_TICK = 2; // 40 ms
const FLOOR_DBFS = -60;
const CEILING_DBFS = -12;
const INNER = 0.56; // of the half width
const LONGEST = 0.36;
const TURN_S = 1.6; // of the arc while thinking

/** 0..1 for people's eyes. */
export function loudness(dbfs) {
  return Math.min(1, Math.max(0, (dbfs - FLOOR_DBFS) / (CEILING_DBFS - FLOOR_DBFS)));
}

export class Orb {
  #history = Array.from({ length: TICKS }, () => [0, 0]);
  #packets = [];
  #state = "idle";
  #running = false;

  constructor(element, canvas) {
    this.element = element;
    this.canvas = canvas;
    this.calm = matchMedia("(prefers-reduced-motion: reduce)");
    new ResizeObserver(() => this.#draw(0)).observe(canvas);
  }

  set state(state) {
    this.#state = state;
    this.element.dataset.state = state;
    const running = state !== "idle";
    if (running && !this.#running) requestAnimationFrame(this.#frame);
    this.#running = running;
    if (!running) {
      this.#history.forEach((levels) => levels.fill(0));
      this.#draw(0);
    }
  }

  /** Levels of one packet, dBFS. */
  push(user, assistant) {
    this.#packets.push([loudness(user), loudness(assistant)]);
    if (this.#packets.length < PACKETS_A_TICK) return;
    const most = (which) => Math.max(...this.#packets.map((levels) => levels[which]));
    this.#history.unshift([most(0), most(1)]);
    this.#history.length = TICKS;
    this.#packets = [];
  }

  redraw() {
    this.#draw(0);
  }

  #frame = (ms) => {
    if (!this.#running) return;
    if (!document.hidden) this.#draw(ms / 1000);
    requestAnimationFrame(this.#frame);
  };

  #draw(seconds) {
    const ratio = devicePixelRatio || 1;
    const size = this.canvas.clientWidth;
    if (!size) return;
    if (this.canvas.width !== size * ratio) this.canvas.width = this.canvas.height = size * ratio;
    const context = this.canvas.getContext("2d");
    const style = getComputedStyle(this.element);
    const colour = (name) => style.getPropertyValue(name).trim();
    context.setTransform(ratio, 0, 0, ratio, (size / 2) * ratio, (size / 2) * ratio);
    context.clearRect(-size / 2, -size / 2, size, size);
    this.#rings(context, size / 2, colour);
    if (this.#state !== "idle") this.#ticks(context, size / 2, colour);
    if (this.#state === "thinking" || this.#state === "opening" || this.#state === "lost") {
      this.#arc(context, size / 2, colour, this.calm.matches ? 0 : seconds);
    }
  }

  #rings(context, half, colour) {
    context.strokeStyle = colour("--hue");
    context.lineWidth = 1.25;
    const radii = this.#state === "idle" ? [0.58, 0.76, 0.94] : [INNER - 0.05];
    radii.forEach((radius, i) => {
      context.globalAlpha = 0.34 - 0.11 * i;
      context.beginPath();
      context.arc(0, 0, half * radius, 0, 2 * Math.PI);
      context.stroke();
    });
    context.globalAlpha = 1;
  }

  #ticks(context, half, colour) {
    const [you, assistant, still] = [colour("--jade"), colour("--sky"), colour("--line")];
    context.lineWidth = Math.max(1.5, (half * 2.1) / TICKS);
    context.lineCap = "round";
    this.#history.forEach(([user, voice], i) => {
      const level = Math.max(user, voice);
      context.strokeStyle = level < 0.04 ? still : voice > user ? assistant : you;
      context.globalAlpha = level < 0.04 ? 1 : 1 - (0.75 * i) / TICKS;
      const length = half * (0.012 + LONGEST * level ** 1.4);
      for (const side of [-1, 1]) {
        const angle = -Math.PI / 2 + (side * Math.PI * (i + 0.5)) / TICKS;
        const [x, y] = [Math.cos(angle), Math.sin(angle)];
        context.beginPath();
        context.moveTo(x * half * INNER, y * half * INNER);
        context.lineTo(x * (half * INNER + length), y * (half * INNER + length));
        context.stroke();
      }
    });
    context.globalAlpha = 1;
  }

  #arc(context, half, colour, seconds) {
    const start = ((seconds % TURN_S) / TURN_S) * 2 * Math.PI;
    context.strokeStyle = colour("--hue");
    context.lineWidth = 3;
    context.lineCap = "round";
    context.beginPath();
    context.arc(0, 0, half * (INNER - 0.05), start, start + Math.PI / 2);
    context.stroke();
  }
}
