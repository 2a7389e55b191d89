/** In the stand-in's folder: the options that were asked of it and that the broker has no equivalent of, one a line. */
export const REFUSED = "refused";
