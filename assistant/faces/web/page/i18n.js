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

  "hint.idle": ["Chinese, English, or both in one sentence.", "中文、英文，混着说也行。"],
  "hint.listening": ["Just speak. You can interrupt at any time.", "直接说就行，随时可以打断。"],
  "hint.key": ["It can only be interrupted with Esc.", "按 Esc 才会打断它。"],
  "hint.hold": ["Hold the button or the space bar.", "按住按钮或空格键。"],
  "hint.quiet": ["You are very quiet. Move closer to the microphone.", "声音很小，离麦克风近一点。"],
  "hint.lost": ["What was said is kept. Trying again in {s} s.", "说过的话都在。{s} 秒后重试。"],
  "hint.reconnecting": ["What was said is kept. Connecting again…", "说过的话都在。正在重新连接……"],
  "hint.resume": ["Tap to hear the assistant.", "点一下才能听到声音。"],

  "mic.insecure": ["Browsers give a microphone only to https pages or localhost. Start “huiyin web --tls self-signed”, or open this page at http://localhost.", "浏览器只把麦克风给 https 或 localhost 的页面。请用 “huiyin web --tls self-signed” 启动，或者用 http://localhost 打开。"],
  "mic.denied": ["The browser refused the microphone. Allow it in the address bar and start again; until then you can type.", "浏览器没有给麦克风权限。请在地址栏里允许，再重新开始；也可以先打字。"],
  "mic.missing": ["No microphone is plugged in. Plug one in and it is used at once; until then you can type.", "没有找到麦克风。插上就能用；也可以先打字。"],
  "mic.busy": ["The microphone is in use by another program. Close it and start again; until then you can type.", "麦克风被别的程序占用了。关掉那个程序，再重新开始；也可以先打字。"],
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
  "talk.idea.1": ["Tell me a short story", "给我讲个小故事"],
  "talk.idea.2": ["How do I sleep better?", "怎么才能睡得好一点？"],
  "talk.idea.3": ["Teach me a sentence in Chinese", "教我一句英语"],
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
  "option.voice.own": ["As the persona", "跟角色走"],
  "option.voice.online": ["needs the Internet", "需要联网"],
  "gender.female": ["female", "女声"],
  "gender.male": ["male", "男声"],
  "option.speech": ["Language", "语言"],
  "option.speech.any": ["Either", "中英都行"],
  "option.turns": ["Interrupting", "怎么打断"],
  "turns.voice": ["By voice", "开口就行"],
  "turns.key": ["With Esc only", "只按 Esc"],
  "turns.off": ["Never", "不打断"],
  "turns.hold": ["Push to talk", "按住说话"],
  "option.input": ["Microphone", "麦克风"],
  "option.output": ["Loudspeaker", "扬声器"],
  "option.device.default": ["Default", "系统默认"],
  "option.output.hint": ["With a chosen loudspeaker some browsers switch echo cancelling off. Use a headset.", "指定扬声器时，有的浏览器会关掉回声消除。最好戴耳机。"],

  "latency.title": ["From your last word to the first sound", "你说完到听到回答"],
  "latency.hear": ["end of turn", "判断说完"],
  "latency.asr": ["recognition", "识别"],
  "latency.llm": ["language model", "语言模型"],
  "latency.tts": ["synthesis", "合成"],
  "latency.hold": ["held back", "等待"],
  "timeline.title": ["Last minute", "最近一分钟"],
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

  "asr.language": ["Language", "语言"],
  "asr.hotwords": ["Names and terms to expect", "热词：会出现的名字和术语"],
  "asr.hotwords.example": ["Zhang Wei, PyTorch", "张伟, PyTorch"],
  "asr.itn": ["Write numbers and dates as digits", "数字和日期写成阿拉伯数字"],
  "file.drop": ["Drop recordings here", "把录音拖到这里"],
  "file.limit": ["One or many, audio or video, up to {most} MB each", "一个或多个，音频或视频，每个不超过 {most} MB"],
  "file.choose": ["Choose files", "选择文件"],
  "file.record": ["Record", "录音"],
  "file.record_stop": ["Stop and transcribe", "停止并转写"],
  "file.recording": ["recording", "录音"],
  "file.files": ["Files", "文件"],
  "file.name": ["Name", "名称"],
  "file.length": ["Length", "时长"],
  "file.confidence": ["Confidence", "置信度"],
  "file.speed": ["Speed", "倍速"],
  "file.act": ["Remove", "移除"],
  "file.remove": ["Remove {name}", "移除 {name}"],
  "file.save_all": ["All as a zip", "全部下载 (zip)"],
  "file.download": ["Download", "下载"],
  "file.report": ["Making the report…", "正在生成报告……"],
  "file.none": ["Transcripts appear here: text with times, emotions and sounds. Click a word to hear it.", "转写结果会出现在这里：文字、时间、情感和声音事件。点一个字就能听。"],
  "file.waiting": ["waiting", "排队中"],
  "file.to-compress": ["waiting", "排队中"],
  "file.compressing": ["compressing", "压缩中"],
  "file.sending": ["sending", "上传中"],
  "file.recognising": ["recognising", "识别中"],
  "file.again": ["Try again", "重试"],
  "file.unreachable": ["The server cannot be reached.", "连不上服务器。"],
  "file.too_large": ["{size} MB is more than the limit of {most} MB. Send it as MP3 or Opus, or use “huiyin transcribe”.", "{size} MB，超过上限 {most} MB。请先转成 MP3 或 Opus，或者用 “huiyin transcribe”。"],
  "file.too_large_wav": ["{size} MB is more than the limit of {most} MB.", "{size} MB，超过上限 {most} MB。"],
  "file.compress": ["Send compressed ({size} MB)", "压缩后上传（{size} MB）"],
  "transcript.confidence": ["confidence {share}", "置信度 {share}"],
  "transcript.speed": ["{x} × real time", "{x} 倍速"],
  "transcript.emotion": ["Emotion", "情感"],
  "transcript.play": ["Play from {at}", "从 {at} 播放"],
  "transcript.empty": ["No speech was recognised.", "没有识别到语音。"],
  "transcript.unplayable": ["This browser cannot play the file.", "浏览器播放不了这个文件。"],

  "live.start": ["Start dictation", "开始听写"],
  "live.stop": ["Stop", "停止"],
  "live.copy": ["Copy", "复制"],
  "live.copied": ["Copied.", "已复制。"],
  "live.clear": ["Clear", "清空"],
  "live.empty": ["Speak, and the text appears as you go.", "开口说，文字边说边出。"],
  "live.speak": ["Listening…", "在听……"],
  "live.lost": ["The connection was lost. What was written is kept.", "连接断了，写下的都在。"],

  "system.machine": ["Machine and packages", "机器与软件包"],
  "system.cpus": ["Cores", "CPU 核数"],
  "system.memory": ["Memory", "内存"],
  "system.gpu": ["GPU", "GPU"],
  "system.no_gpu": ["none", "没有"],
  "system.sessions": ["Conversations", "对话"],
  "system.sessions_of": ["{open} of at most {limit}", "{open} 个，最多 {limit} 个"],
  "system.latency": ["Time to an answer", "回答用时"],
  "system.no_latency": ["No spoken turn has been answered yet.", "还没有回答过你说的话。"],
  "system.more": ["More", "更多"],
  "system.part": ["Part", "环节"],
  "system.p50": ["median", "中位数"],
  "system.p95": ["95th percentile", "95 分位"],
  "system.histogram": ["Histogram of {count} turns", "{count} 轮的直方图"],
  "system.doctor": ["huiyin doctor", "环境检查"],
  "system.examine": ["Check again", "再查一次"],
  "system.examining": ["Checking…", "正在检查……"],
  "latency.total": ["in all", "合计"],
  "check.ok": ["ok", "正常"],
  "check.warn": ["warning", "注意"],
  "check.fail": ["fails", "失败"],
  "fact.engine": ["Engine", "引擎"],
  "fact.device": ["Device", "设备"],
  "fact.threads": ["Threads", "线程"],
  "fact.languages": ["Languages", "语言"],
  "fact.load_s": ["Loaded in (s)", "加载用时（秒）"],
  "fact.rss_mb": ["Memory (MB)", "占用内存（MB）"],
  "fact.queue": ["Queue", "队列"],
  "fact.waiting": ["Waiting", "等待"],
  "fact.running": ["In progress", "进行中"],
  "fact.max_duration_s": ["Longest recording (s)", "最长录音（秒）"],
  "fact.vad": ["Voice activity", "语音检测"],
  "fact.workers": ["At once", "同时处理"],
  "fact.streams": ["Dictations", "听写"],
  "fact.open": ["open", "进行中"],
  "fact.most": ["at most", "最多"],
  "fact.cache": ["Cache", "缓存"],
  "fact.entries": ["entries", "条目"],
  "fact.hits": ["hits", "命中"],
  "fact.upstreams": ["Models behind it", "后端模型"],
  "fact.turn_model": ["Model for the end of turns", "判断说完的模型"],
  "fact.max_text_chars": ["Longest text (characters)", "最长文本（字）"],
  "fact.model": ["model", "模型"],
  "fact.state": ["state", "状态"],
  "fact.yes": ["yes", "是"],
  "fact.no": ["no", "否"],
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

/** Options of a <select> for languages to recognise: `codes`, after "detect". */
export function languageOptions(codes = []) {
  return [["", t("language.auto")], ...codes.map((code) => [code, t(`language.${code}`)])];
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
