/** The keys of a telephone, for the door station or the menu at the other end of the call. */
import { useEffect, useState } from 'preact/hooks'
import type { Call } from '../../../client/call.ts'
import { Dialog } from '../parts/dialog.tsx'
import { texts } from '../texts.ts'

const keys = ['1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '0', '#'] as const
/** Of what was pressed so much is shown. */
const shownKeys = 16

export function KeypadDialog({ call, onClose }: { readonly call: Call; readonly onClose: () => void }) {
  const [pressed, setPressed] = useState('')
  const press = (key: string) => {
    if (call.sendTones(key)) setPressed(before => (before + key).slice(-shownKeys))
  }
  useEffect(() => {
    const typed = (event: KeyboardEvent) => {
      if (!event.repeat && !event.ctrlKey && !event.metaKey && /^[0-9*#]$/.test(event.key)) press(event.key)
    }
    addEventListener('keydown', typed)
    return () => removeEventListener('keydown', typed)
  }, [call])
  return (
    <Dialog title={texts.keypad.title} onClose={onClose}>
      <p class="lead">{texts.keypad.body(call.party.name)}</p>
      <output class="pressed" aria-label={texts.keypad.pressed}>
        {pressed}
      </output>
      <div class="keys">
        {keys.map(key => (
          <button
            key={key}
            type="button"
            aria-label={texts.keypad.names[key] ?? key}
            onClick={() => press(key)}
          >
            {key}
          </button>
        ))}
      </div>
    </Dialog>
  )
}
