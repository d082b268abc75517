/** Pictures of pages for docs/panel.md: WebP, which takes a fraction of what PNG does. */
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Page } from 'playwright-core'

const QUALITY = 45
/** Pixels; what is below is more of the same. */
const HEIGHT_MAX = 1_000

/** As high as the page is, within bounds. */
export async function takeScreenshot(page: Page, path: string): Promise<void> {
  const session = await page.context().newCDPSession(page)
  const { cssContentSize: size } = await session.send('Page.getLayoutMetrics')
  await page.setViewportSize({ width: size.width, height: Math.min(size.height, HEIGHT_MAX) })
  const { data } = await session.send('Page.captureScreenshot', { format: 'webp', quality: QUALITY })
  await session.detach()
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, Buffer.from(data, 'base64'))
}
