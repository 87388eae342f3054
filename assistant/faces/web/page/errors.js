// What the servers say is wrong, in the page's language. They are asked for it; what a user of the page meets most has
// simpler Chinese words here, by the error's code.

import { language, t } from "./i18n.js";

export const CHINESE = {
  // This address and its services
  unauthorized: "需要密钥。请打开 “huiyin web” 打印的链接。",
  service_down: "这项服务没有运行。",
  service_silent: "这项服务没有回应，请再试一次。",
  service_failed: "这项服务用不了；“系统” 页有详情。",
  other_service_key: "这项服务用的是另一个密钥（service.api_key）。",
  loading: "模型还在加载，请稍后再试。",
  model_unavailable: "模型加载不了；“系统” 页有详情。",
  internal_error: "服务内部出错了，详情在它的日志里。",
  // Recordings
  too_large: "文件超过了大小上限。",
  body_too_large: "文件超过了大小上限。",
  body_stalled: "上传中断了，请再试一次。",
  empty_audio: "这个文件是空的。",
  audio_too_long: "录音超过了时长上限（设置 asr.max_duration_s）。请分段上传。",
  audio_too_long_by_header: "录音超过了时长上限（设置 asr.max_duration_s）。请分段上传。",
  audio_too_short: "录音太短了。",
  damaged_audio: "文件坏了，解不出声音。",
  invalid_samples: "录音里有无效的数值，请重新导出。",
  no_audio_stream: "这个文件里没有声音。",
  not_audio: "这不是能读的声音文件。可以用 wav、mp3、flac、ogg、m4a、webm 等；中断的 m4a 或 mp4 缺少索引，读不了。",
  silent_audio: "录音是绝对的静音：麦克风可能关着，或者程序没有录音权限。",
  deadline: "在时限内没有识别完，请上传短一些的录音。",
  busy: "正忙，请稍后再试。",
  out_of_memory: "内存不够，识别不了这么长的录音。",
  job_not_found: "服务器上已经没有这个录音了。",
  job_busy: "正在识别，没能停下。请过一分钟再试。",
  job_without_recording: "服务器上没有这个录音，请重新上传。",
  journal_not_written: "服务器的磁盘写不下了。请腾出空间再试。",
  disk_full: "服务器的磁盘写不下了。请腾出空间再试。",
  hotword_invisible: "热词里有看不见的字符。",
  hotword_too_long: "有一个热词太长了。",
  hotword_is_address: "热词不能是网址或文件名。",
  hotword_without_letter: "有一个热词里没有文字。",
  too_many_hotwords: "热词太多了。",
  // Dictation
  too_many_streams: "同时听写的人太多了，请稍后再试。",
  idle: "太久没有声音传来，听写停了。",
  stream_too_long: "这次听写到了时长上限，请重新开始。",
  // Conversations
  session_limit_reached: "同时进行的对话已经到了上限，请稍后再试。",
  session_expired: "这次对话到了时长上限，正在重新连接。",
  session_idle: "太久没有动静，对话断开了。",
  no_model: "缺少模型，对话开始不了；“系统” 页有详情。",
  input_audio_buffer_full: "声音来得太快，有一段没有听到。",
  too_many_items: "这次对话太长了，请开始新的对话。",
};

/** An error {code, message} of our servers in words; "" for none. The message says what to do, too. */
export function words(error) {
  if (!error) return "";
  return (language() === "zh" && CHINESE[error.code]) || error.message || "";
}

/** A notice of the conversation, {text, stage, code}: in English the server's words say more. */
export function noticeWords({ text, stage, code }) {
  if (language() !== "zh") return text;
  return stage ? t(`notice.${stage}`) : CHINESE[code] ?? text;
}
