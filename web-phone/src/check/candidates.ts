/** The addresses that the browser would offer for a call. */
import type { CandidateFacts } from './facts.ts'
import { isAddress } from './networks.ts'
import { goOn, sleep } from './wait.ts'

/** Host candidates come at once; the end of gathering may be told late or never. */
const gatherMilliseconds = 1_500

/** While the microphone is open, or browsers hide the addresses behind `<uuid>.local`. */
export async function gatherCandidates(signal: AbortSignal): Promise<CandidateFacts> {
  if (typeof RTCPeerConnection === 'undefined') return { able: false, addresses: [], hidden: 0 }
  const connection = new RTCPeerConnection()
  try {
    const lines: string[] = []
    const ended = new Promise<void>(resolve => {
      connection.onicecandidate = ({ candidate }) => {
        if (candidate?.candidate) lines.push(candidate.candidate)
        else resolve()
      }
    })
    connection.createDataChannel('check')
    await connection.setLocalDescription()
    await Promise.race([ended, sleep(gatherMilliseconds, signal)])
    const hosts = [...new Set(lines.flatMap(hostAddress))]
    const addresses = hosts.filter(isAddress)
    return { able: true, addresses, hidden: hosts.length - addresses.length }
  } catch {
    goOn(signal)
    return { able: true, addresses: [], hidden: 0 }
  } finally {
    connection.close()
  }
}

/** RFC 8839 §5.1: `candidate:<foundation> <component> <transport> <priority> <address> <port> typ <type>`. */
export function hostAddress(line: string): string[] {
  const [, , transport, , address, , , type] = line.split(' ')
  return type === 'host' && transport?.toLowerCase() === 'udp' && address ? [address] : []
}
