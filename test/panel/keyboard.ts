/** Going about a page by the keyboard alone. */
import type { Page } from 'playwright-core'

/** A menu of thirty places, and a page. */
const PRESSES_MAX = 90

/** Goes forward until what has the focus says this. */
export async function tabTo(page: Page, text: string): Promise<void> {
  for (let presses = 0; presses < PRESSES_MAX; presses++) {
    if ((await page.evaluate('document.activeElement.textContent')) === text) return
    await page.keyboard.press('Tab')
  }
  throw new Error(`The keyboard does not reach: ${text}`)
}
