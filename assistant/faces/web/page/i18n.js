// All words of the page, [English, Chinese], as sentences people say. `{name}` is replaced by a fact.

import { choices } from "./state.js";

export const WORDS = {
  skip: ["Skip to content", "跳到正文"],
  tabs: ["Parts of the page", "页面"],
  "tab.talk": ["Talk", "对话"],
  "tab.transcribe": ["Transcribe", "转写"],
  "tab.live": ["Live", "听写"],
  "tab.system": ["System", "系统"],
  "theme.switch": ["Light or dark", "浅色或深色"],
  "language.switch": ["中文", "English"],
  "page.down": ["The server does not answer. Is “huiyin web” running? Trying again…", "服务器没有回应。“huiyin web” 在运行吗？正在重试……"],
  "page.key": ["This server wants a key. Open the link that “huiyin web” printed.", "这个服务器需要密钥。请打开 “huiyin web” 打印的链接。"],
  "page.service": ["{service} is {status}.", "{service}：{status}。"],
  close: ["Close", "关闭"],

  "service.asr": ["Speech recognition", "语音识别"],
  "service.llm": ["Language model", "语言模型"],
  "service.tts": ["Speech synthesis", "语音合成"],
  "status.ready": ["ready", "就绪"],
  "status.loading": ["loading", "加载中"],
  "status.failed": ["failed", "出错"],
  "status.down": ["not running", "没有运行"],

  "state.idle": ["Tap to talk", "点一下，开始说话"],
  "state.opening": ["One moment…", "稍等……"],
  "state.listening": ["Listening", "在听"],
  "state.user": ["Listening to you", "在听你说"],
  "state.thinking": ["Thinking", "在想"],
  "state.speaking": ["Speaking", "在说"],
  "state.paused": ["Paused for you", "停下来听你说"],
  "state.muted": ["Microphone is off", "麦克风关着"],
  "state.lost": ["Connection lost", "连接断了"],
  "state.hold": ["Hold to talk", "按住说话"],

  "hint.idle": ["Chinese and English. Everything stays on your machine.", "中文、英文都行。声音不出你的电脑。"],
  "hint.listening": ["Just speak. You can interrupt at any time.", "直接说就行，随时可以打断。"],
  "hint.key": ["It can only be interrupted with Esc.", "按 Esc 才会打断它。"],
  "hint.hold": ["Hold the button or the space bar.", "按住按钮或空格键。"],
  "hint.quiet": ["You are very quiet. Move closer to the microphone.", "声音很小，离麦克风近一点。"],
  "hint.lost": ["What was said is kept. Trying again in {s} s.", "说过的话都在。{s} 秒后重试。"],
  "hint.reconnecting": ["What was said is kept. Connecting again…", "说过的话都在。正在重新连接……"],
  "hint.typing": ["No microphone: type instead.", "没有麦克风：打字也行。"],
  "hint.resume": ["Tap to hear the assistant.", "点一下才能听到声音。"],

  "mic.insecure": ["Browsers give a microphone only to https pages or localhost. Start “huiyin web --tls”, or open this page at http://localhost.", "浏览器只把麦克风给 https 或 localhost 的页面。请用 “huiyin web --tls” 启动，或者用 http://localhost 打开。"],
  "mic.denied": ["The browser refused the microphone. Allow it in the address bar, then tap again.", "浏览器没有给麦克风权限。请在地址栏里允许，再点一次。"],
  "mic.missing": ["No microphone is plugged in. Plug one in, then tap again.", "没有找到麦克风。插上麦克风，再点一次。"],
  "mic.busy": ["The microphone is in use by another program. Close it, then tap again.", "麦克风被别的程序占用了。关掉它，再点一次。"],
  "mic.unknown": ["The microphone could not be opened.", "打不开麦克风。"],
  "mic.silent": ["The microphone gives exact silence: it is muted in the system or by a switch on the headset.", "麦克风给出的是绝对静音：系统里或耳机上把它关了。"],
  "mic.lost": ["The microphone was unplugged; using another one.", "麦克风拔掉了，换用另一个。"],
  "audio.unsupported": ["This browser is too old for sound here (no AudioWorklet).", "浏览器太旧，不能处理声音（没有 AudioWorklet）。"],

  "talk.start": ["Start talking", "开始对话"],
  "talk.controls": ["Conversation controls", "对话控制"],
  "talk.mute": ["Mute", "静音"],
  "talk.unmute": ["Unmute", "取消静音"],
  "talk.hush": ["Interrupt", "打断"],
  "talk.end": ["End", "结束"],
  "talk.options": ["Options", "设置"],
  "talk.conversation": ["Conversation", "对话"],
  "talk.new": ["New", "新对话"],
  "talk.save": ["Save", "保存"],
  "talk.captions": ["Captions", "字幕"],
  "talk.type": ["Or type here…", "也可以打字……"],
  "talk.send": ["Send", "发送"],
  "talk.empty": ["What you say and what you hear appears here, word by word.", "你说的和听到的，会逐字出现在这里。"],
  "talk.you": ["You", "你"],
  "talk.failed": ["(not understood)", "（没听清）"],
  "talk.unheard": ["not heard: {text}", "没有听到：{text}"],
  "talk.interrupted": ["interrupted", "被打断"],
  "save.text": ["Transcript (.txt)", "文字 (.txt)"],
  "save.sound": ["Sound of both sides (.wav)", "双方的声音 (.wav)"],
  "save.scenario": ["Scenario for huiyin simulate (.yaml)", "huiyin simulate 的场景 (.yaml)"],
  "save.nothing": ["There is nothing to save yet.", "还没有可以保存的内容。"],

  "option.persona": ["Persona", "角色"],
  "option.voice": ["Voice", "声音"],
  "option.voice.own": ["The persona’s own", "角色自己的"],
  "option.speech": ["Language", "语言"],
  "option.speech.any": ["Chinese and English", "中文和英文"],
  "option.turns": ["Taking turns", "轮流说话"],
  "turns.voice": ["Interrupt by voice", "开口就能打断"],
  "turns.key": ["Interrupt with Esc only", "只用 Esc 打断"],
  "turns.off": ["Never interrupt", "不打断"],
  "turns.hold": ["Push to talk", "按住说话"],
  "option.input": ["Microphone", "麦克风"],
  "option.output": ["Loudspeaker", "扬声器"],
  "option.device.default": ["System default", "系统默认"],
  "option.output.hint": ["With a chosen loudspeaker some browsers switch echo cancelling off. Use a headset.", "指定扬声器时，有的浏览器会关掉回声消除。最好戴耳机。"],

  "latency.title": ["From your last word to the first sound", "你说完到听到回答"],
  "latency.hear": ["end of turn", "判断说完"],
  "latency.asr": ["recognition", "识别"],
  "latency.llm": ["language model", "语言模型"],
  "latency.tts": ["synthesis", "合成"],
  "latency.hold": ["held back", "等待"],
  "timeline.title": ["Last minute", "最近一分钟"],
  "timeline.you": ["You", "你"],
  "timeline.assistant": ["Assistant", "助手"],
  "timeline.figures": ["answer {wait} ms · output {out} ms · buffer {buffer} ms · gaps {gaps}", "回答 {wait} 毫秒 · 输出 {out} 毫秒 · 缓冲 {buffer} 毫秒 · 断音 {gaps}"],
  "timeline.about": ["{turns} turns; median time to an answer {wait} ms", "{turns} 轮；回答用时中位数 {wait} 毫秒"],

  "emotion.happy": ["happy", "高兴"],
  "emotion.sad": ["sad", "悲伤"],
  "emotion.angry": ["angry", "愤怒"],
  "emotion.neutral": ["neutral", "平静"],
  "emotion.fearful": ["fearful", "恐惧"],
  "emotion.disgusted": ["disgusted", "厌恶"],
  "emotion.surprised": ["surprised", "惊讶"],
  "emotion.other": ["other", "其他"],
  "emotion.unknown": ["unclear", "不明"],
  "event.laughter": ["laughter", "笑声"],
  "event.applause": ["applause", "掌声"],
  "event.music": ["music", "音乐"],
  "event.crying": ["crying", "哭声"],
  "event.cough": ["cough", "咳嗽"],
  "event.sneeze": ["sneeze", "喷嚏"],
  "event.breath": ["breath", "呼吸声"],
  "event.singing": ["singing", "歌声"],
  "event.noise": ["noise", "噪声"],
  "language.zh": ["Chinese", "中文"],
  "language.yue": ["Cantonese", "粤语"],
  "language.en": ["English", "英语"],
  "language.ja": ["Japanese", "日语"],
  "language.ko": ["Korean", "韩语"],
  "language.auto": ["Detect", "自动识别"],
};

