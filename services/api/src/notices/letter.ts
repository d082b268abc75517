/** A notice as a letter, in lines of 76 characters. */
import type { Letter } from '../letters/letters.ts'
import type { Notice } from './store.ts'

const COLUMNS = 76
/** Bytes of one encoded word, so that with its frame it has 75 characters at most (RFC 2047 §2). */
const WORD_BYTES = 45

/** `link`: where the notice is shown. */
export function noticeLetter(notice: Notice, link: string): Omit<Letter, 'to'> {
  return { subject: encodeSubject(notice.title), lines: noticeText(notice, link).split('\n') }
}

/** What is written in the mail, for a preview as well. */
export function noticeText(notice: Notice, link: string): string {
  const paragraphs = [...notice.body.trim().split(/\n\s*\n/), ...timeOf(notice)]
  return [...paragraphs.map(wrap), link].join('\n\n')
}

/** What is said in chat. */
export function noticeChat(notice: Notice): string {
  return [notice.body, ...timeOf(notice)].join('\n\n')
}

function timeOf({ startsAt, endsAt }: Notice): string[] {
  if (startsAt === undefined || endsAt === undefined) return []
  return [`From ${showTime(startsAt)} to ${showTime(endsAt)} (UTC).`]
}

function showTime(ms: number): string {
  return new Date(ms).toISOString().slice(0, 16).replace('T', ' ')
}

/** Lines of 76 characters where words allow it; line ends that are there stay. */
function wrap(paragraph: string): string {
  return paragraph
    .split('\n')
    .map((line) => {
      const lines: string[] = ['']
      for (const word of line.trim().split(/\s+/)) {
        const last = lines.at(-1) ?? ''
        if (last === '') lines[lines.length - 1] = word
        else if (last.length + 1 + word.length <= COLUMNS) lines[lines.length - 1] = `${last} ${word}`
        else lines.push(word)
      }
      return lines.join('\n')
    })
    .join('\n')
}

/** RFC 2047 §4.1: as encoded words if it has other letters than those of ASCII. */
function encodeSubject(title: string): string {
  if (/^[\x20-\x7e]*$/.test(title)) return title
  const words: string[] = []
  let word = ''
  for (const character of title) {
    if (Buffer.byteLength(word + character) > WORD_BYTES) {
      words.push(word)
      word = ''
    }
    word += character
  }
  return [...words, word].map((each) => `=?utf-8?B?${Buffer.from(each).toString('base64')}?=`).join('\r\n ')
}
