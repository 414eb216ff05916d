/**
 * When the gradient-flow lab raises an alarm. Apart from what computes, because the page names these limits too.
 */
export const limits = {
  /** The first layer's gradient over the last one's is below. */
  vanishing: 1e-3,
  /** A layer's gradient, for each unit of the loss that is to be made smaller, is below. */
  tiny: 1e-6,
  /** A layer's gradient is above. */
  exploding: 1e2,
  /** More than this share of a layer's units is dead. */
  dead: 0.2,
};
