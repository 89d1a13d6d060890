import type { Call } from '../../../client/call.ts'
import type { MediaFacts } from '../../../client/report.ts'
import { Dialog } from '../parts/dialog.tsx'
import { texts } from '../texts.ts'
import { badgeState, endpoint } from './badge.tsx'

/** All the browser says about the media path. */
export function FactsDialog({ call, onClose }: { readonly call: Call; readonly onClose: () => void }) {
  const { facts } = call
  return (
    <Dialog title={texts.facts} onClose={onClose}>
      <p class="lead">{lead(call)}</p>
      {facts?.dtls === 'connected' && <p class="lead">{texts.factsEncrypted(facts.dtlsVersion ?? '')}</p>}
      {badgeState(call) !== 'connecting' && <p class="lead">{texts.factsBy}</p>}
      {facts && <Rows facts={facts} path={texts.badge[badgeState(call)]} />}
      {facts && facts.streams.length > 0 && <Streams facts={facts} />}
    </Dialog>
  )
}

function lead(call: Call): string {
  const state = badgeState(call)
  if (state === 'direct') return texts.factsDirect
  return state === 'relayed' ? texts.factsRelayed[call.path.reason ?? 'checksFailed'] : texts.factsPending
}

function Rows({ facts, path }: { readonly facts: MediaFacts; readonly path: string }) {
  const names = texts.factRows
  const { pair } = facts
  const rows: [string, string][] = [[names.path, path]]
  if (pair) {
    rows.push(
      [names.here, `${endpoint(pair.localAddress, pair.localPort)} (${pair.localType})`],
      [names.there, `${endpoint(pair.remoteAddress, pair.remotePort)} (${pair.remoteType})`],
      [names.protocol, pair.protocol.toUpperCase()],
    )
    if (facts.relayProtocol) rows.push([names.relayProtocol, facts.relayProtocol.toUpperCase()])
    if (pair.rttMilliseconds !== undefined) rows.push([names.rtt, texts.milliseconds(pair.rttMilliseconds)])
  }
  rows.push(
    [names.ice, facts.iceConnection],
    [names.gathering, facts.iceGathering],
    [names.connection, facts.connection],
    [names.dtls, [facts.dtlsVersion, facts.dtls].filter(Boolean).join(', ')],
    [names.dtlsCipher, facts.dtlsCipher || texts.notSaid],
    [names.srtpProfile, facts.srtpProfile || texts.notSaid],
    [names.localFingerprint, facts.localFingerprint],
    [names.remoteFingerprint, facts.remoteFingerprint],
  )
  return (
    <dl class="facts">
      {rows.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd class={value.length > 40 ? 'long' : ''}>{value}</dd>
        </div>
      ))}
    </dl>
  )
}

function Streams({ facts }: { readonly facts: MediaFacts }) {
  return (
    <table class="streams">
      <caption>{texts.streams}</caption>
      <thead>
        <tr>
          {texts.streamHead.map(head => (
            <th key={head} scope="col">
              {head}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {facts.streams.map(stream => (
          <tr key={`${stream.direction}${stream.ssrc}`}>
            <th scope="row">
              {texts.stream(stream.direction, stream.kind)}
              <small>{stream.ssrc}</small>
            </th>
            <td>{stream.packets.toLocaleString()}</td>
            <td>{stream.bytes.toLocaleString()}</td>
            <td>{stream.lost.toLocaleString()}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
