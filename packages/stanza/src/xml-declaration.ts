/** XML 1.0 §2.8; RFC 6120 §11.6: UTF-8 is the only encoding. */
import { StreamError } from './errors.ts'

const XML_DECLARATION =
  /^<\?xml\s+version\s*=\s*(["'])1\.\d\1(\s+encoding\s*=\s*(["'])([A-Za-z][\w.-]*)\3)?(\s+standalone\s*=\s*(["'])(yes|no)\6)?\s*\?>$/

const XML_TARGET = /^<\?xml[\s?>]/

/** Throws StreamError unless the text is an XML declaration. */
export function checkDeclaration(source: string): void {
  if (!XML_TARGET.test(source)) throw new StreamError('restricted-xml') // a processing instruction
  const declared = XML_DECLARATION.exec(source)
  if (!declared) throw new StreamError('not-well-formed')
  const encoding = declared[4]
  if (encoding !== undefined && encoding.toLowerCase() !== 'utf-8')
    throw new StreamError('unsupported-encoding')
}
