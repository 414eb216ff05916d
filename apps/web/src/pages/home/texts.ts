/** The words of the start page. */

export const texts = {
  purpose: {
    en: 'A neural network is a graph of small computations. Here you can watch one compute, send gradients back, and learn — in your own browser, with nothing sent anywhere. Every number on these pages is computed by the same packages that you can install.',
    zh: '神经网络是由许多小计算组成的图。在这里，你可以看着它前向计算、反向传播梯度并学习——一切都在你的浏览器中进行，不会上传任何数据。页面上的每个数字都由你可以安装的同一套软件包算出。',
  },
};
