/** One's authenticator app, for when there is no passkey at hand. */
import { Button, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useCommand } from '../../api/commands.ts'
import type { OwnSecurity } from '../../api/types.ts'
import { useFormat } from '../../app/format.ts'
import { CommandDialog } from '../../parts/command-dialog.tsx'
import { ProblemAlert } from '../../parts/problem-alert.tsx'
import { SectionCard } from '../../parts/section-card.tsx'
import { TotpSetup } from '../sign-in/totp-setup.tsx'

const PATH = '/v1/me/security'

export function OwnTotp({ totp }: Pick<OwnSecurity, 'totp'>) {
  const { t } = useTranslation()
  const format = useFormat()
  const [code, setCode] = useState('')
  const begin = useCommand({ method: 'POST', path: `${PATH}/totp/options` })
  const set = useCommand({
    method: 'POST',
    path: `${PATH}/totp`,
    changes: [PATH],
    done: t('security.totp_set'),
    onDone: () => begin.reset(),
  })
  const remove = useCommand({
    method: 'DELETE',
    path: `${PATH}/totp`,
    changes: [PATH],
    done: t('security.totp_removed'),
  })
  const setup = begin.result
  return (
    <SectionCard
      title={t('security.totp')}
      about={
        totp.enabled && totp.created_on !== undefined
          ? t('security.totp_since', { day: format.day(totp.created_on) })
          : t('security.totp_off')
      }
      actions={
        <>
          {totp.enabled && (
            <Button variant="default" loading={remove.isRunning} onClick={() => remove.run({})}>
              {t('security.totp_remove')}
            </Button>
          )}
          <Button variant="default" loading={begin.isRunning} onClick={() => begin.run({})}>
            {t('enrol.show_secret')}
          </Button>
        </>
      }
    >
      <ProblemAlert problem={begin.problem ?? remove.problem} />
      {setup !== undefined && (
        <CommandDialog
          isOpen
          onClose={begin.reset}
          title={t('security.totp')}
          submitLabel={t('enrol.finish')}
          command={set}
          onSubmit={() => set.run({ body: { ticket: setup.ticket, code } })}
        >
          <TotpSetup setup={setup} />
          <TextInput
            label={t('sign_in.totp_code')}
            value={code}
            onChange={(event) => setCode(event.currentTarget.value)}
            inputMode="numeric"
            pattern="[0-9]{6}"
            autoComplete="one-time-code"
            required
          />
        </CommandDialog>
      )}
    </SectionCard>
  )
}
