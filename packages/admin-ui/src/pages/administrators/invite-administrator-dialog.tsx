/** Makes the one-time link of an administrator. */
import { NativeSelect } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useCommand } from '../../api/commands.ts'
import { useSession } from '../../api/session.ts'
import type { OneTimeLink } from '../../api/types.ts'
import { CommandDialog } from '../../parts/command-dialog.tsx'
import { LinkDialog } from '../../parts/link-dialog.tsx'

const SERVER_ROLES = ['owner', 'admin', 'support', 'auditor'] as const
const ORGANISATION_ROLES = ['org_admin', 'reseller'] as const
type Role = (typeof SERVER_ROLES | typeof ORGANISATION_ROLES)[number]

export interface InviteAdministratorDialogProps {
  readonly isOpen: boolean
  readonly onClose: () => void
  /** For whom; that of the reader unless given, and without any for the whole server. */
  readonly organisation?: string
}

export function InviteAdministratorDialog({ isOpen, onClose, organisation }: InviteAdministratorDialogProps) {
  const { t } = useTranslation()
  const { data: session } = useSession()
  const place = organisation ?? session?.administrator.organisation
  const roles: readonly Role[] = place === undefined ? SERVER_ROLES : ORGANISATION_ROLES
  const [chosen, setChosen] = useState<Role>()
  const role = chosen ?? (place === undefined ? 'admin' : 'org_admin')
  const [link, setLink] = useState<OneTimeLink>()
  const invite = useCommand({
    method: 'POST',
    path: '/v1/administrators/invites',
    changes: ['/v1/administrators', '/v1/organisations'],
    done: t('administrators.invited'),
    onDone: (made) => {
      if ('url' in made) setLink(made)
      onClose()
    },
  })
  return (
    <>
      <CommandDialog
        isOpen={isOpen}
        onClose={onClose}
        title={t('administrators.invite')}
        submitLabel={t('administrators.make_link')}
        command={invite}
        onSubmit={() =>
          invite.run({ body: { role, ...(place === undefined ? {} : { organisation: place }) } })
        }
      >
        <NativeSelect
          label={t('administrators.role')}
          description={t(`role_meanings.${role}`)}
          value={role}
          onChange={(event) => setChosen(roles.find((one) => one === event.currentTarget.value))}
          data={roles.map((value) => ({ value, label: t(`roles.${value}`) }))}
          data-autofocus
        />
      </CommandDialog>
      <LinkDialog
        title={t('administrators.link_title')}
        about={t('administrators.link_about')}
        link={link}
        onClose={() => setLink(undefined)}
      />
    </>
  )
}
