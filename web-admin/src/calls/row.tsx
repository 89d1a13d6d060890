import type { ToldCall } from '../../../src/admin/message.ts'
import { Icon } from '../parts/icon.tsx'
import { Time } from '../parts/time.tsx'
import { hrefTo } from '../router.ts'
import { callTexts as texts } from '../texts/calls.ts'
import { calleeOf, callerOf, outcomeOf, pathBadge, qualityBadge } from './words.ts'

/** One line of the list; all of it leads to the call's page. */
export function CallRow({ call }: { readonly call: ToldCall }) {
  const path = pathBadge(call)
  const quality = qualityBadge(call.outcome?.mos)
  return (
    <li class="call-row">
      <a href={hrefTo('calls', call.id)}>
        <span class="call-who">
          <Icon name={call.video ? 'video' : 'calls'} />
          <span>
            <strong>{callerOf(call)}</strong> <span class="hidden">{texts.called} </span>
            <span class="whole">
              <span aria-hidden="true">→</span> <strong>{calleeOf(call)}</strong>
            </span>
          </span>
        </span>
        <span class="call-when soft">
          <Time at={call.startedAt} />
        </span>
        <span class="call-rest">
          <span class="call-how">
            {call.missed && <span class="badge bad">{texts.missed}</span>}
            <span class={call.missed ? 'soft' : ''}>{outcomeOf(call)}</span>
          </span>
          <span class="call-path">{path && <span class={`badge ${path.tone}`}>{path.text}</span>}</span>
          <span class="call-quality">
            {quality && <span class={`badge ${quality.tone}`}>{quality.text}</span>}
          </span>
        </span>
      </a>
    </li>
  )
}
