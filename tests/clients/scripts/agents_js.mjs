// A talk with the npm package `@openai/agents`: `new RealtimeSession(agent, ...)` in node. The same talk as in user.py.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';

const [url, folder, home] = process.argv.slice(2);
const require = createRequire(`${home}/package.json`); // this file stands outside of the folder with the packages
const load = (name) => import(pathToFileURL(require.resolve(name).replace(/\.js$/, '.mjs')));
const { RealtimeAgent, RealtimeSession, OpenAIRealtimeWebSocket, tool } = await load('@openai/agents/realtime');
const { z } = await import(pathToFileURL(require.resolve('zod')));

const RATE = 24000, BLOCK = RATE / 50, NOISE = 3, LIMIT_MS = 30000, CUTS_IN_AFTER_MS = 1500;
const tell = (event, facts = {}) => console.log(JSON.stringify({ event, at_s: Date.now() / 1000, ...facts }));

const played = new Map(); // response -> ms heard
let queue = [], speech = Buffer.alloc(0), last = '', idleSince = Date.now(), repliesDone = 0, interrupted = false;
const idleMs = () => Date.now() - idleSince;

async function until(isSo, what) {
  const end = Date.now() + LIMIT_MS;
  while (!isSo()) {
    if (Date.now() > end) { tell('failed', { waited_for: what }); process.exit(1); }
    await sleep(20);
  }
}

const getWeather = tool({
  name: 'get_weather',
  description: 'The weather in a city',
  parameters: z.object({ city: z.string() }),
  execute: async ({ city }) => { tell('tool', { name: 'get_weather', arguments: { city } }); return 'sunny, 21 degrees'; },
});
const agent = new RealtimeAgent({
  name: 'Assistant', instructions: 'You are a friendly assistant. Answer in one sentence.', tools: [getWeather],
});
const session = new RealtimeSession(agent, {
  transport: new OpenAIRealtimeWebSocket({ useInsecureApiKey: true }),
  model: 'huiyin', tracingDisabled: true,
  config: { audio: { input: { turnDetection: { type: 'server_vad' } } } },
});
let history = [], ready = false;
session.on('history_updated', (items) => { history = items; });
session.on('audio', (event) => queue.push([event.responseId, Buffer.from(event.data)]));
session.on('audio_interrupted', () => { queue = []; interrupted = true; });
session.on('error', (error) => tell('error', { error: String(error?.error?.message ?? JSON.stringify(error)) }));
session.transport.on('*', (message) => {
  if (message.type === 'session.updated') ready = true;
  if (message.type === 'response.done' && message.response.output?.some((item) => item.type === 'message')) repliesDone++;
  if (message.type !== 'response.output_audio.delta') tell('server', { message });
});

function step() { // 20 ms pass
  const part = Buffer.alloc(BLOCK * 2);
  for (let i = 0; i < BLOCK; i++) part.writeInt16LE(Math.round((Math.random() * 2 - 1) * NOISE), 2 * i);
  speech.copy(part, 0, 0, BLOCK * 2);
  speech = speech.subarray(BLOCK * 2);
  session.sendAudio(part.buffer.slice(part.byteOffset, part.byteOffset + part.length));
  for (let left = BLOCK * 2; queue.length && left;) {
    const [item, sound] = queue.shift();
    if (sound.length > left) queue.unshift([item, sound.subarray(left)]);
    const bytes = Math.min(left, sound.length);
    left -= bytes;
    last = item;
    idleSince = Date.now();
    played.set(item, (played.get(item) ?? 0) + bytes / 2 / RATE * 1000);
  }
}

async function say(name) {
  tell('user speaks', { said: name });
  speech = readFileSync(`${folder}/${name}.pcm`);
  await until(() => !speech.length, `${name} is said`);
  tell('user has spoken', { said: name });
}

await session.connect({ apiKey: 'x', url: url.replace(/^http/, 'ws') + '/v1/realtime' });
await until(() => ready, 'session.updated');
let due = Date.now();
const devices = setInterval(() => { for (; due <= Date.now(); due += 20) step(); }, 5);
await sleep(500);
await say('weather');
await until(() => last && repliesDone, 'the weather');
await until(() => idleMs() > 700, 'the end of the weather');
const weather = last;
await say('story');
await until(() => last !== weather && (played.get(last) ?? 0) >= CUTS_IN_AFTER_MS, 'the story begins');
interrupted = false;
const done = repliesDone, story = last;
const asking = say('author');
await until(() => interrupted, 'it falls silent');
tell('interrupted', { played_ms: played.get(story) });
await asking;
await until(() => last !== story && repliesDone > done, 'the last question is answered');
await until(() => idleMs() > 700, 'the answer has been played');
await sleep(1000);
const text = (item) => item.content.map((part) => part.transcript ?? part.text ?? '').join('');
tell('history', { turns: history.filter((item) => item.type === 'message').map((item) => [item.role, text(item)]) });
clearInterval(devices);
session.close();
