/** `/account`: what the owner of an account sees and does. */
import { ActionIcon, Group } from '@mantine/core'
import { lazy, Suspense } from 'react'
import { useTranslation } from 'react-i18next'
import { Route, Switch } from 'wouter'
import { useAccountSignOut, useOwnSession } from '../api/own-account.ts'
import type { Account } from '../api/types.ts'
import { Front } from '../app/front.tsx'
import { Shell } from '../app/shell.tsx'
import { Icon, type IconName } from '../parts/icon.tsx'
import { QueryView } from '../parts/query-view.tsx'
import { AccountSignInPage } from './account/account-sign-in-page.tsx'
import classes from './admin.module.css'
import { NotFoundPage } from './not-found-page.tsx'

const HomePage = lazy(() => import('./account/home-page.tsx'))
const OwnDevicesPage = lazy(() => import('./account/own-devices-page.tsx'))
const OwnSignInPage = lazy(() => import('./account/own-sign-in-page.tsx'))
const OwnKeysPage = lazy(() => import('./account/own-keys-page.tsx'))
const MailSettingsPage = lazy(() => import('./account/mail-settings-page.tsx'))
const ListsPage = lazy(() => import('./account/lists-page.tsx'))
const OwnDataPage = lazy(() => import('./account/own-data-page.tsx'))

const PLACES = [
  { name: 'home', href: '/', icon: 'person', page: HomePage },
  { name: 'devices', href: '/devices', icon: 'devices', page: OwnDevicesPage },
  { name: 'sign_in', href: '/sign-in', icon: 'lock', page: OwnSignInPage },
  { name: 'keys', href: '/keys', icon: 'key', page: OwnKeysPage },
  { name: 'mail', href: '/mail', icon: 'mail', page: MailSettingsPage },
  { name: 'lists', href: '/lists', icon: 'list', page: ListsPage },
  { name: 'data', href: '/data', icon: 'download', page: OwnDataPage },
] as const satisfies readonly { name: string; href: string; icon: IconName; page: unknown }[]

export default function AccountArea() {
  const { t } = useTranslation()
  const session = useOwnSession()
  if (session.data === null) return <AccountSignInPage />
  if (session.data === undefined)
    return (
      <Front title={t('own.sign_in.title')}>
        <QueryView query={session}>{() => null}</QueryView>
      </Front>
    )
  const items = PLACES.map(({ name, href, icon }) => ({ href, icon, label: t(`own.nav.${name}`) }))
  return (
    <Shell menu={[{ label: t('own.nav.account'), items }]} reader={<Reader account={session.data.account} />}>
      <Suspense>
        <Switch>
          {PLACES.map(({ href, page }) => (
            <Route key={href} path={href} component={page} />
          ))}
          <Route component={NotFoundPage} />
        </Switch>
      </Suspense>
    </Shell>
  )
}

function Reader({ account: { jid } }: { readonly account: Account }) {
  const { t } = useTranslation()
  const signOut = useAccountSignOut()
  return (
    <Group gap="xs" wrap="nowrap" justify="space-between">
      <div className={classes.reader}>
        <div className={classes.name}>{jid}</div>
      </div>
      <ActionIcon
        variant="default"
        size={36}
        onClick={() => signOut.mutate()}
        aria-label={t('shell.sign_out')}
      >
        <Icon name="leave" />
      </ActionIcon>
    </Group>
  )
}
