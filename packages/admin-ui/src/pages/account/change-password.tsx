/** A new password: it becomes verifiers here and is never sent. The one of now is shown once more, since the server asks who changes it. */
import { Button, Checkbox, Stack } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useCommand } from '../../api/commands.ts'
import { useOwnSession } from '../../api/own-account.ts'
import { ProblemAlert } from '../../parts/problem-alert.tsx'
import { SectionCard } from '../../parts/section-card.tsx'
import classes from './account.module.css'
import { NewPasswordFields, PasswordField, useNewPassword } from './new-password.tsx'

export function ChangePassword() {
  const { t } = useTranslation()
  const jid = useOwnSession().data?.account.jid ?? ''
  const [old, setOld] = useState('')
  const [revokes, setRevokes] = useState(false)
  const chosen = useNewPassword()
  const change = useCommand({
    method: 'PUT',
    path: '/v1/me/password',
    changes: ['/v1/me'],
    done: t('own.password.changed'),
    onDone: () => {
      setOld('')
      chosen.clear()
    },
  })
  const submit = async (): Promise<void> => {
    const verifiers = await chosen.verifiers()
    if (verifiers === undefined) return
    change.run({ body: { verifiers, old_password: old, revoke_app_passwords: revokes } })
  }
  return (
    <SectionCard title={t('own.password.title')} about={t('own.password.about')}>
      <form
        className={classes.form}
        onSubmit={(event) => {
          event.preventDefault()
          void submit()
        }}
      >
        <Stack>
          <input type="text" autoComplete="username" value={jid} readOnly hidden />
          <PasswordField
            label={t('own.password.old')}
            value={old}
            onChange={setOld}
            autoComplete="current-password"
          />
          <NewPasswordFields password={chosen} />
          <Checkbox
            label={t('own.password.revoke')}
            checked={revokes}
            onChange={(event) => setRevokes(event.currentTarget.checked)}
          />
          <ProblemAlert problem={change.problem} />
          <div>
            <Button type="submit" loading={change.isRunning}>
              {t('own.password.submit')}
            </Button>
          </div>
        </Stack>
      </form>
    </SectionCard>
  )
}
