/** A certificate that the owner brings: looked through first, with what it changes; and the way back. */
import { useState } from 'preact/hooks'
import type {
  CertificateState,
  OwnCertificateRequest,
  OwnCertificateState,
} from '../../../src/admin/message.ts'
import { useConsole } from '../console.ts'
import { Confirm } from '../parts/dialog.tsx'
import { Field, Form } from '../parts/form.tsx'
import { Time } from '../parts/time.tsx'
import { attempt, toast } from '../parts/toast.tsx'
import { common } from '../texts/common.ts'
import { settings } from '../texts/settings.ts'

const texts = settings.ownCertificate

export function OwnCertificate(props: {
  readonly own: OwnCertificateState | undefined
  readonly reload: () => Promise<void>
}) {
  const { own, reload } = props
  return (
    <>
      {own !== undefined && <InUse own={own} reload={reload} />}
      <Bring isNewer={own !== undefined} reload={reload} />
    </>
  )
}

function InUse({ own, reload }: { readonly own: OwnCertificateState; readonly reload: () => Promise<void> }) {
  const { api } = useConsole()
  const [asking, setAsking] = useState(false)
  const isOver = own.notAfter < Date.now()
  return (
    <section class="part" aria-label={texts.title}>
      <h3>{texts.title}</h3>
      {isOver && <p class="note bad">{texts.over}</p>}
      <Facts own={own} />
      <p class="soft small">{texts.yours}</p>
      <div class="buttons">
        <button type="button" class="button" onClick={() => setAsking(true)}>
          {texts.drop}
        </button>
      </div>
      {asking && (
        <Confirm
          title={texts.dropTitle}
          lost={[texts.dropLost(own.names.join(', ')), texts.dropKey]}
          confirm={texts.drop}
          onClose={() => setAsking(false)}
          onConfirm={async () => {
            await api.delete('/certificate/own')
            await reload()
            toast(texts.dropped)
          }}
        />
      )}
    </section>
  )
}

function Bring({ isNewer, reload }: { readonly isNewer: boolean; readonly reload: () => Promise<void> }) {
  const { api } = useConsole()
  const [seen, setSeen] = useState<{
    readonly wish: OwnCertificateRequest
    readonly found: OwnCertificateState
  }>()
  const [open, setOpen] = useState(false)
  return (
    <details open={open} onToggle={event => setOpen(event.currentTarget.open)}>
      <summary>{isNewer ? texts.another : texts.bring}</summary>
      {seen === undefined && (
        <Form
          submit={texts.look}
          label={texts.bring}
          onSubmit={async (_values, form) => {
            const wish = { certificate: await textOf(form, 'certificate'), key: await textOf(form, 'key') }
            setSeen({ wish, found: await api.post<OwnCertificateState>('/certificate/look', wish) })
          }}
        >
          <p class="soft">{texts.lead}</p>
          <Field label={texts.file} name="certificate" type="file" required hint={texts.fileHint} />
          <Field label={texts.key} name="key" type="file" required hint={texts.keyHint} />
        </Form>
      )}
      <div role="status" class="told">
        {seen !== undefined && (
          <div class="stack">
            <p>{texts.fits}</p>
            <div class="part">
              <h3>{texts.found}</h3>
              <Facts own={seen.found} />
            </div>
            <div class="part">
              <h3>{texts.changes}</h3>
              <Changes own={seen.found} />
            </div>
            <div class="buttons">
              <button
                type="button"
                class="button primary"
                onClick={() =>
                  void attempt(async () => {
                    await api.post<CertificateState>('/certificate/own', seen.wish)
                    setSeen(undefined)
                    setOpen(false)
                    await reload()
                  }, texts.used)
                }
              >
                {texts.use}
              </button>
              <button type="button" class="button quiet" onClick={() => setSeen(undefined)}>
                {common.cancel}
              </button>
            </div>
          </div>
        )}
      </div>
    </details>
  )
}

function Facts({ own }: { readonly own: OwnCertificateState }) {
  return (
    <dl class="facts">
      <div class="fact">
        <dt>{settings.until}</dt>
        <dd>
          <Time at={own.notAfter} />
        </dd>
      </div>
      <div class="fact">
        <dt>{settings.names}</dt>
        <dd>{own.names.join(', ')}</dd>
      </div>
      <div class="fact">
        <dt>{texts.issuer}</dt>
        <dd>
          {own.issuer} <span class="soft small">{own.isPublic ? texts.known : texts.unknown}</span>
        </dd>
      </div>
    </dl>
  )
}

function Changes({ own }: { readonly own: OwnCertificateState }) {
  return (
    <ul class="bullets">
      <li>{texts.shownFor(own.names.join(', '))}</li>
      {own.leaves.length > 0 && <li>{texts.leaves(own.leaves)}</li>}
      {own.takesOver.length > 0 && <li>{texts.takesOver(own.takesOver.join(', '))}</li>}
      <li>{texts.yours}</li>
    </ul>
  )
}

/** Larger files are none of these; the appliance says what is wrong with a part of one. */
const mostCharacters = 15_000

async function textOf(form: HTMLFormElement, name: string): Promise<string> {
  const file = (form.elements.namedItem(name) as HTMLInputElement).files?.[0]
  const text = (await file?.slice(0, mostCharacters + 1).text()) ?? ''
  if (text.length > mostCharacters) throw new Error(texts.tooLarge(file!.name))
  return text === '' ? '\n' : text
}
