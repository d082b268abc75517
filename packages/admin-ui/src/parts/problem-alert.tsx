/** Why the server refused, in the reader's language where the panel knows the problem, otherwise in the server's words. */
import { useTranslation } from 'react-i18next'
import type { Problem } from '../api/problem.ts'
import { Icon } from './icon.tsx'
import classes from './problem-alert.module.css'

interface Finding {
  readonly pointer: string
  readonly detail: string
}

export function ProblemAlert({ problem }: { readonly problem: Problem | null }) {
  const { t, i18n } = useTranslation()
  if (problem === null) return null
  const key = `problems.${problem.type}`
  const isKnown = i18n.exists(key)
  const findings = (problem.extra['errors'] as readonly Finding[] | undefined) ?? []
  return (
    <div role="alert" className={classes.alert}>
      <Icon name="warning" />
      <div>
        {isKnown ? (
          <p className={classes.title}>{t(key as 'problems.unreachable')}</p>
        ) : (
          <p className={classes.title} lang="en">
            {problem.title === '' ? t('problems.unknown') : problem.title}
          </p>
        )}
        {findings.length > 0 && (
          <ul className={classes.findings} lang="en">
            {findings.map(({ pointer, detail }) => (
              <li key={pointer}>
                <code>{pointer.replace(/^#\/?/, '')}</code> {detail}
              </li>
            ))}
          </ul>
        )}
      </div>
    </div>
  )
}
