import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { html } from './page.ts'

test('whatever is put into a page, it adds no element, attribute or entity', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('<', '>', '"', "'", '&', 'a', '$', '`', '\\') }),
      (text) => {
        const [, inside = ''] = /^<p title="([^]*)">$/.exec(html`<p title="${text}"></p>`.text) ?? []
        expect(inside).not.toMatch(/[<>"']|&(?!(?:amp|lt|gt|quot|#39);)/)
        expect(html`${html`<b>${text}</b>`}`.text).toBe(html`<b>${text}</b>`.text)
      },
    ),
  )
})
