/** The words of the start page. */

export const texts = {
  purpose: {
    en: 'A neural network is a graph of small computations. This one computes, sends its gradient back and learns, here in your browser. Take it over: drag a number.',
    zh: '神经网络是由许多小计算组成的图。它正在你的浏览器里计算、回传梯度并学习。拖动任意数字，它就归你了。',
  },
  hero: { en: 'A neuron that learns', zh: '正在学习的神经元' },
  pause: { en: 'Pause', zh: '暂停' },
  learn: { en: 'Learn', zh: '学习' },
  restart: { en: 'Start over', zh: '重新开始' },
  loss: { en: 'loss ', zh: '损失 ' },
  open: { en: 'Open in the microscope →', zh: '在显微镜中打开 →' },
  course: { en: 'A course in seven lessons', zh: '七节课' },
  everything: { en: 'Everything there is', zh: '全部页面' },
  install: { en: 'The same packages, in your own program', zh: '在你自己的程序中使用同样的软件包' },
};
