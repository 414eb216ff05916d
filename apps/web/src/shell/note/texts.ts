/** Why something else computes than was asked for. */
export const texts = {
  float64: {
    en: 'This page computes in float64, which WebGPU does not have, so it goes on as without.',
    zh: '本页使用 float64 计算，而 WebGPU 不支持 float64，因此照旧计算。',
  },
  noWebGpu: {
    en: 'WebGPU cannot be used here, so WebAssembly computes: ',
    zh: '此处无法使用 WebGPU，改由 WebAssembly 计算：',
  },
  lostWebGpu: {
    en: 'The graphics processor was lost; WebAssembly goes on from the last steps: ',
    zh: '图形处理器已丢失；WebAssembly 从最近的几步继续：',
  },
};
