/** RFC 5893 §2: the Bidi Rule, for strings that have passed a string class of PRECIS (so no formatting characters occur). */
import { CodePointSet } from './code-points.ts'

type Direction = 'L' | 'R' | 'AN' | 'EN' | 'NSM' | 'neutral'

/** Blocks that Unicode keeps for right-to-left scripts. NOTE: R and AL are one here, since RFC 5893 treats them alike. */
const RIGHT_TO_LEFT = new CodePointSet('590-8FF FB1D-FDFF FE70-FEFF 10800-10FFF 1E800-1EFFF')
const ARABIC_NUMBER = new CodePointSet('660-669 10D30-10D39 10D40-10D49')
const EUROPEAN_NUMBER = new CodePointSet('30-39 6F0-6F9')
const MARK = /^[\p{Mn}\p{Me}]$/u
/** ASCII that is not alphanumeric, and the letters without a direction. */
const NEUTRAL = new CodePointSet(
  '21-2F 3A-40 5B-60 7B-7E B7 2B9-2BA 2C6-2CF 2EC 375 200C-200D 2E2F 30FB A67F A717-A71F A788',
)

function direction(character: string): Direction {
  const codePoint = character.codePointAt(0) ?? 0
  if (EUROPEAN_NUMBER.has(codePoint)) return 'EN'
  if (ARABIC_NUMBER.has(codePoint)) return 'AN'
  if (NEUTRAL.has(codePoint)) return 'neutral'
  if (MARK.test(character)) return 'NSM'
  return RIGHT_TO_LEFT.has(codePoint) ? 'R' : 'L'
}

/** Whether a string has a character that makes the Bidi Rule apply: RFC 5893 §1.4. */
export function isRightToLeft(text: string): boolean {
  return Array.from(text, direction).some((each) => each === 'R' || each === 'AN')
}

/** Whether one label or username satisfies the six conditions, if it is in scope of them at all. RFC 5893 §2. */
export function satisfiesBidiRule(text: string): boolean {
  return !isRightToLeft(text) || labelSatisfiesBidiRule(text)
}

/** The six conditions themselves, also for a left-to-right label of a domain that has a right-to-left one. RFC 5893 §2. */
export function labelSatisfiesBidiRule(text: string): boolean {
  const directions = Array.from(text, direction)
  const last = directions.findLast((each) => each !== 'NSM')
  const has = (wanted: Direction): boolean => directions.includes(wanted)
  if (directions[0] === 'R') {
    return !has('L') && (last === 'R' || last === 'EN' || last === 'AN') && !(has('EN') && has('AN'))
  }
  return directions[0] === 'L' && !has('R') && !has('AN') && (last === 'L' || last === 'EN')
}
