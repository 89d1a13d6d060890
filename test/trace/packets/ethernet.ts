/** An Ethernet frame around an IP packet, for files whose other packets have one. Nobody's MAC addresses. */
export function inEthernet(packet: Uint8Array): Uint8Array {
  const header = Buffer.alloc(14)
  // IEEE 802c: locally administered.
  header[0] = 2
  header[6] = 2
  header[11] = 1
  header.writeUInt16BE(packet[0]! >> 4 === 6 ? 0x86dd : 0x0800, 12)
  return Buffer.concat([header, packet])
}
