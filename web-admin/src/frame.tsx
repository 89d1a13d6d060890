/** The open console: five pages, the way between them, the state of the connection, and what was just done. */
import { type ComponentType, createElement } from 'preact'
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import type { Session, SetupState } from '../../src/admin/message.ts'
import { Api } from './api.ts'
import { beginAnew, loadCode } from './code.ts'
import { Console, type ConsoleContext } from './console.ts'
import icon from './icon.svg'
import { Live, type LiveState, useLive } from './live.ts'
import { PageHead } from './parts/card.tsx'
import { Icon } from './parts/icon.tsx'
import { Failure, Loading, Nothing } from './parts/states.tsx'
import { Toasts } from './parts/toast.tsx'
import { hrefTo, type PageName, type Place, usePlace } from './router.ts'
import { common } from './texts/common.ts'

/** What each page's module exports as default. */
export type PageComponent = ComponentType<{ readonly place: Place }>

const modules: Readonly<Record<PageName, () => Promise<{ readonly default: PageComponent }>>> = {
  home: () => import('./pages/home.tsx'),
  people: () => import('./pages/people.tsx'),
  calls: () => import('./pages/calls.tsx'),
  help: () => import('./pages/help.tsx'),
  settings: () => import('./pages/settings.tsx'),
}
const forOwners: readonly PageName[] = ['home', 'people', 'calls', 'help', 'settings']
/** Somebody with a password who does not own the appliance sees their own calls and their own account. */
const forMembers: readonly PageName[] = ['calls', 'settings']

export function Frame(props: {
  readonly setup: SetupState
  readonly session: Session
  readonly onReload: () => void
}) {
  const { setup, session, onReload } = props
  const isOwner = session.role === 'owner'
  const context = useMemo<ConsoleContext>(() => {
    const live = new Live(onReload)
    return { api: new Api(session.csrfToken, onReload), session, setup, isOwner, live, reload: onReload }
  }, [session, setup])
  useEffect(() => {
    if (isOwner) context.live.open()
    return () => context.live.close()
  }, [context])
  const state = useLive(context.live)
  const place = usePlace()
  const pages = isOwner ? forOwners : forMembers
  const shown = place?.page === 'home' && !isOwner ? { ...place, page: 'calls' as const } : place
  const logOut = async () => {
    await context.api.delete('/session').catch(() => {})
    onReload()
  }
  return (
    <Console.Provider value={context}>
      <a class="skip" href="#page">
        {common.skip}
      </a>
      <div class="frame">
        <div class="side">
          <header class="site">
            <img class="mark" src={icon} alt="" width="32" height="32" />
            <span class="place">{setup.place || common.product}</span>
            <a class="button quiet" href="/">
              {common.phoneShort}
            </a>
          </header>
          <Navigation pages={pages} current={shown?.page} waiting={state.requests?.length ?? 0} />
          <footer class="site-foot">
            <span class="soft">{session.displayName}</span>
            <a href="/">{common.phone}</a>
            <button type="button" class="link" onClick={() => void logOut()}>
              {common.logOut}
            </button>
          </footer>
        </div>
        <main class="page" id="page" tabIndex={-1}>
          <ConnectionLine state={state} isOwner={isOwner} />
          {shown === undefined || !pages.includes(shown.page) ? (
            <NotFound isForOwner={shown !== undefined} />
          ) : (
            <Page place={shown} siteName={setup.place} isConnected={state.connection === 'open'} />
          )}
        </main>
      </div>
      <Toasts />
    </Console.Provider>
  )
}

function Navigation(props: {
  readonly pages: readonly PageName[]
  readonly current: PageName | undefined
  readonly waiting: number
}) {
  return (
    <nav class="nav" aria-label={common.navigation}>
      {props.pages.map(page => (
        <a key={page} href={hrefTo(page)} aria-current={page === props.current ? 'page' : undefined}>
          <Icon name={page} />
          {common.pages[page]}
          {page === 'people' && props.waiting > 0 && (
            <span class="count urgent">
              <span aria-hidden="true">{props.waiting}</span>
              <span class="hidden">{common.waitingCount(props.waiting)}</span>
            </span>
          )}
        </a>
      ))}
    </nav>
  )
}

/** Loads a page's code once. What was loaded stays, so going back is at once, also without the appliance. */
function Page(props: { readonly place: Place; readonly siteName: string; readonly isConnected: boolean }) {
  const { place, siteName, isConnected } = props
  const [loaded, setLoaded] = useState<Partial<Record<PageName, PageComponent>>>({})
  const [failed, setFailed] = useState(false)
  const first = useRef(true)
  const { page } = place
  const load = () => {
    setFailed(false)
    loadCode(modules[page]).then(
      module => setLoaded(known => ({ ...known, [page]: module.default })),
      () => setFailed(true),
    )
  }
  useEffect(load, [page])
  useEffect(() => {
    if (failed && isConnected) load()
  }, [isConnected])
  const component = loaded[page]
  const isThere = component !== undefined
  useEffect(() => {
    document.title = common.titleOf(common.pages[page], siteName)
    if (!isThere) return
    // Whoever comes by keyboard or screen reader stands at the top of the new page; not on the very first.
    if (!first.current) {
      scrollTo(0, 0)
      const main = document.getElementById('page')
      // A page whose title is still to come takes the focus over when it is there (`PageHead`).
      ;(main?.querySelector<HTMLElement>('h1') ?? main)?.focus()
    }
    first.current = false
  }, [page, place.id, isThere])
  useEffect(() => {
    const idle = setTimeout(() => {
      for (const other of Object.values(modules)) void other().catch(() => {})
    }, 3_000)
    return () => clearTimeout(idle)
  }, [])
  if (component !== undefined) return createElement(component, { place })
  return (
    <>
      <PageHead title={common.pages[page]} />
      {failed ? (
        <Failure message={common.pageFailed} onRetry={() => void beginAnew()} />
      ) : (
        <Loading lines={6} />
      )}
    </>
  )
}

function ConnectionLine({ state, isOwner }: { readonly state: LiveState; readonly isOwner: boolean }) {
  const lost = isOwner && state.connection === 'lost'
  return (
    <p class="connection" role="status">
      {lost && <Icon name="warning" />}
      {lost && (navigator.onLine ? common.connection.lost : common.connection.offline)}
    </p>
  )
}

function NotFound({ isForOwner }: { readonly isForOwner: boolean }) {
  return (
    <>
      <PageHead title={isForOwner ? common.ownerOnly : common.notFoundTitle} />
      <Nothing>
        <p>{isForOwner ? common.ownerOnlyBody : common.notFoundBody}</p>
        <a class="button" href={hrefTo('home')}>
          {common.toHome}
        </a>
      </Nothing>
    </>
  )
}
