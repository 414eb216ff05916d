/** Byte offsets in the header of an argument block, all i32. Fields of the stage follow. */

/** Position of the kernel in the function table. */
export const position = 0;
/** Bytes of the argument block, a multiple of 16: the next one follows. */
export const bytes = 4;
/** Units of work in all. */
export const units = 8;
/** Fewest units worth handing to another thread. */
export const grain = 12;
/** Most pieces to cut the work into for each thread. */
export const pieces = 16;
/** Fields start here. */
export const fields = 24;
