/** Asks for the passkey once more. */
import { Button, Group, Modal, Stack, Text } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { signChallenge } from '../api/passkeys.ts'
import type { Problem } from '../api/problem.ts'
import { request } from '../api/request.ts'
import { Icon } from './icon.tsx'
import { ProblemAlert } from './problem-alert.tsx'

export interface ProofDialogProps {
  readonly isOpen: boolean
  readonly onProved: () => void
  readonly onCancel: () => void
}

async function prove(): Promise<void> {
  const options = await request('POST', '/v1/session/proof/options', {})
  const credential = await signChallenge(options)
  await request('POST', '/v1/session/proof', { body: { credential } })
}

export function ProofDialog({ isOpen, onProved, onCancel }: ProofDialogProps) {
  const { t } = useTranslation()
  const proof = useMutation<void, Problem>({ mutationFn: prove, onSuccess: onProved })
  return (
    <Modal
      opened={isOpen}
      onClose={onCancel}
      title={t('proof.title')}
      zIndex={300}
      closeButtonProps={{ 'aria-label': t('common.close') }}
    >
      <Stack>
        <Text>{t('proof.about')}</Text>
        <ProblemAlert problem={proof.error} />
        <Group justify="flex-end">
          <Button variant="default" onClick={onCancel}>
            {t('common.cancel')}
          </Button>
          <Button
            leftSection={<Icon name="key" />}
            loading={proof.isPending}
            onClick={() => proof.mutate()}
            data-autofocus
          >
            {t('proof.use_passkey')}
          </Button>
        </Group>
      </Stack>
    </Modal>
  )
}
