/** Becoming an administrator by a one-time link: a name and a passkey, or an authenticator app where there can be no passkey. */
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Front } from '../../app/front.tsx'
import { EnrolByPasskey } from './enrol-by-passkey.tsx'
import { EnrolByTotp } from './enrol-by-totp.tsx'
import { RecoveryCodes } from './recovery-codes.tsx'

export interface EnrolProps {
  readonly token: string
  readonly onEnrolled: (recoveryCodes: readonly string[]) => void
  /** Another way to enrol. */
  readonly onOtherWay: () => void
}

export function EnrolPage({ token }: { readonly token: string }) {
  const { t } = useTranslation()
  const [codes, setCodes] = useState<readonly string[]>()
  const [hasPasskey, setHasPasskey] = useState(true)
  if (codes !== undefined)
    return (
      <Front key="done" title={t('enrol.done')} about={t('enrol.codes_about')}>
        <RecoveryCodes codes={codes} />
      </Front>
    )
  const Enrol = hasPasskey ? EnrolByPasskey : EnrolByTotp
  return (
    <Front title={t('enrol.title')} about={t('enrol.about')}>
      <Enrol token={token} onEnrolled={setCodes} onOtherWay={() => setHasPasskey(!hasPasskey)} />
    </Front>
  )
}
