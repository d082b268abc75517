/** `/account`: what the owner of an account sees and does. */
import { ActionIcon, Group } from '@mantine/core'
import { lazy, Suspense } from 'react'
import { useTranslation } from 'react-i18next'
import { Route, Switch } from 'wouter'
import { useAccountSignOut, useOwnAccount } from '../api/own-account.ts'
import type { Account } from '../api/types.ts'
import { Shell } from '../app/shell.tsx'
import { Icon, type IconName } from '../parts/icon.tsx'
import { AccountSignInPage } from './account/account-sign-in-page.tsx'
import classes from './admin.module.css'
import { NotFoundPage } from './not-found-page.tsx'

const HomePage = lazy(() => import('./account/home-page.tsx'))
const OwnDevicesPage = lazy(() => import('./account/own-devices-page.tsx'))
const MailSettingsPage = lazy(() => import('./account/mail-settings-page.tsx'))
const ListsPage = lazy(() => import('./account/lists-page.tsx'))

const PLACES = [
  { name: 'home', href: '/', icon: 'person' },
  { name: 'devices', href: '/devices', icon: 'devices' },
  { name: 'mail', href: '/mail', icon: 'mail' },
  { name: 'lists', href: '/lists', icon: 'list' },
] as const satisfies readonly { name: string; href: string; icon: IconName }[]

export default function AccountArea() {
  const { t } = useTranslation()
  const account = useOwnAccount()
  if (account === null) return <AccountSignInPage />
  const items = PLACES.map(({ name, href, icon }) => ({ href, icon, label: t(`own.nav.${name}`) }))
  return (
    <Shell menu={[{ label: t('own.nav.account'), items }]} reader={<Reader account={account} />}>
      <Suspense>
        <Switch>
          <Route path="/" component={HomePage} />
          <Route path="/devices" component={OwnDevicesPage} />
          <Route path="/mail" component={MailSettingsPage} />
          <Route path="/lists" component={ListsPage} />
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
      <ActionIcon variant="default" size={36} onClick={signOut} aria-label={t('shell.sign_out')}>
        <Icon name="leave" />
      </ActionIcon>
    </Group>
  )
}
