import { useTranslation } from 'react-i18next'
import { useCommand } from '../../api/commands.ts'
import type { Webhook } from '../../api/types.ts'
import { ProblemAlert } from '../../parts/problem-alert.tsx'
import { RowButton } from '../../parts/row-button.tsx'

export interface WebhookActionsProps {
  readonly webhook: Webhook
  readonly onRemove: () => void
}

/** What can be done to one webhook. */
export function WebhookActions({ webhook: { id, url, enabled }, onRemove }: WebhookActionsProps) {
  const { t } = useTranslation()
  const test = useCommand({
    method: 'POST',
    path: '/v1/webhooks/{id}/test',
    changes: ['/v1/webhook'],
    done: t('webhooks.tested'),
  })
  const toggle = useCommand({
    method: 'PATCH',
    path: '/v1/webhooks/{id}',
    changes: ['/v1/webhook'],
    done: t('webhooks.changed'),
  })
  return (
    <>
      <RowButton
        label={t('webhooks.test_named', { url })}
        isRunning={test.isRunning}
        onClick={() => test.run({ params: { id } })}
      >
        {t('webhooks.test')}
      </RowButton>
      <RowButton
        label={t(enabled ? 'webhooks.disable_named' : 'webhooks.enable_named', { url })}
        isRunning={toggle.isRunning}
        onClick={() => toggle.run({ params: { id }, body: { enabled: !enabled } })}
      >
        {t(enabled ? 'webhooks.disable' : 'webhooks.enable')}
      </RowButton>
      <RowButton label={t('webhooks.remove_named', { url })} onClick={onRemove}>
        {t('common.remove')}
      </RowButton>
      <ProblemAlert problem={test.problem ?? toggle.problem} />
    </>
  )
}
