/** `/admin`: the sign-in, or the shell with the pages that the permissions of the session show. */
import { ActionIcon, Group } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { Route, Switch } from 'wouter'
import { request } from '../api/request.ts'
import { SESSION_PATH, useForgetSession, useMay, useSession, type Session } from '../api/session.ts'
import { Front } from '../app/front.tsx'
import { PLACES } from '../app/navigation.ts'
import { Shell } from '../app/shell.tsx'
import { Shortcuts } from '../app/shortcuts.tsx'
import { Icon } from '../parts/icon.tsx'
import { QueryView } from '../parts/query-view.tsx'
import { AdminPages } from './admin-pages.tsx'
import classes from './admin.module.css'
import { EnrolPage } from './sign-in/enrol-page.tsx'
import { SignInPage } from './sign-in/sign-in-page.tsx'

export default function AdminApp() {
  return (
    <Switch>
      <Route path="/invite/:token">{({ token }) => <EnrolPage token={token} />}</Route>
      <Route path="/enrol/:token">{({ token }) => <EnrolPage token={token} />}</Route>
      <Route>
        <Gate />
      </Route>
    </Switch>
  )
}

function Gate() {
  const { t } = useTranslation()
  const session = useSession()
  if (session.data === null) return <SignInPage />
  if (session.data === undefined)
    return (
      <Front title={t('sign_in.title')}>
        <QueryView query={session}>{() => null}</QueryView>
      </Front>
    )
  return <SignedIn session={session.data} />
}

function SignedIn({ session }: { readonly session: Session }) {
  const { t } = useTranslation()
  const may = useMay()
  const isBounded = session.administrator.organisation !== undefined
  const groups = PLACES.map(({ name, places }) => ({
    name,
    places: places.filter(
      ({ permission, isOfServer, module }) =>
        (permission === undefined || may(permission)) &&
        !(isOfServer === true && isBounded) &&
        (module === undefined || session.modules.includes(module)),
    ),
  })).filter(({ places }) => places.length > 0)
  const menu = groups.map(({ name, places }) => ({
    label: t(`nav.${name}`),
    items: places.map(({ name: place, href, icon }) => ({ href, icon, label: t(`nav.${place}`) })),
  }))
  const places = groups.flatMap((group) => group.places)
  return (
    <Shell menu={menu} reader={<Reader session={session} />}>
      <Shortcuts places={places} />
      <AdminPages home={places[0]?.href} />
    </Shell>
  )
}

function Reader({ session: { administrator } }: { readonly session: Session }) {
  const { t, i18n } = useTranslation()
  const forget = useForgetSession()
  const leaving = useMutation({ mutationFn: () => request('DELETE', SESSION_PATH, {}), onSettled: forget })
  const roleKey = `roles.${administrator.role}`
  return (
    <Group gap="xs" wrap="nowrap" justify="space-between">
      <div className={classes.reader}>
        <div className={classes.name}>{administrator.name}</div>
        <div className={classes.role}>
          {i18n.exists(roleKey) ? t(roleKey as 'roles.owner') : administrator.role}
        </div>
      </div>
      <ActionIcon
        variant="default"
        size={36}
        onClick={() => leaving.mutate()}
        aria-label={t('shell.sign_out')}
      >
        <Icon name="leave" />
      </ActionIcon>
    </Group>
  )
}
