import { useEffect, useId, useMemo, useState } from 'preact/hooks'
import { useConsole } from '../console.ts'
import { useLive } from '../live.ts'
import { dayOf } from '../parts/time.tsx'
import { callTexts as texts } from '../texts/calls.ts'
import { type Filter, isEmpty, noFilter } from './filter.ts'

/** Every change counts at once; on a phone it is folded until it is wanted, and says what is in use. */
export function FilterForm(props: {
  readonly filter: Filter
  readonly onFilter: (filter: Filter) => void
  /** False: what clears it stands where the calls would. */
  readonly mayClear: boolean
}) {
  const { filter, onFilter, mayClear } = props
  const { isOwner, live } = useConsole()
  const people = useLive(live).people ?? []
  const roomy = useMemo(() => matchMedia('(min-width: 48rem)'), [])
  const inUse = !isEmpty(filter)
  const [open, setOpen] = useState(roomy.matches)
  useEffect(() => {
    const follow = (): void => setOpen(roomy.matches)
    roomy.addEventListener('change', follow)
    return () => roomy.removeEventListener('change', follow)
  }, [roomy])
  const change = (part: Partial<Filter>) => onFilter({ ...filter, ...part })
  const known = people.some(({ name }) => name === filter.person) || filter.person === ''
  const names = [
    ...people.map(({ name, displayName }) => [name, displayName] as const),
    ...(known ? [] : [[filter.person, filter.person] as const]),
  ]
  const missed = useId()
  const clear = inUse && mayClear && (
    <button type="button" class="button quiet" onClick={() => onFilter(noFilter)}>
      {texts.clear}
    </button>
  )
  return (
    <div class="filter-bar">
      <details open={open} onToggle={event => setOpen(event.currentTarget.open)}>
        <summary>{open || !inUse ? texts.filter : texts.filterBy(wordsOf(filter, new Map(names)))}</summary>
        <form
          class={`call-filters ${isOwner ? '' : 'few'}`}
          aria-label={texts.filter}
          onSubmit={event => event.preventDefault()}
        >
          {isOwner && (
            <Choice
              label={texts.person}
              any={texts.anybody}
              value={filter.person}
              options={names}
              onChange={person => change({ person })}
            />
          )}
          <Choice
            label={texts.path}
            any={texts.anyPath}
            value={filter.path}
            options={Object.entries(texts.paths)}
            onChange={path => change({ path })}
          />
          <Choice
            label={texts.verdict}
            any={texts.anyGrade}
            value={filter.grade}
            options={Object.entries(texts.grades)}
            onChange={grade => change({ grade })}
          />
          <Choice
            label={texts.quality}
            any={texts.anyQuality}
            value={filter.quality}
            options={Object.entries(texts.qualities)}
            onChange={quality => change({ quality })}
          />
          <Day label={texts.from} value={filter.from} onChange={from => change({ from })} />
          <Day label={texts.to} value={filter.to} onChange={to => change({ to })} />
          <div class="choice">
            <input
              id={missed}
              type="checkbox"
              checked={filter.missed}
              onChange={event => change({ missed: event.currentTarget.checked })}
            />
            <label for={missed}>{texts.missedOnly}</label>
          </div>
          {open && clear}
        </form>
      </details>
      {!open && clear}
    </div>
  )
}

/** What is in use, in the words of the fields. */
function wordsOf(filter: Filter, names: ReadonlyMap<string, string>): readonly string[] {
  const { person, path, grade, quality, from, to, missed } = filter
  return [
    names.get(person) ?? person,
    path && texts.paths[path as keyof typeof texts.paths],
    grade && texts.grades[grade as keyof typeof texts.grades],
    quality && texts.qualities[quality as keyof typeof texts.qualities],
    from && texts.fromDay(dayOf(from)),
    to && texts.toDay(dayOf(to)),
    missed ? texts.missedOnly : '',
  ].filter(word => word !== '')
}

function Choice(props: {
  readonly label: string
  readonly any: string
  readonly value: string
  readonly options: readonly (readonly [string, string])[]
  readonly onChange: (value: string) => void
}) {
  const id = useId()
  return (
    <div class="field">
      <label for={id}>{props.label}</label>
      <select id={id} value={props.value} onChange={event => props.onChange(event.currentTarget.value)}>
        <option value="">{props.any}</option>
        {props.options.map(([value, label]) => (
          <option key={value} value={value} selected={value === props.value}>
            {label}
          </option>
        ))}
      </select>
    </div>
  )
}

function Day(props: {
  readonly label: string
  readonly value: string
  readonly onChange: (value: string) => void
}) {
  const id = useId()
  return (
    <div class="field">
      <label for={id}>{props.label}</label>
      <input
        id={id}
        type="date"
        value={props.value}
        onChange={event => props.onChange(event.currentTarget.value)}
      />
    </div>
  )
}
