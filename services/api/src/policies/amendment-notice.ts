/** How people are told that a policy is amended. */
import type { NewNotice } from '../notices/notices.ts'
import type { AnnounceAmendment } from './policies.ts'

export function amendmentNotice(
  { version, title }: Parameters<AnnounceAmendment>[0],
  origin: string,
): NewNotice {
  const { kind, version: number, effectiveOn } = version
  const page = `${origin}/policies/${kind}/${String(number)}`
  return {
    kind: 'amendment',
    audience: { to: 'all' },
    title: `Amendment on ${effectiveOn}: ${title}`,
    body: [
      `A new version of “${title}” will be in force from ${effectiveOn} on. Read it here:`,
      page,
      'The version before, and all others, stay public at the same place.',
    ].join('\n\n'),
    shownUntil: Date.parse(effectiveOn),
  }
}
