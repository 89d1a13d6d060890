/** Whether a picture fills the window it is shown in, or is shown whole with room beside it. Pure. */

export interface Size {
  readonly width: number
  readonly height: number
}

/** People sit in the middle of their picture: a third less of it, half of that at each side, costs nobody's face. */
const mostCut = 1 / 3

export function fills(picture: Size, window: Size): boolean {
  const ratio = (picture.width * window.height) / (picture.height * window.width)
  return Math.min(ratio, 1 / ratio) >= 1 - mostCut
}
