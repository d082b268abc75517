/** Reads QR codes of pages as the camera of a phone would: from what is drawn. */
import type { Locator } from 'playwright-core'
import decode from 'qr/decode.js'

const SIDE = 300

interface Context {
  drawImage(image: unknown, x: number, y: number, width: number, height: number): void
  getImageData(x: number, y: number, width: number, height: number): { readonly data: ArrayLike<number> }
}
interface Page {
  readonly document: {
    createElement(name: 'canvas'): { width: number; height: number; getContext(kind: '2d'): Context }
  }
}

/** The text of the code that an image shows, once it is loaded. */
export async function readQr(image: Locator): Promise<string> {
  // A digit for each pixel: hundreds of thousands of numbers would take long to come here.
  const pixels = await image.evaluate(async (element, side) => {
    await (element as unknown as { decode(): Promise<void> }).decode()
    const canvas = (globalThis as unknown as Page).document.createElement('canvas')
    canvas.width = side
    canvas.height = side
    const context = canvas.getContext('2d')
    context.drawImage(element, 0, 0, side, side)
    const { data } = context.getImageData(0, 0, side, side)
    return Array.from({ length: side * side }, (_, index) => ((data[index * 4] ?? 0) < 128 ? '0' : '1')).join(
      '',
    )
  }, SIDE)
  const data = Uint8Array.from({ length: SIDE * SIDE * 3 }, (_, index) =>
    pixels[Math.floor(index / 3)] === '0' ? 0 : 255,
  )
  return decode({ width: SIDE, height: SIDE, data })
}
