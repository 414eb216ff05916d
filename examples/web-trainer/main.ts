/** The page: samples come in, the newest window is asked while the worker trains, and recordings are learned. */
import { trainingService } from '@ag/train';
import { gestures, sampleOf, samples } from './gestures.ts';
import type { Settings } from './training.ts';

const find = <T extends HTMLElement>(id: string) => document.getElementById(id) as T;
const recorded: Settings = JSON.parse(localStorage.getItem('recorded') ?? '{"windows":[],"labels":[]}');
let [recording, performed, frames, told] = [-1, 0, 0, ''];
let playing = localStorage.getItem('paused') === null;

const service = trainingService<Settings, number[], Float32Array>(
  () => new Worker(new URL('./training.ts', import.meta.url), { type: 'module' }),
  {
    name: 'gestures',
    settings: recorded,
    playing,
    onEvent(event) {
      if (event.type === 'start') told = `step ${event.step}`;
      else if (event.type === 'step') told = `step ${event.step}, loss ${event.loss.toFixed(4)}`;
      else if (event.type === 'end') told = `learned in ${event.step} steps`;
      else if (event.type === 'restarted' || event.type === 'failed') told = event.message;
    },
  },
);
Object.assign(window, { service });

const meters = gestures.map((name, label) => {
  const meter = document.createElement('meter');
  const line = document.createElement('p');
  line.append(meter, ` ${name}`);
  find('answers').append(line);
  const button = document.createElement('button');
  button.textContent = name;
  button.onpointerdown = () => ([recording, performed] = [label, label]);
  find('record').append(button);
  return meter;
});

// The last samples, oldest first: of this device's sensor, or of whichever gesture is performed.
const recent: number[][] = Array.from({ length: samples }, () => [0, 0, 1]);
const take = (sample: number[]) => recent.push(sample) > samples && recent.shift();
const performing = setInterval(() => take(sampleOf(performed, performance.now() / 1000)), 20);
find('sensors').onclick = async () => {
  // iPhones ask their owner.
  await (DeviceMotionEvent as { requestPermission?(): Promise<string> }).requestPermission?.();
  addEventListener('devicemotion', ({ accelerationIncludingGravity: a }) => {
    clearInterval(performing);
    take([a?.x ?? 0, a?.y ?? 0, a?.z ?? 0].map((value) => value / 9.81));
  });
};

addEventListener('pointerup', () => {
  if (recording < 0) return;
  localStorage.setItem('recorded', JSON.stringify(recorded));
  [recording, performed] = [-1, 0];
  service.restart(recorded);
});
const showPlaying = () => (find('run').textContent = playing ? 'Pause' : 'Train');
showPlaying();
find('run').onclick = () => {
  playing = !playing;
  if (playing) localStorage.removeItem('paused');
  else localStorage.setItem('paused', 'yes');
  if (playing) service.play();
  else void service.pause();
  showPlaying();
};
find('reset').onclick = () => {
  localStorage.removeItem('recorded');
  recorded.windows.length = recorded.labels.length = 0;
  service.restart(recorded);
};

function draw(): void {
  const window = recent.flat();
  if (recording >= 0 && ++frames % 10 === 0) {
    recorded.windows.push(window);
    recorded.labels.push(recording);
  }
  // Of frames that come faster than answers the newest is asked.
  void service.predict(window).then((answer) => {
    answer?.value.forEach((chance, label) => {
      meters[label].value = chance;
    });
  });
  find('state').textContent = told;
  requestAnimationFrame(draw);
}
draw();
