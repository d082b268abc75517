/** What surrounds the pages of a signed-in reader: menu (a drawer on a phone), who is signed in, language, scheme. */
import { ActionIcon, Drawer } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useEffect, useRef, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { Link, useLocation } from 'wouter'
import { Icon, type IconName } from '../parts/icon.tsx'
import { Brand } from './brand.tsx'
import { Preferences } from './preferences.tsx'
import classes from './shell.module.css'

export interface MenuItem {
  readonly href: string
  readonly label: string
  readonly icon: IconName
}

export interface MenuGroup {
  readonly label: string
  readonly items: readonly MenuItem[]
}

export interface ShellProps {
  readonly menu: readonly MenuGroup[]
  /** Who is signed in, and how to leave. */
  readonly reader: ReactNode
  readonly children: ReactNode
}

export function Shell({ menu, reader, children }: ShellProps) {
  const { t } = useTranslation()
  const [isOpen, drawer] = useDisclosure(false)
  const [location] = useLocation()
  useEffect(() => {
    drawer.close()
    scrollTo(0, 0)
    // eslint-disable-next-line react-hooks/exhaustive-deps -- the drawer closes when the place changes
  }, [location])
  return (
    <div className={classes.shell}>
      <a href="#main" className={classes.skip}>
        {t('shell.skip')}
      </a>
      <aside className={classes.side}>
        <Brand />
        <Menu menu={menu} />
        <div className={classes.foot}>
          {reader}
          <Preferences />
        </div>
      </aside>
      <header className={classes.top}>
        <ActionIcon variant="subtle" size="lg" onClick={drawer.open} aria-label={t('shell.open_menu')}>
          <Icon name="menu" size={22} />
        </ActionIcon>
        <Brand />
      </header>
      <Drawer
        opened={isOpen}
        onClose={drawer.close}
        size="18rem"
        title={<Brand />}
        closeButtonProps={{ 'aria-label': t('common.close') }}
      >
        <Menu menu={menu} />
        <div className={classes.foot}>
          {reader}
          <Preferences />
        </div>
      </Drawer>
      <main id="main" tabIndex={-1} className={classes.main}>
        {children}
      </main>
    </div>
  )
}

function Menu({ menu }: Pick<ShellProps, 'menu'>) {
  const { t } = useTranslation()
  const [location] = useLocation()
  const nav = useRef<HTMLElement>(null)
  useEffect(() => {
    nav.current?.querySelector('[aria-current=page]')?.scrollIntoView({ block: 'nearest' })
  }, [location])
  return (
    <nav ref={nav} aria-label={t('shell.menu')} className={classes.menu}>
      {menu.map(({ label, items }) => (
        <div key={label} role="group" aria-label={label} className={classes.group}>
          <p aria-hidden="true" className={classes.caption}>
            {label}
          </p>
          {items.map(({ href, label: text, icon }) => (
            <Link
              key={href}
              href={href}
              className={classes.item}
              aria-current={isWithin(location, href) ? 'page' : undefined}
            >
              <Icon name={icon} />
              {text}
            </Link>
          ))}
        </div>
      ))}
    </nav>
  )
}

function isWithin(location: string, href: string): boolean {
  return location === href || (href !== '/' && location.startsWith(`${href}/`))
}
