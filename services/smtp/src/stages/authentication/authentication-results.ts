/** RFC 8601: what this relay found out about a mail from outside, for its reader; and nobody else in its name. */
import { domainToASCII } from 'node:url'
import type { HeaderField, MailHeader } from '@sealpost/mail'

const NAME = 'Authentication-Results'

/** §5: fields that claim to be ours are lies, or of another round through here: they go. Returns how many. */
export function removeForgedResults(header: MailHeader, ours: readonly string[]): number {
  return header.remove((field) => {
    if (field.name !== NAME.toLowerCase()) return false
    const id = authservId(field)
    return id === undefined || ours.some((domain) => id === domain || id.endsWith(`.${domain}`))
  })
}

/** §2.2, RFC 8616 §5: lower case, A-labels; undefined when there is none that can be told, as when the field is made to be misread. */
function authservId({ raw }: HeaderField): string | undefined {
  const text = raw.toString('utf8')
  let value = text.slice(text.indexOf(':') + 1).replaceAll(/[\r\n]/g, '')
  // Comments, the innermost first.
  for (let before = ''; before !== value && value.length < 4096;) {
    before = value
    value = value.replaceAll(/\((?:[^()\\]|\\.)*\)/g, ' ')
  }
  const [, quoted, token] = /^[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s;"()]+))/.exec(value) ?? []
  const id = (quoted?.replaceAll(/\\(.)/g, '$1').trim() ?? token)?.toLowerCase().replace(/\.$/, '')
  return id === undefined ? undefined : domainToASCII(id) || id
}

/** One result, as RFC 8601 §2.2 writes it: `spf=pass smtp.mailfrom=example.org`. Folded already, if it is long. */
export type MethodResult = string

export function writeResults(header: MailHeader, authserv: string, results: readonly MethodResult[]): void {
  header.prepend(
    NAME,
    `${authserv};\r\n\t${results.length === 0 ? 'none' : results.map(safe).join(';\r\n\t')}`,
  )
}

/** No byte of a stranger's name or address may end the line. */
function safe(result: string): string {
  return result
    .replaceAll(/\r\n(?=[ \t])/g, '\n')
    .replaceAll(/[\p{Cc}--[\t\n]]/gv, '')
    .replaceAll(/\n(?![ \t])/g, ' ')
    .replaceAll('\n', '\r\n')
}
