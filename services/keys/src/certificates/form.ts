/** The field `keytext` of a form, in which keys come: draft-gallagher-openpgp-hkp §4.1, RFC 7578. */

/** How a form is written: `application/x-www-form-urlencoded`, or `multipart/form-data` with this boundary. */
export type Form = 'urlencoded' | { readonly boundary: string }

/** Of the lines above the content of a part. */
const PART_HEAD_BYTES_MAX = 4_096

/** Nothing, when the form has no such field; of several the first, in a form of parts the first that is not empty. */
export function keytextOf(body: Buffer, form: Form): Buffer {
  return form === 'urlencoded' ? urlencodedKeytext(body) : multipartKeytext(body, form.boundary)
}

const FIELD = Buffer.from('keytext=')
const NEXT_FIELD = Buffer.from('&keytext=')

function urlencodedKeytext(form: Buffer): Buffer {
  const start = form.subarray(0, FIELD.length).equals(FIELD) ? 0 : form.indexOf(NEXT_FIELD) + 1
  if (start === 0 && !form.subarray(0, FIELD.length).equals(FIELD)) return Buffer.alloc(0)
  const end = form.indexOf('&', start)
  const value = form.toString('latin1', start + FIELD.length, end < 0 ? form.length : end)
  const octet = (hex: string): string => String.fromCharCode(Number.parseInt(hex.slice(1), 16))
  return Buffer.from(value.replaceAll('+', ' ').replaceAll(/%[0-9A-Fa-f]{2}/g, octet), 'latin1')
}

const KEYTEXT_HEAD = /^content-disposition:[^\r\n]*;[ \t]*name="?keytext"?[ \t]*(?:;|$)/im

/** RFC 2046 §5.1.1: a part lies between two delimiter lines, its content behind its first empty line. */
function multipartKeytext(body: Buffer, boundary: string): Buffer {
  const delimiter = Buffer.from(`\r\n--${boundary}`, 'latin1')
  const lines = Buffer.concat([Buffer.from('\r\n'), body])
  let start = lines.indexOf(delimiter)
  while (start >= 0) {
    const next = lines.indexOf(delimiter, start + delimiter.length)
    if (next < 0) break
    const part = lines.subarray(start + delimiter.length, next)
    const headEnd = part.indexOf('\r\n\r\n')
    if (
      headEnd >= 0 &&
      headEnd <= PART_HEAD_BYTES_MAX &&
      headEnd + 4 < part.length &&
      KEYTEXT_HEAD.test(part.toString('latin1', 0, headEnd))
    )
      return part.subarray(headEnd + 4)
    start = next
  }
  return Buffer.alloc(0)
}
