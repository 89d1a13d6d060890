/** A further browser of one's own: a code to scan with it, until it is here. */
import { useEffect, useState } from 'preact/hooks'
import type { Device, Invite } from '../../../src/admin/message.ts'
import { inviteOwnDevice } from '../own-devices.ts'
import { CopyButton } from '../parts/copy.tsx'
import { Qr } from '../parts/qr.tsx'
import { texts } from '../texts.ts'

const lookMilliseconds = 2_000

export function AddDevice({
  devices,
  reload,
}: {
  readonly devices: readonly Device[]
  readonly reload: () => Promise<void>
}) {
  const [shown, setShown] = useState<{ readonly invite: Invite; readonly before: readonly string[] }>()
  const [failure, setFailure] = useState('')
  const added = shown && devices.find(({ id, kind }) => kind === 'page' && !shown.before.includes(id))
  const isWaiting = shown !== undefined && added === undefined
  useEffect(() => {
    if (!isWaiting) return
    const timer = setInterval(() => void reload(), lookMilliseconds)
    return () => clearInterval(timer)
  }, [isWaiting, reload])
  const show = async (): Promise<void> => {
    try {
      setShown({ invite: await inviteOwnDevice(), before: devices.map(({ id }) => id) })
      setFailure('')
    } catch (error) {
      setFailure((error as Error).message || texts.refused.unreachable)
    }
  }
  if (added) {
    return (
      <p class="notice" role="status">
        {texts.addDeviceDone(added.name)}
      </p>
    )
  }
  const url = shown?.invite.url
  return (
    <details class="add">
      <summary>{texts.addDevice}</summary>
      <p class="lead">{texts.addDeviceBody}</p>
      {url === undefined ? (
        <div class="inline-form">
          <button type="button" class="button primary" onClick={() => void show()}>
            {texts.showCode}
          </button>
        </div>
      ) : (
        <div role="status">
          <p class="lead">{texts.addDeviceScan}</p>
          <Qr text={url} label={texts.addDeviceCode} />
          <p class="link-to-copy">
            <code>{url}</code> <CopyButton name={texts.addDeviceLink} value={url} />
          </p>
        </div>
      )}
      <p class="form-notice" role="alert">
        {failure}
      </p>
    </details>
  )
}
