/** What a page shows before, instead of and without its content. */
import type { ComponentChildren } from 'preact'
import type { Loaded } from '../load.ts'
import { common } from '../texts/common.ts'
import { Icon, type IconName } from './icon.tsx'

/** As high as what will stand there, so that nothing jumps. */
export function Loading({ lines = 3 }: { readonly lines?: number }) {
  return (
    <div class="skeleton" role="status">
      <span class="hidden">{common.loading}</span>
      {Array.from({ length: lines }, (_, line) => (
        <i key={line} />
      ))}
    </div>
  )
}

export function Empty(props: { readonly icon: IconName; readonly children: ComponentChildren }) {
  return (
    <div class="state empty">
      <Icon name={props.icon} />
      {props.children}
    </div>
  )
}

/** An address that leads to nothing: why that may be, and where to go instead. */
export function Nothing({ children }: { readonly children: ComponentChildren }) {
  return (
    <div class="card nothing">
      <div class="state empty">
        <Icon name="help" />
        {children}
      </div>
    </div>
  )
}

export function Failure({ message, onRetry }: { readonly message: string; readonly onRetry?: () => void }) {
  if (message === '') return null
  return (
    <div class="state" role="alert">
      <p class="failure">{message}</p>
      {onRetry && (
        <button type="button" class="button" onClick={onRetry}>
          {common.tryAgain}
        </button>
      )}
    </div>
  )
}

/** The value when it is there; until then lines, or why not. A value that could not be renewed stays. */
export function Await<Value>(props: {
  readonly of: Loaded<Value>
  readonly lines?: number
  readonly children: (value: Value) => ComponentChildren
}) {
  const { value, failure, reload } = props.of
  if (value !== undefined) return <>{props.children(value)}</>
  if (failure !== '') return <Failure message={failure} onRetry={() => void reload()} />
  return <Loading lines={props.lines ?? 3} />
}
