/** The code from which Linphone sets itself up, once; in the clear, or by TLS where our certificate lies on that device. */
import { useEffect, useState } from 'preact/hooks'
import type { LinphoneOffer } from '../../../src/admin/message.ts'
import { Qr } from '../parts/qr.tsx'
import { texts } from '../texts.ts'

/** The only folder of Linphone for Android that a computer can write to. */
const androidFile = '/storage/emulated/0/Android/data/org.linphone/files/lanline.pem'

export function LinphoneCode({ offer }: { readonly offer: LinphoneOffer }) {
  const [rootCa, setRootCa] = useState('')
  const expired = useExpired(offer.expiresInSeconds)
  if (expired) return <p role="status">{texts.linphoneExpired}</p>
  const url = rootCa === '' ? offer.url : `${offer.url}?root_ca=${encodeURIComponent(rootCa)}`
  return (
    <section class="linphone" aria-label={texts.linphoneTitle}>
      <h3>{texts.linphoneTitle}</h3>
      <Qr text={url} label={texts.linphoneCode} />
      <p>{texts.linphoneBody(Math.round(offer.expiresInSeconds / 60))}</p>
      <p>
        <a class="button" href={`linphone-config:${url}`}>
          {texts.linphoneHere}
        </a>
      </p>
      <p role="status">{rootCa === '' ? texts.linphonePlain : texts.linphoneSecure}</p>
      <details class="add">
        <summary>{texts.linphoneTls}</summary>
        <p>
          {texts.linphoneFile}{' '}
          <a href="/lanline.pem" download>
            lanline.pem
          </a>
        </p>
        <p>{texts.linphoneFileOnly}</p>
        <form
          class="inline-form"
          onSubmit={event => {
            event.preventDefault()
            setRootCa(String(new FormData(event.currentTarget).get('path')).trim())
          }}
        >
          <label class="field">
            <span>{texts.linphonePath}</span>
            <input name="path" type="text" defaultValue={androidFile} maxlength={256} required />
          </label>
          <button type="submit" class="button primary">
            {texts.linphonePathSet}
          </button>
        </form>
      </details>
    </section>
  )
}

function useExpired(seconds: number): boolean {
  const [expired, setExpired] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => setExpired(true), seconds * 1_000)
    return () => clearTimeout(timer)
  }, [seconds])
  return expired
}
