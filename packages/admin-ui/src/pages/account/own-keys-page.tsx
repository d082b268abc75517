/** One's own OpenPGP certificates in the key directory: who looks the address up gets those that are published for it. */
import { useDisclosure } from '@mantine/hooks'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useCommand } from '../../api/commands.ts'
import { useApi } from '../../api/queries.ts'
import type { OwnKey } from '../../api/types.ts'
import { useFormat } from '../../app/format.ts'
import { ConfirmDialog } from '../../parts/confirm-dialog.tsx'
import type { Column } from '../../parts/data-table.tsx'
import { ListPage } from '../../parts/list-page.tsx'
import { RowButton } from '../../parts/row-button.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'
import classes from './account.module.css'
import { UploadKeyDialog } from './upload-key-dialog.tsx'

const PATH = '/v1/me/keys'

export default function OwnKeysPage() {
  const { t } = useTranslation()
  const query = useApi(PATH, {})
  const [isUploading, uploading] = useDisclosure(false)
  const [deleting, setDeleting] = useState<OwnKey>()
  const { publish, unpublish } = usePublishing()
  const columns = useColumns({
    onPublish: ({ fingerprint }) => publish.run({ params: { fingerprint } }),
    onUnpublish: ({ fingerprint }) => unpublish.run({ params: { fingerprint } }),
    onDelete: setDeleting,
  })
  const remove = useCommand({
    method: 'DELETE',
    path: `${PATH}/{fingerprint}`,
    changes: [PATH],
    done: t('own.keys.deleted'),
    onDone: () => setDeleting(undefined),
  })
  return (
    <>
      <ListPage
        title={t('own.nav.keys')}
        about={t('own.keys.about')}
        create={{ label: t('own.keys.upload'), onClick: uploading.open }}
        problem={publish.problem ?? unpublish.problem}
        query={query}
        columns={columns}
        rowKey={({ fingerprint }) => fingerprint}
        icon="key"
        none={t('own.keys.none')}
      />
      {isUploading && <UploadKeyDialog onClose={uploading.close} />}
      <ConfirmDialog
        isOpen={deleting !== undefined}
        onClose={() => setDeleting(undefined)}
        title={t('own.keys.delete_named', { key: shortOf(deleting) })}
        consequence={t('own.keys.delete_consequence')}
        submitLabel={t('own.keys.delete')}
        command={remove}
        onConfirm={() => deleting && remove.run({ params: { fingerprint: deleting.fingerprint } })}
      />
    </>
  )
}

function usePublishing() {
  const { t } = useTranslation()
  const path = `${PATH}/{fingerprint}/published` as const
  return {
    publish: useCommand({ method: 'PUT', path, changes: [PATH], done: t('own.keys.published_done') }),
    unpublish: useCommand({ method: 'DELETE', path, changes: [PATH], done: t('own.keys.unpublished_done') }),
  }
}

const LAST_DIGITS = 16

/** The last digits, by which people tell keys apart. */
function shortOf(key: OwnKey | undefined): string {
  return key?.fingerprint.slice(-LAST_DIGITS) ?? ''
}

function grouped(fingerprint: string): string {
  return fingerprint.replaceAll(/(.{4})(?=.)/g, '$1 ')
}

interface Actions {
  readonly onPublish: (key: OwnKey) => void
  readonly onUnpublish: (key: OwnKey) => void
  readonly onDelete: (key: OwnKey) => void
}

function useColumns(actions: Actions): readonly Column<OwnKey>[] {
  const { t } = useTranslation()
  const format = useFormat()
  return [
    {
      key: 'fingerprint',
      label: t('own.keys.fingerprint'),
      isName: true,
      cell: ({ fingerprint }) => <span className={classes.fingerprint}>{grouped(fingerprint)}</span>,
    },
    { key: 'algorithm', label: t('own.keys.algorithm'), cell: ({ algorithm }) => algorithm },
    { key: 'created', label: t('own.keys.created'), cell: ({ createdOn: day }) => format.day(day) },
    {
      key: 'expires',
      label: t('own.keys.expires'),
      cell: ({ expiresOn: day }) => (day === undefined ? t('own.keys.never') : format.day(day)),
    },
    { key: 'state', label: t('accounts.state'), cell: (key) => <KeyState ownKey={key} /> },
    {
      key: 'actions',
      label: t('common.action'),
      cell: (key) => <KeyActions ownKey={key} {...actions} />,
    },
  ]
}

function KeyState({ ownKey: { revoked, published } }: { readonly ownKey: OwnKey }) {
  const { t } = useTranslation()
  if (revoked) return <StateBadge tone="bad">{t('own.keys.states.revoked')}</StateBadge>
  return (
    <StateBadge tone={published ? 'good' : 'quiet'}>
      {t(published ? 'own.keys.states.published' : 'own.keys.states.unpublished')}
    </StateBadge>
  )
}

function KeyActions({ ownKey, onPublish, onUnpublish, onDelete }: Actions & { readonly ownKey: OwnKey }) {
  const { t } = useTranslation()
  const key = shortOf(ownKey)
  return (
    <span className={classes.actions}>
      {ownKey.published ? (
        <RowButton label={t('own.keys.unpublish_named', { key })} onClick={() => onUnpublish(ownKey)}>
          {t('own.keys.unpublish')}
        </RowButton>
      ) : (
        !ownKey.revoked && (
          <RowButton label={t('own.keys.publish_named', { key })} onClick={() => onPublish(ownKey)}>
            {t('own.keys.publish')}
          </RowButton>
        )
      )}
      <RowButton label={t('own.keys.delete_named', { key })} onClick={() => onDelete(ownKey)}>
        {t('own.keys.delete')}
      </RowButton>
    </span>
  )
}
