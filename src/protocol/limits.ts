/**
 * Sizes shared by the wire and our batches, in bytes unless the name says otherwise. Source: Gearman PROTOCOL;
 * observed limits of gearmand 1.1.20 and 2.0.
 */

export const HEADER_BYTES = 12;
/** Header plus arguments of one packet; an argument that does not end within it closes the connection. */
export const HEAD_BYTES_MAX = 8192;
/** Text line without its LF. */
export const LINE_BYTES_MAX = 8191;
export const LINE_WORDS_MAX = 5;
export const UNIQUE_BYTES_MAX = 64;
/** Handle with its terminating NUL in gearmand: 63 usable bytes. */
export const HANDLE_BYTES_MAX = 63;
export const OPTION_BYTES_MAX = 63;
export const CLIENT_ID_BYTES_MAX = 127;
/** The token in OPTION_REQ `token:TOKEN`. */
export const TOKEN_BYTES_MAX = 256;
/** Registrations of one name kept for one connection; beyond that the oldest is dropped (gearmand: no limit). */
export const REGISTRATIONS_MAX = 16;

/** At most so many bytes are read from one connection in one turn. */
export const READ_BYTES = 65536;
/** An incomplete frame above this is gathered in a blob instead of being copied from read to read. */
export const CARRY_BYTES_MAX = 16384;
/** Data above this is kept in a blob, not in the slab. */
export const SLAB_BYTES_MAX = 16384;
/** Default of --max-packet-size; the greatest allowed value keeps every length a positive 32-bit integer. */
export const PACKET_BYTES_DEFAULT = 256 * 1024 * 1024;
export const PACKET_BYTES_LIMIT = 0x7fff0000;
