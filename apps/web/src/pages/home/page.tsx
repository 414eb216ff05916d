/**
 * The first thing a visitor sees: what can be looked at here.
 */

import { useInspection } from '../../shell/inspection.ts';
import { say, type Text } from '../../shell/language.ts';
import type { PageProperties } from '../../shell/page.ts';
import { addressOf } from '../../shell/route.ts';
import { theme } from '../../shell/theme.ts';

/** A part of each page in both themes, taken by scripts/pictures.ts. */
const pictures = import.meta.glob<string>('./pictures/*.png', {
  eager: true,
  import: 'default',
  query: '?url',
});

const purpose: Text = {
  en: 'A neural network is a graph of small computations. Here you can watch one compute, send gradients back, and learn — in your own browser, with nothing sent anywhere. Every number on these pages is computed by the same packages that you can install.',
  zh: '神经网络是由许多小计算组成的图。在这里，你可以看着它前向计算、反向传播梯度并学习——一切都在你的浏览器中进行，不会上传任何数据。页面上的每个数字都由你可以安装的同一套软件包算出。',
};

export default function Home({ pages }: PageProperties) {
  useInspection(() => ({ page: 'home', pages: pages.map((page) => page.id) }));
  return (
    <>
      <p>{say(purpose)}</p>
      <ul class="cards">
        {pages
          .filter((page) => page.id !== 'home')
          .map((page) => (
            <li key={page.id}>
              <a class="card" href={addressOf(page.id)}>
                <img src={pictures[`./pictures/${page.id}-${theme.value}.png`]} alt="" loading="lazy" />
                <strong>{say(page.title)}</strong>
                <span class="soft">{say(page.summary)}</span>
              </a>
            </li>
          ))}
      </ul>
    </>
  );
}
