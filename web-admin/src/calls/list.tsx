/** The call log, newest first, as far as somebody scrolls; what goes on stands above it. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import type { CallList, ToldCall } from '../../../src/admin/message.ts'
import { useConsole } from '../console.ts'
import { useLive } from '../live.ts'
import { messageOf, usePolled } from '../load.ts'
import { Card, PageHead } from '../parts/card.tsx'
import { Icon } from '../parts/icon.tsx'
import { Empty, Failure, Loading } from '../parts/states.tsx'
import { goTo, hrefTo, type Place } from '../router.ts'
import { callTexts as texts } from '../texts/calls.ts'
import { common } from '../texts/common.ts'
import { addressOf, type Filter, filterOf, isEmpty, noFilter, queryOf } from './filter.ts'
import { FilterForm } from './filter-form.tsx'
import { CallRow } from './row.tsx'

const pageSize = 100

export function CallListPage({ place }: { readonly place: Place }) {
  const filter = filterOf(place.query)
  const change = (next: Filter) => goTo(hrefTo('calls', undefined, addressOf(next)), { replace: true })
  return (
    <>
      <PageHead title={common.pages.calls} />
      <div class="stack">
        <Going />
        <Log filter={filter} onFilter={change} />
      </div>
    </>
  )
}

/** The owner hears of them as they change; everybody else asks for their own. */
function Going() {
  const { api, isOwner, live } = useConsole()
  const state = useLive(live)
  const own = usePolled(
    async () => (isOwner ? [] : (await api.get<CallList>('/calls?going=true&limit=20')).calls),
    5,
  )
  const calls = isOwner ? state.calls : own.value
  const [, tick] = useState(0)
  useEffect(() => {
    const timer = setInterval(() => tick(count => count + 1), 1_000)
    return () => clearInterval(timer)
  }, [])
  // Nothing that comes and goes above a list that is read: only where something goes on.
  if (calls === undefined || calls.length === 0) return null
  return (
    <Card title={texts.going} count={calls.length}>
      <ul class="call-rows">
        {calls.map(call => (
          <CallRow key={call.id} call={call} />
        ))}
      </ul>
    </Card>
  )
}

interface Pages {
  readonly key: string
  readonly calls: readonly ToldCall[]
  readonly total: number | undefined
  readonly failure: string
}

function Log({ filter, onFilter }: { readonly filter: Filter; readonly onFilter: (filter: Filter) => void }) {
  const query = queryOf(filter)
  query.set('going', 'false')
  const key = query.toString()
  const { pages, busy, more, reload } = useCalls(key)
  const { calls, total, failure } = pages
  if (total === 0 && isEmpty(filter)) {
    return (
      <section class="card" aria-label={texts.all}>
        <Empty icon="calls">
          <p>{texts.empty}</p>
        </Empty>
      </section>
    )
  }
  return (
    <Card
      title={isEmpty(filter) ? texts.all : texts.found}
      count={total}
      aside={
        failure === '' &&
        total !== 0 && (
          <a class="button quiet" href={`/api/v1/calls.csv?${queryOf(filter)}`} download>
            <Icon name="download" />
            <span>
              {texts.csv} <span class="roomy">{texts.csvAs}</span>
            </span>
          </a>
        )
      }
    >
      <FilterForm filter={filter} onFilter={onFilter} mayClear={total !== 0} />
      {total === undefined && failure === '' && <Loading lines={8} />}
      {failure !== '' && <Failure message={failure} onRetry={reload} />}
      {total === 0 && (
        <Empty icon="calls">
          <p>{texts.emptyFilter}</p>
          <button
            type="button"
            class="button"
            onClick={event => {
              // The button goes with what it clears; one goes on filtering.
              event.currentTarget.closest('section')?.querySelector('select')?.focus()
              onFilter(noFilter)
            }}
          >
            {texts.clear}
          </button>
        </Empty>
      )}
      <ul class="call-rows" aria-busy={busy}>
        {calls.map(call => (
          <CallRow key={call.id} call={call} />
        ))}
      </ul>
      {total !== undefined && calls.length < total && (
        <More shown={calls.length} total={total} busy={busy} onMore={more} />
      )}
    </Card>
  )
}

/** Loads by itself when it comes near; the button is for who does not scroll. */
function More(props: {
  readonly shown: number
  readonly total: number
  readonly busy: boolean
  readonly onMore: () => void
}) {
  const mark = useRef<HTMLDivElement>(null)
  const { busy, onMore } = props
  useEffect(() => {
    if (mark.current === null || busy) return
    const watcher = new IntersectionObserver(
      seen => {
        if (seen.some(one => one.isIntersecting)) onMore()
      },
      { rootMargin: '600px' },
    )
    watcher.observe(mark.current)
    return () => watcher.disconnect()
  }, [busy, onMore])
  return (
    <div class="call-more" ref={mark}>
      <button type="button" class="button" aria-disabled={busy} onClick={() => busy || onMore()}>
        {busy ? common.oneMoment : texts.older}
      </button>
      <span class="soft small">{texts.shown(props.shown, props.total)}</span>
    </div>
  )
}

/** Pages of the list under one filter. A call that ends meanwhile comes on top without anything else moving. */
function useCalls(key: string) {
  const { api, isOwner, live } = useConsole()
  const [pages, setPages] = useState<Pages>({ key, calls: [], total: undefined, failure: '' })
  const [busy, setBusy] = useState(true)
  const current = pages.key === key ? pages : { key, calls: [], total: undefined, failure: '' }
  const ask = useCallback(
    async (before: string | undefined) => {
      setBusy(true)
      const page = `&limit=${pageSize}${before === undefined ? '' : `&before=${before}`}`
      try {
        const { calls, total } = await api.get<CallList>(`/calls?${key}${page}`)
        setPages(old => ({
          ...{ key, total, failure: '' },
          calls: joined(old.key === key ? old.calls : [], calls, before === undefined),
        }))
      } catch (error) {
        setPages(old => ({
          ...(old.key === key ? old : { key, calls: [], total: undefined }),
          failure: messageOf(error),
        }))
      } finally {
        setBusy(false)
      }
    },
    [api, key],
  )
  useEffect(() => void ask(undefined), [ask])
  useEffect(() => {
    if (!isOwner) return
    let waiting: ReturnType<typeof setTimeout> | undefined
    // Its verdict comes a moment after its end.
    const stop = live.onCall(call => {
      if (call.endedAt == null) return
      clearTimeout(waiting)
      waiting = setTimeout(() => void ask(undefined), 2_000)
    })
    return () => {
      clearTimeout(waiting)
      stop()
    }
  }, [ask, isOwner, live])
  const last = current.calls.at(-1)?.id
  const more = useCallback(() => void ask(last), [ask, last])
  const reload = useCallback(() => void ask(last), [ask, last])
  return { pages: current, busy, more, reload }
}

/** What is newly known of a call replaces what was; new ones come first where the first page was asked for. */
function joined(old: readonly ToldCall[], page: readonly ToldCall[], isFirst: boolean): readonly ToldCall[] {
  const fresh = new Map(page.map(call => [call.id, call]))
  const known = new Set(old.map(({ id }) => id))
  const kept = old.map(call => fresh.get(call.id) ?? call)
  const added = page.filter(({ id }) => !known.has(id))
  return isFirst ? [...added, ...kept] : [...kept, ...added]
}