/** "zh" or "en". */
export function language() {
  return choices.get("language") || (navigator.language?.toLowerCase().startsWith("zh") ? "zh" : "en");
}

/** The words of `key` in the page's language; the key's last part where there are none. */
export function t(key, facts = {}) {
  const words = WORDS[key]?.[language() === "zh" ? 1 : 0] ?? key.slice(key.indexOf(".") + 1);
  return words.replace(/\{(\w+)\}/g, (whole, name) => facts[name] ?? whole);
}

/** 62 %, or 62% in Chinese. */
export function percent(share) {
  return `${Math.round(100 * share)}${language() === "zh" ? "%" : " %"}`;
}

/** Writes the words into all elements below `root` that name theirs: data-t (text), data-t-label, data-t-placeholder. */
export function translate(root = document) {
  for (const element of root.querySelectorAll("[data-t]")) {
    let text = [...element.childNodes].find((node) => node.nodeType === 3 && node.data.trim());
    if (!text) element.append((text = document.createTextNode("")));
    text.data = t(element.dataset.t);
  }
  for (const element of root.querySelectorAll("[data-t-label]")) {
    element.setAttribute("aria-label", t(element.dataset.tLabel));
    if (element.matches("button")) element.title = t(element.dataset.tLabel);
  }
  for (const element of root.querySelectorAll("[data-t-placeholder]")) element.placeholder = t(element.dataset.tPlaceholder);
}
