/** A SIP phone or app of one's own: a code that sets Linphone up, and what to type into any other, told once. */
import { useEffect, useRef, useState } from 'preact/hooks'
import type { Softphone } from '../../../src/admin/message.ts'
import { addSoftphone, listDevices } from '../own-devices.ts'
import { CopyButton } from '../parts/copy.tsx'
import { texts } from '../texts.ts'
import { LinphoneCode } from './linphone.tsx'

const lookMilliseconds = 3_000

export function AddSoftphone({
  onAdded,
  reload,
}: {
  readonly onAdded: (phone: Softphone) => void
  readonly reload: () => Promise<void>
}) {
  const [failure, setFailure] = useState('')
  const add = async (name: string): Promise<void> => {
    try {
      onAdded(await addSoftphone(name))
      await reload()
    } catch (error) {
      setFailure((error as Error).message || texts.refused.unreachable)
    }
  }
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

/** It comes before the list of devices: what it says is said only now. */
export function WhatToType({
  phone,
  onAdded,
}: {
  readonly phone: Softphone
  readonly onAdded: () => Promise<void>
}) {
  const connected = useConnected(phone.device, onAdded)
  const whole = useRef<HTMLDivElement>(null)
  // The button that was pressed is gone.
  useEffect(() => whole.current?.focus(), [])
  if (connected) {
    return (
      <p class="notice" role="status">
        {texts.softphoneConnected}
      </p>
    )
  }
  const rows = [
    [texts.softphone.server, `${phone.host}:${phone.tlsPort}`],
    [texts.softphone.transport, 'TLS'],
    [texts.softphone.user, phone.digestUser],
    [texts.softphone.password, phone.password],
  ] as const
  return (
    <div class="softphone" ref={whole} tabindex={-1}>
      <LinphoneCode offer={phone.linphone} />
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
        <p>
          <a href="/lanline.pem" download>
            {texts.softphoneAuthority}
          </a>
        </p>
      </section>
    </div>
  )
}

/** Whether the phone has registered since; looked for now and then while its words are up. */
function useConnected(device: string, onConnected: () => Promise<void>): boolean {
  const [connected, setConnected] = useState(false)
  useEffect(() => {
    if (connected) return
    const look = async (): Promise<void> => {
      const devices = await listDevices().catch(() => [])
      if (!devices.some(({ id, reachable }) => id === device && reachable)) return
      setConnected(true)
      await onConnected()
    }
    const timer = setInterval(() => void look(), lookMilliseconds)
    return () => clearInterval(timer)
  }, [device, connected, onConnected])
  return connected
}
