/**
 * Sizes that the wire and our batches share. Bytes unless the name says otherwise.
 * Source: Gearman PROTOCOL; observed limits of gearmand 1.1.20 and 2.0.
 */

export const HEADER_BYTES = 12;
/** Header plus arguments of one packet; an argument that does not end within closes the connection. */
export const HEAD_BYTES_MAX = 8192;
/** Text line without its LF. */
export const LINE_BYTES_MAX = 8191;
export const LINE_WORDS_MAX = 5;
export const UNIQUE_BYTES_MAX = 64;
/** Handle with its terminating NUL in gearmand: 63 usable bytes. */
export const HANDLE_BYTES_MAX = 63;
export const OPTION_BYTES_MAX = 63;
export const CLIENT_ID_BYTES_MAX = 127;
/** Of the token in OPTION_REQ `token:TOKEN`. */
export const TOKEN_BYTES_MAX = 256;
/** Registrations of one name by one connection that are kept; beyond it the oldest gives way (gearmand: no limit). */
export const REGISTRATIONS_MAX = 16;

/** One read of one connection in one turn. */
export const READ_BYTES = 65536;
/** A frame above this that has not arrived whole is gathered in a blob instead of being carried from read to read. */
export const CARRY_BYTES_MAX = 16384;
/** Data above this is kept in a blob, not in the slab. */
export const SLAB_BYTES_MAX = 16384;
/** Default of --max-packet-size; the greatest allowed value keeps every length a positive 32-bit integer. */
export const PACKET_BYTES_DEFAULT = 256 * 1024 * 1024;
export const PACKET_BYTES_LIMIT = 0x7fff0000;
