/** How one signs in oneself: passkeys, authenticator app, recovery codes, and where one is signed in. */
import { useTranslation } from 'react-i18next'
import { useApi } from '../../api/queries.ts'
import { PageHeader } from '../../parts/page-header.tsx'
import { QueryView } from '../../parts/query-view.tsx'
import { OwnPasskeys } from './own-passkeys.tsx'
import { OwnRecoveryCodes } from './own-recovery-codes.tsx'
import { OwnSessions } from './own-sessions.tsx'
import { OwnTotp } from './own-totp.tsx'

export default function SecurityPage() {
  const { t } = useTranslation()
  const query = useApi('/v1/me/security', {})
  return (
    <>
      <PageHeader title={t('nav.security')} about={t('security.about')} />
      <QueryView query={query}>
        {({ passkeys, totp, recovery_codes_left: left, sessions }) => (
          <>
            <OwnPasskeys passkeys={passkeys} />
            <OwnTotp totp={totp} />
            <OwnRecoveryCodes left={left} />
            <OwnSessions sessions={sessions} />
          </>
        )}
      </QueryView>
    </>
  )
}
