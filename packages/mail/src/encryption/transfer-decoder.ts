/** RFC 2045 §6: undoes a Content-Transfer-Encoding while it comes in. Malformed input gives bytes that are nothing in particular. */

export interface TransferDecoder {
  write(chunk: Buffer): Buffer
}

const HEX = '[0-9A-Fa-f]{2}'
const ESCAPE = new RegExp(`=(?:(${HEX})|[\\t ]*\\r?\\n)`, 'g')
/** What an escape may be the beginning of; soft line breaks have blanks, 76 characters a line at most. */
const OPEN_ESCAPE = /=(?:[0-9A-Fa-f]?|[\t ]{0,76}\r?)$/

/** Undefined for an encoding that nobody knows. */
export function transferDecoder(encoding: string | undefined): TransferDecoder | undefined {
  switch ((encoding ?? '7bit').trim().toLowerCase()) {
    case '7bit':
    case '8bit':
    case 'binary': {
      return { write: (chunk) => chunk }
    }
    case 'base64': {
      return base64()
    }
    case 'quoted-printable': {
      return quotedPrintable()
    }
    default: {
      return undefined
    }
  }
}

function base64(): TransferDecoder {
  let held = ''
  return {
    write(chunk) {
      const text = held + chunk.toString('latin1').replaceAll(/[\t\n\r ]+/g, '')
      const whole = text.length - (text.length % 4)
      held = text.slice(whole)
      return Buffer.from(text.slice(0, whole), 'base64')
    },
  }
}

function quotedPrintable(): TransferDecoder {
  let held = ''
  return {
    write(chunk) {
      const text = held + chunk.toString('latin1')
      const open = OPEN_ESCAPE.exec(text.slice(-80))
      const whole = open === null ? text.length : text.length - open[0].length
      held = text.slice(whole)
      const plain = text
        .slice(0, whole)
        .replaceAll(ESCAPE, (_all, hex: string | undefined) =>
          hex === undefined ? '' : String.fromCodePoint(Number.parseInt(hex, 16)),
        )
      return Buffer.from(plain, 'latin1')
    },
  }
}
