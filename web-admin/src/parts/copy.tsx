import { useState } from 'preact/hooks'
import { common } from '../texts/common.ts'

/** A text to pass on. Without a clipboard (plain HTTP) it can be selected whole. */
export function Copy({ text, label }: { readonly text: string; readonly label: string }) {
  const [state, setState] = useState<'' | 'copied' | 'failed'>('')
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text)
      setState('copied')
    } catch {
      setState('failed')
    }
  }
  return (
    <div>
      <div class="copy">
        <code>{text}</code>
        <button
          type="button"
          class="button quiet"
          aria-label={`${common.copy} ${label}`}
          onClick={() => void copy()}
        >
          {state === 'copied' ? common.copied : common.copy}
        </button>
      </div>
      <p class="hint" role="status">
        {state === 'failed' && common.copyFailed}
      </p>
    </div>
  )
}
