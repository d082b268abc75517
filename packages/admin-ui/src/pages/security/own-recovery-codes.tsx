/** How many recovery codes are left, and ten new ones. */
import { Button } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { useCommand } from '../../api/commands.ts'
import { CopyField } from '../../parts/copy-field.tsx'
import { ProblemAlert } from '../../parts/problem-alert.tsx'
import { ResultDialog } from '../../parts/result-dialog.tsx'
import { SectionCard } from '../../parts/section-card.tsx'

const PATH = '/v1/me/security'

export function OwnRecoveryCodes({ left }: { readonly left: number }) {
  const { t } = useTranslation()
  const renew = useCommand({ method: 'POST', path: `${PATH}/recovery-codes`, changes: [PATH] })
  return (
    <SectionCard
      title={t('enrol.codes')}
      about={t('security.codes_left', { count: left })}
      actions={
        <Button variant="default" loading={renew.isRunning} onClick={() => renew.run({})}>
          {t('security.renew_codes')}
        </Button>
      }
    >
      <ProblemAlert problem={renew.problem} />
      <ResultDialog
        isOpen={renew.result !== undefined}
        onClose={renew.reset}
        title={t('enrol.codes')}
        about={t('enrol.codes_about')}
      >
        {renew.result !== undefined && (
          <CopyField label={t('enrol.codes')} value={renew.result.recovery_codes.join('\n')} />
        )}
      </ResultDialog>
    </SectionCard>
  )
}
