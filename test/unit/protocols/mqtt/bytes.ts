import { type Packet, PacketReader, PacketWriter, type ProtocolVersion } from "../../../../src/protocols/mqtt/index.js";

export const VERSIONS: readonly ProtocolVersion[] = [3, 4, 5];

/** `"30 05 'a/b' 00"` as bytes: hexadecimal, and text between quotes. */
export function bytesOf(written: string): Uint8Array {
  const parts = written.match(/'[^']*'|[0-9a-fA-F]{2}/g) ?? [];
  return new Uint8Array(
    Buffer.concat(parts.map((part) => Buffer.from(part.replaceAll("'", ""), part.startsWith("'") ? "utf8" : "hex"))),
  );
}

export function encode(version: ProtocolVersion, ...packets: Packet[]): Uint8Array {
  const writer = new PacketWriter(version);
  for (const packet of packets) writer.write(packet);
  return new Uint8Array(Buffer.concat(writer.take()));
}

/** The packets in the chunks. */
export function decode(version: ProtocolVersion, ...chunks: Uint8Array[]): Packet[] {
  const packets: Packet[] = [];
  const reader = new PacketReader({ version, maxPacketBytes: 1 << 20, receive: (packet) => packets.push(packet) });
  for (const chunk of chunks) reader.push(chunk);
  return packets;
}

/** Cut before each of the offsets, of which any are taken modulo the length. */
export function split(bytes: Uint8Array, offsets: readonly number[]): Uint8Array[] {
  const cuts = offsets.map((offset) => offset % (bytes.length + 1)).sort((a, b) => a - b);
  return [0, ...cuts].map((cut, index) => bytes.subarray(cut, cuts[index] ?? bytes.length));
}
