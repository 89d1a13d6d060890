import { type ComponentChildren, Fragment } from 'preact'
import type { Call } from '../../../client/call.ts'
import type { MediaFacts } from '../../../client/report.ts'
import { Dialog } from '../parts/dialog.tsx'
import { texts } from '../texts.ts'
import { badgeState, endpoint } from './badge.tsx'

const names = texts.factRows

/** All the browser says about the media path: the way first, then what keeps it to the two, then what is for who knows. */
export function FactsDialog({ call, onClose }: { readonly call: Call; readonly onClose: () => void }) {
  const { facts } = call
  return (
    <Dialog title={texts.facts} onClose={onClose}>
      <p class="lead">{lead(call)}</p>
      {facts && <Rows rows={wayOf(facts, texts.badge[badgeState(call)])} />}
      {badgeState(call) !== 'connecting' && <p class="lead">{texts.factsBy}</p>}
      {facts && (
        <Part title={texts.factsEncryption}>
          {facts.dtls === 'connected' && <p class="lead">{texts.factsEncrypted(facts.dtlsVersion ?? '')}</p>}
          <Rows rows={encryptionOf(facts)} />
        </Part>
      )}
      {facts && (
        <Part title={texts.factsStates}>
          <Rows rows={statesOf(facts)} />
        </Part>
      )}
      {facts && facts.streams.length > 0 && (
        <div class="streams-box">
          <Streams facts={facts} />
        </div>
      )}
    </Dialog>
  )
}

function lead(call: Call): string {
  const state = badgeState(call)
  if (state === 'direct') return texts.factsDirect
  return state === 'relayed' ? texts.factsRelayed[call.path.reason ?? 'checksFailed'] : texts.factsPending
}

type Row = readonly [name: string, value: string]

function wayOf({ pair, relayProtocol }: MediaFacts, path: string): Row[] {
  const rows: Row[] = [[names.path, path]]
  if (!pair) return rows
  rows.push(
    [names.here, `${endpoint(pair.localAddress, pair.localPort)} (${pair.localType})`],
    [names.there, `${endpoint(pair.remoteAddress, pair.remotePort)} (${pair.remoteType})`],
    [names.protocol, pair.protocol.toUpperCase()],
  )
  if (relayProtocol) rows.push([names.relayProtocol, relayProtocol.toUpperCase()])
  if (pair.rttMilliseconds !== undefined) rows.push([names.rtt, texts.milliseconds(pair.rttMilliseconds)])
  return rows
}

const encryptionOf = (facts: MediaFacts): Row[] => [
  [names.localFingerprint, facts.localFingerprint],
  [names.remoteFingerprint, facts.remoteFingerprint],
  [names.dtls, [facts.dtlsVersion, facts.dtls].filter(Boolean).join(', ')],
  [names.dtlsCipher, facts.dtlsCipher || texts.notSaid],
  [names.srtpProfile, facts.srtpProfile || texts.notSaid],
]

const statesOf = (facts: MediaFacts): Row[] => [
  [names.ice, facts.iceConnection],
  [names.gathering, facts.iceGathering],
  [names.connection, facts.connection],
]

function Part({ title, children }: { readonly title: string; readonly children: ComponentChildren }) {
  return (
    <section class="facts-part" aria-label={title}>
      <h3>{title}</h3>
      {children}
    </section>
  )
}

function Rows({ rows }: { readonly rows: readonly Row[] }) {
  return (
    <dl class="facts">
      {rows.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          {value.length > 40 ? <dd class="long">{brokenBetweenPairs(value)}</dd> : <dd>{value}</dd>}
        </div>
      ))}
    </dl>
  )
}
/** A fingerprint is compared pair by pair: none is parted. */
const brokenBetweenPairs = (fingerprint: string) =>
  fingerprint.split(/(?<=:)/).map((pair, index) => (
    <Fragment key={index}>
      {pair}
      <wbr />
    </Fragment>
  ))

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
            <td>{Math.max(0, stream.lost).toLocaleString()}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
