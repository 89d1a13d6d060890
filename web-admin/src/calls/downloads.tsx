/** Everything about the call as files, and how somebody else checks them. */
import type { ToldCall } from '../../../src/admin/message.ts'
import { useConsole } from '../console.ts'
import { useLoaded } from '../load.ts'
import { Card } from '../parts/card.tsx'
import { Copy } from '../parts/copy.tsx'
import { Icon } from '../parts/icon.tsx'
import { callTexts as texts } from '../texts/calls.ts'

export function DownloadsCard({ call }: { readonly call: ToldCall }) {
  const { api } = useConsole()
  const key = useLoaded(() => api.get<{ readonly fingerprint: string }>('/trace-key'))
  const path = `/api/v1/calls/${encodeURIComponent(call.id)}`
  return (
    <Card title={texts.downloads}>
      <p class="soft small">{texts.downloadsLead}</p>
      <ul class="rows">
        {Object.entries(texts.formats).map(([file, [name, about]]) => (
          <li key={file}>
            <div class="row-main">
              <a class="file" href={`${path}/${file}`} download={`lanline-${call.id.slice(0, 8)}-${file}`}>
                <Icon name="download" /> <span>{name}</span>
              </a>
              <span class="soft small">{about}</span>
            </div>
            <code class="soft small">{file.replace('trace', '')}</code>
          </li>
        ))}
      </ul>
      <details>
        <summary>{texts.verifyTitle}</summary>
        <p>{texts.verifyBody}</p>
        <Copy
          text={`lanline trace verify lanline-${call.id.slice(0, 8)}-trace.json`}
          label={texts.verifyTitle}
        />
        {key.value !== undefined && (
          <p class="small">
            {texts.keyOf}: <code class="fingerprint">{key.value.fingerprint}</code>
          </p>
        )}
      </details>
    </Card>
  )
}
