/** A SIP phone or app of one's own: what to type into it, told once. */
import { useState } from 'preact/hooks'
import type { Softphone } from '../../../src/admin/message.ts'
import { addSoftphone } from '../own-devices.ts'
import { texts } from '../texts.ts'

export function AddSoftphone({ onAdded }: { readonly onAdded: () => Promise<void> }) {
  const [made, setMade] = useState<Softphone>()
  const [failure, setFailure] = useState('')
  const add = async (name: string): Promise<void> => {
    try {
      setMade(await addSoftphone(name))
      setFailure('')
      await onAdded()
    } catch (error) {
      setFailure((error as Error).message || texts.refused.unreachable)
    }
  }
  if (made !== undefined) return <WhatToType phone={made} />
  return (
    <details class="add">
      <summary>{texts.addSoftphone}</summary>
      <p class="lead">{texts.softphoneBody}</p>
      <form
        class="inline-form"
        onSubmit={event => {
          event.preventDefault()
          void add(String(new FormData(event.currentTarget).get('name')))
        }}
      >
        <label class="field">
          <span>{texts.deviceName}</span>
          <input name="name" type="text" placeholder={texts.softphoneExample} maxlength={64} required />
        </label>
        <button type="submit" class="button primary">
          {texts.add}
        </button>
      </form>
      <p class="form-notice" role="alert">
        {failure}
      </p>
    </details>
  )
}

function WhatToType({ phone }: { readonly phone: Softphone }) {
  const rows = [
    [texts.softphone.server, `${phone.host}:${phone.tlsPort}`],
    [texts.softphone.transport, 'TLS'],
    [texts.softphone.user, phone.digestUser],
    [texts.softphone.password, phone.password],
  ] as const
  return (
    <section class="what-to-type" aria-label={texts.softphoneTitle} role="status">
      <h3>{texts.softphoneTitle}</h3>
      <dl>
        {rows.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              <code>{value}</code> <CopyButton name={name} value={value} />
            </dd>
          </div>
        ))}
      </dl>
      <p>{texts.softphoneOnce}</p>
      <p>{texts.softphonePlain(`${phone.host}:${phone.port}`)}</p>
    </section>
  )
}

function CopyButton({ name, value }: { readonly name: string; readonly value: string }) {
  const [copied, setCopied] = useState(false)
  return (
    <button
      type="button"
      class="text-button"
      aria-label={texts.copyName(name)}
      // Where the browser does not let us, it is there to be typed.
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
