import { useState } from 'preact/hooks'
import { texts } from '../texts.ts'

/** Where the browser does not let us, it is there to be typed. */
export function CopyButton({ name, value }: { readonly name: string; readonly value: string }) {
  const [copied, setCopied] = useState(false)
  return (
    <button
      type="button"
      class="text-button"
      aria-label={texts.copyName(name)}
      onClick={() =>
        void navigator.clipboard.writeText(value).then(
          () => setCopied(true),
          () => {},
        )
      }
    >
      {copied ? texts.copied : texts.copy}
    </button>
  )
}
